import type { Candle } from "../../../shared/market/candle.ts";
import type { Quote } from "../../../shared/market/quote.ts";
import type { MarketTrade } from "../../../shared/market/trade.ts";
import type { Market } from "../../functions/_shared/market/market.ts";

/** A market whose every answer a test decides. */
export interface ScriptedMarket extends Market {
  /** Sets the touch; sizes are unknown unless given. */
  quote(symbol: string, bid: string, ask: string, observedAt: number, size?: string): void;
  trade(symbol: string, price: string, qty: string, takerSide: "buy" | "sell", at: number): void;
  /** Sets minute candles that end before `now` and rise (or fall) by `stepPct` each to `close`. */
  trend(symbol: string, close: number, stepPct: number, now: number, bars?: number): void;
  /** Makes the feed fail, or work again. */
  fail(failing: boolean): void;
}

const MINUTE = 60_000;

const trending = (symbol: string, close: number, stepPct: number, now: number, bars: number): Candle[] =>
  Array.from({ length: bars }, (_, index) => {
    const back = bars - index;
    const factor = (bar: number) => (1 + stepPct / 100) ** -bar * (1 + 0.0004 * Math.sin(bar * 1.7));
    const [from, to] = [close * factor(back), close * factor(back - 1)];
    const text = (price: number) => price.toFixed(2);
    return {
      symbol,
      openedAt: Math.floor(now / MINUTE) * MINUTE - back * MINUTE,
      seconds: 60,
      open: text(from),
      close: text(to),
      high: text(Math.max(from, to) * 1.0002),
      low: text(Math.min(from, to) * 0.9998),
      volume: "5",
    };
  });

/** Returns a market without any data. */
export const scriptedMarket = (): ScriptedMarket => {
  const quotes = new Map<string, Quote>();
  const candles = new Map<string, Candle[]>();
  const trades = new Map<string, MarketTrade[]>();
  let failing = false;
  let tradeId = 0;
  const problem = (symbol: string) =>
    ({ ok: false, error: { code: "unavailable", symbol, message: "the test's market is down" } }) as const;
  return {
    tickers: async (symbols) =>
      new Map(
        symbols.map((symbol) => {
          const quote = quotes.get(symbol);
          return [symbol, failing || quote === undefined ? problem(symbol) : { ok: true, value: quote }];
        }),
      ),
    candles: async (symbol, from) =>
      failing
        ? problem(symbol)
        : { ok: true, value: (candles.get(symbol) ?? []).filter(({ openedAt }) => openedAt >= from) },
    trades: async (symbol) => (failing ? problem(symbol) : { ok: true, value: trades.get(symbol) ?? [] }),
    quote: (symbol, bid, ask, observedAt, size) =>
      void quotes.set(symbol, {
        symbol,
        bid,
        ask,
        bidSize: size ?? null,
        askSize: size ?? null,
        source: "test",
        observedAt,
      }),
    trade: (symbol, price, qty, takerSide, at) => {
      tradeId += 1;
      trades.set(symbol, [
        ...(trades.get(symbol) ?? []),
        { symbol, tradeId: String(tradeId), price, qty, takerSide, at },
      ]);
    },
    trend: (symbol, close, stepPct, now, bars = 130) =>
      void candles.set(symbol, trending(symbol, close, stepPct, now, bars)),
    fail: (isFailing) => {
      failing = isFailing;
    },
  };
};
