import { useEffect, useState } from "react";

let offset = { server: Date.now(), local: performance.now(), speed: 1 };
const watchers = new Set<() => void>();

/** Sets "now" from an answer of the server; between answers it runs at the platform clock's speed. */
export function setServerNow(iso: string, speed: number): void {
  offset = { server: Date.parse(iso), local: performance.now(), speed };
  for (const watcher of watchers) watcher();
}

/** Returns the server's time in epoch milliseconds. */
export function serverNow(): number {
  return offset.server + (performance.now() - offset.local) * offset.speed;
}

/** Re-renders once a second, and when the server has told its time; returns the server's time. */
export function useServerNow(): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const look = () => setNow(serverNow());
    watchers.add(look);
    const timer = setInterval(look, 1000);
    return () => {
      watchers.delete(look);
      clearInterval(timer);
    };
  }, []);
  return now;
}

/** Seconds from `iso` until `now`; negative when it lies ahead. */
export function secondsSince(iso: string, now: number): number {
  return (now - Date.parse(iso)) / 1000;
}
