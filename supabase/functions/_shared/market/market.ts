import type { Candle } from "../../../../shared/market/candle.ts";
import type { Millis } from "../../../../shared/market/instant.ts";
import type { Quote } from "../../../../shared/market/quote.ts";
import type { MarketTrade } from "../../../../shared/market/trade.ts";
import type { Result } from "../../../../shared/result.ts";

/** Why the market could not be read: `garbage` makes no sense, `unconfirmed` is so far off that the next look must confirm it. */
export interface MarketProblem {
  readonly code: "unavailable" | "throttled" | "garbage" | "unconfirmed";
  readonly symbol: string;
  readonly message: string;
}

export type QuoteResult = Result<Quote, MarketProblem>;

/** Where prices come from. No method throws for anything the feed does; `observedAt` is the market's own time. */
export interface Market {
  /** Returns an entry for every symbol asked. */
  tickers(symbols: readonly string[]): Promise<ReadonlyMap<string, QuoteResult>>;
  /** Returns minute candles opened at or after `from`, at most 300, in any order, the running one possibly included. */
  candles(symbol: string, from: Millis): Promise<Result<readonly Candle[], MarketProblem>>;
  /** Returns the latest trades, in any order. */
  trades(symbol: string): Promise<Result<readonly MarketTrade[], MarketProblem>>;
}
