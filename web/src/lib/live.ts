import type { QueryClient } from "@tanstack/react-query";
import { supabase } from "./supabase.ts";

/** `live`: changes arrive by themselves. `polling`: the socket is down and the screen asks. */
export type Connection = "connecting" | "live" | "polling";

/** What to look at again when a row of a table changes: the first words of query keys. */
export const AFFECTED: Readonly<Record<string, readonly string[]>> = {
  crypto_orders: ["orders", "timeline", "header", "positions"],
  crypto_fills: ["fills", "orders", "positions", "header"],
  candidate_scans: ["scan", "prices", "positions", "header"],
  crypto_cash_snapshots: ["equity", "header"],
  order_events: ["timeline"],
  alerts: ["alerts", "header"],
  config: ["config", "header"],
};

const COALESCE_MS = 40;
const POLL_ALL_MS = 60_000;
const POLL_PRICES_MS = 2_000;
const SAFETY_MS = 300_000;
const RETRY_MS = 5_000;

/** Keeps the queries fresh: one Realtime channel for the whole app, polling whenever it is down. Returns a function that stops it. */
export function keepFresh(queries: QueryClient, onConnection: (state: Connection) => void): () => void {
  const pending = new Set<string>();
  let flushing: ReturnType<typeof setTimeout> | undefined;
  let polling: ReturnType<typeof setInterval>[] = [];
  let retry: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let channel = open();

  function lookAgain(keys: readonly string[]) {
    for (const key of keys) pending.add(key);
    flushing ??= setTimeout(() => {
      flushing = undefined;
      const wanted = new Set(pending);
      pending.clear();
      void queries.invalidateQueries({ predicate: (query) => wanted.has(String(query.queryKey[0])) });
    }, COALESCE_MS);
  }

  function setConnection(state: Connection) {
    for (const timer of polling) clearInterval(timer);
    const all = () => void queries.invalidateQueries();
    polling =
      state === "live"
        ? [setInterval(all, SAFETY_MS)]
        : [setInterval(all, POLL_ALL_MS), setInterval(() => lookAgain(["prices", "header"]), POLL_PRICES_MS)];
    if (state === "live") all();
    onConnection(state);
  }

  function open() {
    const opened = supabase.channel("dashboard");
    for (const table of Object.keys(AFFECTED)) {
      opened.on("postgres_changes", { event: "*", schema: "public", table }, () => lookAgain(AFFECTED[table] ?? []));
    }
    opened.on("system", {}, (message: { status?: string }) =>
      setConnection(message.status === "ok" ? "live" : "polling"),
    );
    opened.subscribe((status) => {
      if (stopped) return;
      if (status === "SUBSCRIBED") return void queries.invalidateQueries();
      setConnection("polling");
      if (status === "CLOSED") reopenLater();
    });
    return opened;
  }

  function reopenLater() {
    retry ??= setTimeout(async () => {
      retry = undefined;
      await supabase.removeChannel(channel);
      if (!stopped) channel = open();
    }, RETRY_MS);
  }

  setConnection("connecting");
  return () => {
    stopped = true;
    clearTimeout(flushing);
    clearTimeout(retry);
    for (const timer of polling) clearInterval(timer);
    void supabase.removeChannel(channel);
  };
}
