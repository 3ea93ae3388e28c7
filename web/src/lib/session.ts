import type { Session } from "@supabase/supabase-js";
import { useEffect, useState } from "react";
import { supabase } from "./supabase.ts";

/** Returns the session: undefined while it is being read, null when nobody is signed in. */
export function useSession(): Session | null | undefined {
  const [session, setSession] = useState<Session | null>();
  useEffect(() => {
    void supabase.auth.getSession().then(({ data }) => setSession(data.session));
    const { data } = supabase.auth.onAuthStateChange((_event, next) => setSession(next));
    return () => data.subscription.unsubscribe();
  }, []);
  return session;
}

/** Signs in with e-mail and password; returns a sentence when refused. */
export async function signIn(email: string, password: string): Promise<string | undefined> {
  const { error } = await supabase.auth.signInWithPassword({ email, password });
  if (!error) return undefined;
  return error.code === "invalid_credentials" ? "This e-mail and password do not match." : error.message;
}

/** Signs out here. */
export async function signOut(): Promise<void> {
  await supabase.auth.signOut({ scope: "local" });
}
