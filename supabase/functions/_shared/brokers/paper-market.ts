import type { ExchangeEvent, ExchangeState } from "../../../../shared/broker/paper/exchange.ts";
import { closedAt, closedCandles } from "../../../../shared/market/candle.ts";
import type { Millis } from "../../../../shared/market/instant.ts";
import { isFromCandles } from "../../../../shared/market/quote.ts";
import { candlesFrom } from "../market/candles-from.ts";
import type { Market } from "../market/market.ts";

type QuoteEvent = Extract<ExchangeEvent, { type: "quote" }>;

const openSymbols = (state: ExchangeState): string[] =>
  Object.values(state.orders)
    .filter(({ status }) => status === "pending" || status === "resting")
    .map(({ symbol }) => symbol);

const tradesOf = async (market: Market, symbol: string): Promise<ExchangeEvent[]> => {
  const trades = await market.trades(symbol);
  return trades.ok ? trades.value.map((trade) => ({ type: "trade", at: trade.at, trade })) : [];
};

const quotesOf = async (market: Market, symbols: readonly string[]): Promise<QuoteEvent[]> =>
  [...(await market.tickers(symbols)).values()].flatMap((quote): QuoteEvent[] =>
    quote.ok ? [{ type: "quote", at: quote.value.observedAt, quote: quote.value }] : [],
  );

/** What closed since the exchange last looked; those it was shown before it knows again. */
const candlesOf = async (market: Market, symbol: string, now: Millis): Promise<ExchangeEvent[]> => {
  const candles = await market.candles(symbol, candlesFrom(now));
  const closed = candles.ok ? closedCandles(candles.value, now) : [];
  return closed.map((candle) => ({ type: "candle", at: closedAt(candle), candle }));
};

/** Of trades in one instant the feed's numbers tell the order; a bar comes before the open of the next. */
const byTime = (a: ExchangeEvent, b: ExchangeEvent): number => {
  if (a.at === b.at && a.type !== b.type) return Number(b.type === "candle") - Number(a.type === "candle");
  if (a.at !== b.at || a.type !== "trade" || b.type !== "trade") return a.at - b.at;
  return Number(a.trade.tradeId ?? 0) - Number(b.trade.tradeId ?? 0);
};

/**
 * Returns what the market did that concerns the exchange, in the order of time, ending with the present: quotes of the
 * given symbols and of those with open orders, the latter's trades, and closed candles where nothing better is known. A feed
 * whose clock is ahead is held to ours.
 */
export const marketEvents = async (
  market: Market,
  state: ExchangeState,
  symbols: readonly string[],
  now: Millis,
): Promise<ExchangeEvent[]> => {
  const open = [...new Set(openSymbols(state))];
  const wanted = [...new Set([...open, ...symbols])];
  const [quotes, ...trades] = await Promise.all([
    quotesOf(market, wanted),
    ...open.map((symbol) => tradesOf(market, symbol)),
  ]);
  const byCandles = quotes.filter(({ quote }) => isFromCandles(quote)).map(({ quote }) => quote.symbol);
  const candles = await Promise.all(byCandles.map((symbol) => candlesOf(market, symbol, now)));
  const events: ExchangeEvent[] = [...quotes, ...trades.flat(), ...candles.flat()];
  const seen = events.map((event) => ({ ...event, at: Math.min(event.at, now) }));
  return [...seen.sort(byTime), { type: "time", at: now }];
};
