import { FROM_CANDLES, type Quote } from "../../shared/market/quote.ts";
import { refusal, success } from "../../shared/result.ts";
import type { Market, MarketProblem } from "../functions/_shared/market/market.ts";
import type { MarketSource } from "../local/market/market-source.ts";

const MINUTE_SECONDS = 60;
const MAX_CANDLES = 300;
const MAX_TRADES = 1000;

/** Shows a market source to the tick handlers without a network between; `now` is the run's clock in epoch milliseconds. */
export function sourceMarket(source: MarketSource, now: () => number): Market {
  return {
    tickers: async (symbols) =>
      new Map(
        symbols.map((symbol) => {
          const quote = quoteAt(source, symbol, now());
          return [symbol, quote === null ? refusal(nothingKnown(symbol)) : success(quote)] as const;
        }),
      ),
    candles: async (symbol, from) => {
      const endMs = Math.min(now(), from + (MAX_CANDLES - 1) * MINUTE_SECONDS * 1000);
      const candles = source.candles(symbol, { granularitySeconds: MINUTE_SECONDS, startMs: from, endMs }, now());
      return success(
        candles.map(({ openMs, ...rest }) => ({ symbol, openedAt: openMs, seconds: MINUTE_SECONDS, ...rest })),
      );
    },
    trades: async (symbol) =>
      success(
        source.trades(symbol, { limit: MAX_TRADES }, now()).map((trade) => ({
          symbol,
          tradeId: String(trade.tradeId),
          price: trade.price,
          qty: trade.size,
          takerSide: trade.takerSide,
          at: trade.timeMs,
        })),
      ),
  };
}

function quoteAt(source: MarketSource, symbol: string, nowMs: number): Quote | null {
  const { bids, asks, timeMs, sinceMs, fromCandles } = source.book(symbol, nowMs, "touch");
  const [bid, ask] = [bids[0], asks[0]];
  if (bid === undefined || ask === undefined) return null;
  return {
    symbol,
    bid: bid[0],
    ask: ask[0],
    bidSize: bid[1],
    askSize: ask[1],
    source: fromCandles ? FROM_CANDLES : "recorded",
    observedAt: timeMs,
    ...(sinceMs === undefined ? {} : { since: sinceMs }),
  };
}

function nothingKnown(symbol: string): MarketProblem {
  return { code: "unavailable", symbol, message: `${symbol} has no data at this moment` };
}
