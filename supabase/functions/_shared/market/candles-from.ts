import type { Millis } from "../../../../shared/market/instant.ts";

const MINUTE_MS = 60_000;
/** Enough closed minutes for every indicator, with room for quiet ones. */
const BACK_MINUTES = 150;
/** One answer of the feed has 300 candles, the running one among them. */
const MOST_MINUTES = 299;

/** Returns from when on candles are asked for: so that all parts of a run ask alike, at a full minute; further back to `neededFrom`, if one answer reaches there. */
export const candlesFrom = (now: Millis, neededFrom: Millis = now): Millis => {
  const minute = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  const wanted = Math.min(minute - BACK_MINUTES * MINUTE_MS, Math.floor(neededFrom / MINUTE_MS) * MINUTE_MS);
  return Math.max(wanted, minute - MOST_MINUTES * MINUTE_MS);
};
