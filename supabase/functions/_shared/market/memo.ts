import type { Candle } from "../../../../shared/market/candle.ts";
import type { MarketTrade } from "../../../../shared/market/trade.ts";
import type { Result } from "../../../../shared/result.ts";
import type { Market, MarketProblem, QuoteResult } from "./market.ts";

const FRESH_MS = 1_000;
/** A feed that is down is not asked again by every call of a run, which would wait for each of its time-outs. */
const FAILED_MS = 30_000;

interface Held<Value> {
  readonly value: Promise<Value>;
  /** Null while the answer is on its way. */
  staleAt: number | null;
}

const remembered = <Value extends { readonly ok: boolean }>(
  elapsedMs: () => number,
  fetchOne: (key: string) => Promise<Value>,
) => {
  const known = new Map<string, Held<Value>>();
  return (key: string): Promise<Value> => {
    const held = known.get(key);
    if (held !== undefined && (held.staleAt === null || elapsedMs() < held.staleAt)) return held.value;
    const value = fetchOne(key);
    const fresh: Held<Value> = { value, staleAt: null };
    known.set(key, fresh);
    return value.then((answer) => {
      fresh.staleAt = elapsedMs() + (answer.ok ? FRESH_MS : FAILED_MS);
      return answer;
    });
  };
};

/** Asks the market at most once a second for each symbol's quote, trades and candles, so that the calls of one run share them. */
export const memoMarket = (market: Market, elapsedMs: () => number): Market => {
  const quote = remembered<QuoteResult>(elapsedMs, async (symbol) => {
    const problem: MarketProblem = { code: "unavailable", symbol, message: "the market gave no answer" };
    return (await market.tickers([symbol])).get(symbol) ?? { ok: false, error: problem };
  });
  const candles = remembered<Result<readonly Candle[], MarketProblem>>(elapsedMs, (key) => {
    const [symbol = "", from = ""] = key.split(" ");
    return market.candles(symbol, Number(from));
  });
  const trades = remembered<Result<readonly MarketTrade[], MarketProblem>>(elapsedMs, market.trades);
  return {
    tickers: async (symbols) => {
      const unique = [...new Set(symbols)];
      const quotes = await Promise.all(unique.map(quote));
      return new Map(quotes.map((result, index) => [unique[index] ?? "", result]));
    },
    candles: (symbol, from) => candles(`${symbol} ${from}`),
    trades,
  };
};
