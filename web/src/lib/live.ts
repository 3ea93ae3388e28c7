import type { QueryClient } from "@tanstack/react-query";
import { AFFECTED, PRICES } from "./affected.ts";
import { refresher } from "./refresh.ts";
import { supabase } from "./supabase.ts";

/** `live`: changes arrive by themselves. `polling`: the socket is down and the screen asks. */
export type Connection = "connecting" | "live" | "polling";

const POLL_ALL_MS = 60_000;
const POLL_PRICES_MS = 2_000;
const SAFETY_MS = 300_000;
const RETRY_MS = 5_000;

/** Keeps the queries fresh: one Realtime channel for the whole app, polling whenever it is down. Returns a function that stops it. */
export function keepFresh(queries: QueryClient, onConnection: (state: Connection) => void): () => void {
  const { lookAgain, stop: stopLooking } = refresher(queries);
  let timers: ReturnType<typeof setInterval>[] = [];
  let retry: ReturnType<typeof setTimeout> | undefined;
  let state: Connection | undefined;
  let stopped = false;
  let channel = open();

  const all = () => void queries.invalidateQueries();

  function setConnection(next: Connection) {
    if (stopped || next === state) return;
    state = next;
    stopTimers();
    timers =
      next === "live"
        ? [setInterval(all, SAFETY_MS)]
        : [setInterval(all, POLL_ALL_MS), setInterval(() => lookAgain(PRICES), POLL_PRICES_MS)];
    if (next === "polling") all();
    onConnection(next);
  }

  function stopTimers() {
    for (const timer of timers) clearInterval(timer);
    timers = [];
  }

  function open() {
    const opened = supabase.channel("dashboard");
    for (const [table, keys] of Object.entries(AFFECTED)) {
      opened.on("postgres_changes", { event: "*", schema: "public", table }, () => lookAgain(keys));
    }
    opened.on("system", {}, (message: { status?: string }) => {
      if (message.status !== "ok") return setConnection("polling");
      setConnection("live");
      all();
    });
    opened.subscribe((status) => {
      if (stopped) return;
      if (status === "SUBSCRIBED") return all();
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
    stopLooking();
    clearTimeout(retry);
    stopTimers();
    void supabase.removeChannel(channel);
  };
}
