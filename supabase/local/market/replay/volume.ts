import Big from "big.js";
import { MINUTE_MS } from "../candles.ts";
import type { RecordedMarket } from "./recorded-market.ts";

const DAY_MS = 24 * 60 * MINUTE_MS;

/** Returns a function that tells the volume, in the base currency, of the 24 hours before a moment; a running candle's is not known yet. */
export function volumeOfLastDay(market: RecordedMarket): (nowMs: number) => string {
  const candles = runningTotals(market.candles.rows.map((row) => row.volume));
  const trades = runningTotals(market.trades.rows.map((row) => row.size));
  const between = (totals: readonly Big[], from: number, to: number) =>
    (totals[to] ?? new Big(0)).minus(totals[from] ?? 0);
  return (nowMs) => {
    const finished = nowMs - MINUTE_MS;
    const { candles: bars, trades: ticks } = market;
    const ofCandles = between(candles, bars.countUntil(finished - DAY_MS), bars.countUntil(finished));
    return ofCandles.plus(between(trades, ticks.countUntil(nowMs - DAY_MS), ticks.countUntil(nowMs))).toFixed();
  };
}

function runningTotals(amounts: readonly string[]): Big[] {
  const totals = [new Big(0)];
  for (const amount of amounts) totals.push((totals.at(-1) ?? new Big(0)).plus(amount));
  return totals;
}
