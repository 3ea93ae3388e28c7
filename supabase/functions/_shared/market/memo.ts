import type { MarketTrade } from "../../../../shared/market/trade.ts";
import type { Result } from "../../../../shared/result.ts";
import type { Market, MarketProblem, QuoteResult } from "./market.ts";

const FRESH_MS = 1_000;

/** Remembers what a key's fetch promised for a second; a failure is asked for again. */
const remembered = <Value extends { readonly ok: boolean }>(
  elapsedMs: () => number,
  fetchOne: (key: string) => Promise<Value>,
) => {
  const known = new Map<string, { readonly at: number; readonly value: Promise<Value> }>();
  return async (key: string): Promise<Value> => {
    const held = known.get(key);
    if (held !== undefined && elapsedMs() - held.at < FRESH_MS) {
      const value = await held.value;
      if (value.ok) return value;
    }
    const value = fetchOne(key);
    known.set(key, { at: elapsedMs(), value });
    return value;
  };
};

/** Asks the market at most once a second for each symbol's quote and trades, so that the calls of one run share them. */
export const memoMarket = (market: Market, elapsedMs: () => number): Market => {
  const quote = remembered<QuoteResult>(elapsedMs, async (symbol) => {
    const problem: MarketProblem = { code: "unavailable", symbol, message: "the market gave no answer" };
    return (await market.tickers([symbol])).get(symbol) ?? { ok: false, error: problem };
  });
  const trades = remembered<Result<readonly MarketTrade[], MarketProblem>>(elapsedMs, market.trades);
  return {
    tickers: async (symbols) => {
      const unique = [...new Set(symbols)];
      const quotes = await Promise.all(unique.map(quote));
      return new Map(quotes.map((result, index) => [unique[index] ?? "", result]));
    },
    candles: market.candles,
    trades,
  };
};
