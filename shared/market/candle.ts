import type { Amount } from "../money/decimal.ts";
import type { Millis } from "./instant.ts";

/** One bar; `openedAt` is when it began, `seconds` how long it lasts. */
export interface Candle {
  readonly symbol: string;
  readonly openedAt: Millis;
  readonly seconds: number;
  readonly open: Amount;
  readonly high: Amount;
  readonly low: Amount;
  readonly close: Amount;
  readonly volume: Amount;
}

/** Returns the moment at which a candle is closed and may be seen. */
export const closedAt = (candle: Pick<Candle, "openedAt" | "seconds">): Millis =>
  candle.openedAt + candle.seconds * 1000;

/** Returns the closed candles in order of time, each once; the later of two with one opening time wins. */
export const closedCandles = (candles: readonly Candle[], now: Millis): Candle[] => {
  const byOpening = new Map<Millis, Candle>();
  for (const candle of candles) if (closedAt(candle) <= now) byOpening.set(candle.openedAt, candle);
  return [...byOpening.values()].sort((a, b) => a.openedAt - b.openedAt);
};

const carriedForward = (previous: Candle, openedAt: Millis): Candle => ({
  ...previous,
  openedAt,
  open: previous.close,
  high: previous.close,
  low: previous.close,
  volume: "0",
});

/**
 * Returns the run of bars without a hole that ends with the last candle, at most `limit` long. Feeds leave out
 * bars without a trade: up to `maxGap` of them in a row are filled with the last close and no volume; a longer
 * hole ends the run, so that indicators never mix two stretches of the market.
 */
export const contiguousCandles = (closed: readonly Candle[], limit: number, maxGap: number): Candle[] => {
  const run: Candle[] = [];
  for (const candle of closed) {
    const last = run.at(-1);
    if (last !== undefined) {
      const missing = (candle.openedAt - closedAt(last)) / (last.seconds * 1000);
      if (missing < 0 || missing > maxGap || !Number.isInteger(missing)) run.length = 0;
      else for (let gap = 0; gap < missing; gap += 1) run.push(carriedForward(last, closedAt(run.at(-1) ?? last)));
    }
    run.push(candle);
  }
  return run.slice(-limit);
};
