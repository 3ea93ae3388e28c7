import { DEFAULT_CONFIG } from "../../config/parse-config.ts";
import type { OrderRequest } from "../port.ts";
import {
  type ExchangeEvent,
  type ExchangeRules,
  type ExchangeState,
  exchangeRules,
  openExchange,
  reportOf,
  stepExchange,
} from "./exchange.ts";

export const SYMBOL = "BTC-USD";
const instrument = {
  symbol: SYMBOL,
  priceIncrement: "0.01",
  qtyIncrement: "0.0001",
  minQty: "0.0001",
  minNotional: "1",
  enabled: true,
};
/** The rules of the default knobs for one coarse instrument. */
export const rules = exchangeRules(DEFAULT_CONFIG, [instrument]);

/** A quote, without sizes unless they are given. */
export const quote = (
  at: number,
  bid: string,
  ask: string,
  bidSize: string | null = null,
  askSize: string | null = null,
): ExchangeEvent => ({
  type: "quote",
  at,
  quote: { symbol: SYMBOL, bid, ask, bidSize, askSize, source: "test", observedAt: at },
});
/** A seller's trade unless said otherwise. */
export const trade = (
  at: number,
  price: string,
  qty: string,
  takerSide: "buy" | "sell" = "sell",
  tradeId: string | null = null,
): ExchangeEvent => ({
  type: "trade",
  at,
  trade: { symbol: SYMBOL, tradeId, price, qty, takerSide, at },
});
const request = (change: Partial<OrderRequest> = {}): OrderRequest => ({
  clientOrderId: "a",
  symbol: SYMBOL,
  side: "buy",
  qty: "1",
  limitPrice: "100",
  ...change,
});
/** Places a buy of 1 at 100 as "a", unless changed. */
export const place = (at: number, change: Partial<OrderRequest> = {}): ExchangeEvent => ({
  type: "place",
  at,
  order: request(change),
});
/** Asks to cancel. */
export const cancel = (at: number, clientOrderId = "a"): ExchangeEvent => ({ type: "cancel", at, clientOrderId });
/** A minute candle, seen at its close. */
export const candle = (openedAt: number, low: string, high: string, close: string, volume = "10"): ExchangeEvent => ({
  type: "candle",
  at: openedAt + 60_000,
  candle: { symbol: SYMBOL, openedAt, seconds: 60, open: close, high, low, close, volume },
});

/** Plays events on an exchange with 2000 USD. */
export const run = (
  events: readonly ExchangeEvent[],
  from: ExchangeState = openExchange("2000", 0),
  by: ExchangeRules = rules,
) => events.reduce((state, event) => stepExchange(state, event, by).state, from);
/** Returns why an event is turned down. */
export const errorOf = (state: ExchangeState, event: ExchangeEvent) => stepExchange(state, event, rules).error;
/** Returns state, filled quantity and average price of an order. */
export const standing = (state: ExchangeState, id = "a") => {
  const report = reportOf(state, id, state.clock);
  return report && [report.state, report.filledQty, report.averagePrice];
};
