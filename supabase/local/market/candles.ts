import Big from "big.js";
import type { Candle, MarketTrade } from "./market-source.ts";

export const MINUTE_MS = 60_000;

/** Joins candles in rising order into candles of a longer period (milliseconds, aligned to the epoch). */
export function foldCandles(candles: readonly Candle[], periodMs: number): Candle[] {
  const folded: Candle[] = [];
  let from = 0;
  candles.forEach((candle, n) => {
    const openMs = startOfPeriod(candle, periodMs);
    const next = candles[n + 1];
    if (next !== undefined && startOfPeriod(next, periodMs) === openMs) return;
    folded.push(joined(openMs, candles.slice(from, n + 1)));
    from = n + 1;
  });
  return folded;
}

/** Builds the minute candles of trades in rising order; a minute without a trade has none. */
export function minutesOfTrades(trades: readonly MarketTrade[]): Candle[] {
  const ticks = trades.map(({ timeMs, price, size }) => ({
    openMs: timeMs,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: size,
  }));
  return foldCandles(ticks, MINUTE_MS);
}

function startOfPeriod(candle: Candle, periodMs: number): number {
  return Math.floor(candle.openMs / periodMs) * periodMs;
}

function joined(openMs: number, parts: readonly Candle[]): Candle {
  const [first, last] = [parts[0], parts.at(-1)];
  if (first === undefined || last === undefined) throw new Error("a candle needs at least one part");
  if (parts.length === 1) return { ...first, openMs };
  let [high, low, volume] = [first.high, first.low, new Big(0)];
  for (const part of parts) {
    if (Number(part.high) > Number(high)) high = part.high;
    if (Number(part.low) < Number(low)) low = part.low;
    volume = volume.plus(part.volume);
  }
  return { openMs, open: first.open, high, low, close: last.close, volume: volume.toFixed() };
}
