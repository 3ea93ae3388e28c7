import { createClient } from "@supabase/supabase-js";
import { readEndpoint } from "./env.ts";

const endpoint = readEndpoint();
const ANSWER_WITHIN_MS = 15_000;
/** A tick run by hand answers when it is done. */
const TICK_WITHIN_MS = 150_000;

/** The one client of the app: auth, queries and Realtime share its session. A call that gets no answer ends as a failure. */
export const supabase = createClient(endpoint.url, endpoint.publishableKey, {
  auth: { persistSession: true, autoRefreshToken: true },
  global: {
    fetch: (input, init) => {
      const limit = String(input).includes("/functions/v1/") ? TICK_WITHIN_MS : ANSWER_WITHIN_MS;
      const timeout = AbortSignal.timeout(limit);
      return fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout });
    },
  },
});
