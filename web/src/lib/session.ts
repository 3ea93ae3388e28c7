import type { Session } from "@supabase/supabase-js";
import { useEffect, useState } from "react";
import { supabase } from "./supabase.ts";

const ENDED = "Your session has ended. Sign in again.";
/** What the sign-in page says first; a browser that kept a session was signed in before. */
let farewell = Object.keys(localStorage).some((key) => /^sb-.*-auth-token$/.test(key)) ? ENDED : undefined;

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
  if (!error) {
    farewell = ENDED;
    return undefined;
  }
  if (error.code === "invalid_credentials") return "This e-mail and password do not match.";
  return error.status ? error.message : "The API does not answer. Is Zoe running?";
}

/** Signs out here. */
export async function signOut(): Promise<void> {
  farewell = undefined;
  await supabase.auth.signOut({ scope: "local" });
}

/** Why the sign-in page is shown to somebody who was signed in; nothing to those who left by themselves. */
export const sessionFarewell = (): string | undefined => farewell;

let asking: Promise<void> | undefined;

/** The API does not accept the session: renews it, or ends it when it can't be renewed. */
export function renewSession(): Promise<void> {
  asking ??= supabase.auth
    .refreshSession()
    .then(async ({ error }) => {
      if (error?.status && error.status < 500) await supabase.auth.signOut({ scope: "local" });
    })
    .finally(() => {
      asking = undefined;
    });
  return asking;
}
