import type { ExchangeEvent, ExchangeState } from "../../../../shared/broker/paper/exchange.ts";
import type { Millis } from "../../../../shared/market/instant.ts";
import type { Market } from "../market/market.ts";

const openSymbols = (state: ExchangeState): string[] =>
  Object.values(state.orders)
    .filter(({ status }) => status === "pending" || status === "resting")
    .map(({ symbol }) => symbol);

const tradesOf = async (market: Market, symbol: string): Promise<ExchangeEvent[]> => {
  const trades = await market.trades(symbol);
  return trades.ok ? trades.value.map((trade) => ({ type: "trade", at: trade.at, trade })) : [];
};

const quotesOf = async (market: Market, symbols: readonly string[]): Promise<ExchangeEvent[]> =>
  [...(await market.tickers(symbols)).values()].flatMap((quote): ExchangeEvent[] =>
    quote.ok ? [{ type: "quote", at: quote.value.observedAt, quote: quote.value }] : [],
  );

/** Of trades in one instant the feed's numbers tell the order. */
const byTime = (a: ExchangeEvent, b: ExchangeEvent): number => {
  if (a.at !== b.at || a.type !== "trade" || b.type !== "trade") return a.at - b.at;
  return Number(a.trade.tradeId ?? 0) - Number(b.trade.tradeId ?? 0);
};

/**
 * Returns what the market did that concerns the exchange, in the order of time, ending with the present: quotes of the
 * given symbols and of those with open orders, and the latter's trades. A feed whose clock is ahead is held to ours.
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
  const seen = [...quotes, ...trades.flat()].map((event) => ({ ...event, at: Math.min(event.at, now) }));
  return [...seen.sort(byTime), { type: "time", at: now }];
};
