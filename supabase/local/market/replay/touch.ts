import Big from "big.js";
import { CANDLE_HALF_SPREAD_BPS } from "../../../../shared/market/quote.ts";
import { MINUTE_MS } from "../candles.ts";
import { productOf } from "../products.ts";
import type { RecordedMarket } from "./recorded-market.ts";

/** Best bid and ask with sizes: observed at `sinceMs`, vouched for by the recording until `untilMs`. */
export interface Touch {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly bid: string;
  readonly bidSize: string;
  readonly ask: string;
  readonly askSize: string;
  /** The opening of the candle it is made of, where no quote is known: one look, however long its price stands. */
  readonly barMs?: number;
}

const HALF_SPREAD = new Big(CANDLE_HALF_SPREAD_BPS).div(10_000);
const UNKNOWN_SIZE = "0.01";
const SECONDS_IN_MINUTE = 60;

/** Returns the latest best bid and ask known at `nowMs`, or null before the first; of equally late ones, the most finely recorded. */
export function touchAt(market: RecordedMarket, nowMs: number): Touch | null {
  const known = [
    fromQuote(market, nowMs),
    fromDepth(market, nowMs),
    fromQuoteBar(market, nowMs),
    fromCandle(market, nowMs),
  ];
  return known.reduce(
    (best, next) => (next !== null && (best === null || next.sinceMs > best.sinceMs) ? next : best),
    null,
  );
}

/** Returns a second's worth of the last finished minute's volume: a cautious size where none was recorded. */
export function flowPerSecond(market: RecordedMarket, nowMs: number): string {
  const finished = market.candles.lastUntil(nowMs - MINUTE_MS);
  if (finished === undefined || nowMs - finished.openMs > 10 * MINUTE_MS) return UNKNOWN_SIZE;
  const flow = new Big(finished.volume).div(SECONDS_IN_MINUTE).round(8, Big.roundDown);
  return flow.gt(0) ? flow.toFixed() : UNKNOWN_SIZE;
}

function fromQuote(market: RecordedMarket, nowMs: number): Touch | null {
  const quote = market.quotes.lastUntil(nowMs);
  return quote === undefined ? null : { ...quote, sinceMs: quote.timeMs, untilMs: quote.timeMs };
}

function fromDepth(market: RecordedMarket, nowMs: number): Touch | null {
  const row = market.depth.lastUntil(nowMs);
  const [bid, ask] = [row?.bids[0], row?.asks[0]];
  if (row === undefined || bid === undefined || ask === undefined) return null;
  return { sinceMs: row.timeMs, untilMs: row.timeMs, bid: bid[0], bidSize: bid[1], ask: ask[0], askSize: ask[1] };
}

function fromQuoteBar(market: RecordedMarket, nowMs: number): Touch | null {
  const bar = market.quoteBars.lastUntil(nowMs);
  if (bar === undefined) return null;
  const endMs = bar.openMs + MINUTE_MS;
  if (nowMs >= endMs) {
    return {
      sinceMs: endMs,
      untilMs: endMs,
      bid: bar.bidClose,
      bidSize: bar.bidSize,
      ask: bar.askClose,
      askSize: bar.askSize,
    };
  }
  // A bar's sizes are its last ones: while it runs, only those of the bar before it are known.
  const before = market.quoteBars.lastUntil(bar.openMs - 1);
  const recent = before !== undefined && bar.openMs - before.openMs <= 10 * MINUTE_MS;
  const flow = flowPerSecond(market, nowMs);
  const [bidSize, askSize] = recent ? [before.bidSize, before.askSize] : [flow, flow];
  return { sinceMs: bar.openMs, untilMs: nowMs, bid: bar.bidOpen, bidSize, ask: bar.askOpen, askSize };
}

/** Where only trades were recorded: one basis point, and at least one increment, on either side of the price. */
function fromCandle(market: RecordedMarket, nowMs: number): Touch | null {
  const candle = market.candles.lastUntil(nowMs);
  if (candle === undefined) return null;
  const endMs = candle.openMs + MINUTE_MS;
  const running = nowMs < endMs;
  const mid = new Big(running ? candle.open : candle.close);
  const increment = new Big(productOf(market.symbol).quoteIncrement);
  const steps = mid.times(HALF_SPREAD).div(increment).round(0, Big.roundUp);
  const half = increment.times(steps.lt(1) ? 1 : steps);
  const size = flowPerSecond(market, nowMs);
  const bid = mid.minus(half).div(increment).round(0, Big.roundDown).times(increment);
  const ask = mid.plus(half).div(increment).round(0, Big.roundUp).times(increment);
  return {
    barMs: candle.openMs,
    sinceMs: running ? candle.openMs : endMs,
    untilMs: running ? nowMs : endMs,
    bid: bid.toFixed(),
    bidSize: size,
    ask: ask.toFixed(),
    askSize: size,
  };
}
