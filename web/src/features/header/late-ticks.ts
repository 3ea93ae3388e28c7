import type { Header } from "./header-query.ts";

/** Seconds between two runs of the scheduled ticks, and how many of them may be missed. */
export interface Cadences {
  readonly "trader-tick": number;
  readonly "edge-factory-tick": number;
  readonly lateAfter: number;
}

/** Returns the ticks that are late at `now` (epoch milliseconds), by the server's word or by our own clock when that word is old; one that is switched off is never late. */
export function lateTicks(header: Pick<Header, "last_tick">, cadences: Cadences, now: number): readonly string[] {
  return Object.entries(header.last_tick)
    .filter(([name, { late, disabled, started_at }]) => {
      if (disabled) return false;
      if (late || !started_at) return late;
      if (name !== "trader-tick" && name !== "edge-factory-tick") return false;
      return now - Date.parse(started_at) > cadences[name] * cadences.lateAfter * 1000;
    })
    .map(([name]) => name);
}
