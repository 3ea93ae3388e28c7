import { useSyncExternalStore } from "react";
import type { Mode } from "../../../shared/orders/order.ts";

/** Paper and live are two books; the screen shows one of them. */
export type { Mode };

const listeners = new Set<() => void>();

function read(): Mode {
  return new URLSearchParams(window.location.search).get("mode") === "live" ? "live" : "paper";
}

/** Switches the screen to the other book; the address keeps it. */
export function showMode(mode: Mode): void {
  const address = new URL(window.location.href);
  if (mode === "live") address.searchParams.set("mode", "live");
  else address.searchParams.delete("mode");
  window.history.replaceState(null, "", address);
  for (const listener of listeners) listener();
}

/** Returns the book on screen. */
export function useMode(): Mode {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, read);
}
