import type { Gap } from "../../../shared/market/gaps.ts";
import type { MarketRange } from "./market-range.ts";

/** A tradable pair; the increments and the minimum are decimals as text. */
export interface Product {
  readonly symbol: string;
  readonly baseCurrency: string;
  readonly quoteCurrency: string;
  readonly baseIncrement: string;
  readonly quoteIncrement: string;
  readonly minMarketFunds: string;
}

/** The last trade, the touch and the volume of the last 24 hours; `timeMs` is the time of the last trade, so a halted market shows by it. */
export interface Ticker {
  readonly tradeId: number;
  readonly price: string;
  readonly size: string;
  readonly timeMs: number;
  readonly bid: string;
  readonly ask: string;
  readonly volume: string;
}

/** One price level: price and size as text, and how many orders make it up. */
export type BookLevel = readonly [price: string, size: string, orders: number];

/**
 * The book, best price first on both sides; `timeMs` is the last moment the data vouches for it, `sinceMs` (where it is
 * recorded) since when it has stood. `fromCandles`: no quote is known, it is made of a candle, and `sinceMs` is that one's opening.
 */
export interface Book {
  readonly timeMs: number;
  readonly sinceMs?: number;
  readonly fromCandles?: true;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** A candle by its OPEN time in UTC milliseconds; prices and volume are decimals as text. */
export interface Candle {
  readonly openMs: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
}

export type Side = "buy" | "sell";

/** One trade; `takerSide` is who crossed the spread (Coinbase's wire shows the maker's side instead). */
export interface MarketTrade {
  readonly tradeId: number;
  readonly timeMs: number;
  readonly price: string;
  readonly size: string;
  readonly takerSide: Side;
}

/** Candles whose open time lies in [startMs, endMs]; granularity in seconds. */
export interface CandleQuery {
  readonly granularitySeconds: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Trades newer than `newerThanId` and older than `olderThanId`, both exclusive, at most `limit`. */
export interface TradeQuery {
  readonly newerThanId?: number;
  readonly olderThanId?: number;
  readonly limit: number;
}

/** A market that can be asked about any moment: each answer holds only what was known at `nowMs` and depends on nothing asked before. */
export interface MarketSource {
  /** One plain sentence for the console: what the data is. */
  describe(): string;
  range(): MarketRange;
  /** What is missing within the range: longer than ten minutes, each symbol for itself, in the order of time. */
  gaps(): readonly Gap[];
  products(): readonly Product[];
  /** Returns null for a symbol that has no data yet at `nowMs`. */
  ticker(symbol: string, nowMs: number): Ticker | null;
  /** The best bid and ask alone, or every level known. */
  book(symbol: string, nowMs: number, depth: "touch" | "full"): Book;
  /** Newest first, the running candle included; periods without a trade are absent. */
  candles(symbol: string, query: CandleQuery, nowMs: number): readonly Candle[];
  /** Newest first. */
  trades(symbol: string, query: TradeQuery, nowMs: number): readonly MarketTrade[];
}
