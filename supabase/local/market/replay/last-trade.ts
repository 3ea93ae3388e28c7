import { MINUTE_MS } from "../candles.ts";
import type { Candle } from "../market-source.ts";
import type { RecordedMarket } from "./recorded-market.ts";
import { flowPerSecond } from "./touch.ts";

/** The last trade known at a moment. */
export interface LastTrade {
  readonly tradeId: number;
  readonly price: string;
  readonly size: string;
  readonly timeMs: number;
}

/**
 * Returns the last trade known at `nowMs`, or null before the first. A candle tells its open while it runs (when in the minute
 * the market traded is not recorded, so the trade is dated now, to the second) and its close from then on.
 */
export function lastTrade(market: RecordedMarket, nowMs: number): LastTrade | null {
  const tick = market.trades.lastUntil(nowMs);
  const candle = market.candles.lastUntil(nowMs);
  if (tick !== undefined && (candle === undefined || tick.timeMs >= candle.openMs)) return tick;
  return candle === undefined ? null : tradeOfCandle(market, candle, nowMs);
}

function tradeOfCandle(market: RecordedMarket, candle: Candle, nowMs: number): LastTrade {
  const running = nowMs < candle.openMs + MINUTE_MS;
  const minute = candle.openMs / MINUTE_MS;
  return {
    tradeId: minute * 2 + (running ? 0 : 1),
    price: running ? candle.open : candle.close,
    size: flowPerSecond(market, nowMs),
    timeMs: running ? Math.floor(nowMs / 1000) * 1000 : candle.openMs + MINUTE_MS - 1,
  };
}
