import { createClient } from "@supabase/supabase-js";
import { readEndpoint } from "./env.ts";

const endpoint = readEndpoint();

/** The one client of the app: auth, queries and Realtime share its session. */
export const supabase = createClient(endpoint.url, endpoint.publishableKey, {
  auth: { persistSession: true, autoRefreshToken: true },
});
