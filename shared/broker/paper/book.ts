import type { Config } from "../../config/parse-config.ts";
import type { Candle } from "../../market/candle.ts";
import type { Millis } from "../../market/instant.ts";
import type { Instrument } from "../../market/instrument.ts";
import { CANDLE_HALF_SPREAD_BPS, type Quote } from "../../market/quote.ts";
import type { MarketTrade } from "../../market/trade.ts";
import type { Amount } from "../../money/decimal.ts";
import { ASSUMED_FEES, type FeeRates } from "../../money/fees.ts";
import type { OrderRequest, ReportedFill } from "../port.ts";

/** An order as the paper exchange keeps it. It is `pending` until the latency has passed, then it rests until it closes. */
export interface PaperOrder extends OrderRequest {
  readonly brokerOrderId: string;
  readonly status: "pending" | "resting" | "filled" | "canceled";
  readonly acceptAt: Millis;
  readonly cancelAt: Millis | null;
  readonly closedAt: Millis | null;
  /** Quantity queued before ours at our price; null while it is unknown. */
  readonly ahead: Amount | null;
  readonly filledQty: Amount;
  readonly notional: Amount;
  /** The fee before rounding, so that many small fills cost no more than one. */
  readonly exactFee: Amount;
  readonly fee: Amount;
  /** Cash that an open buy still holds back. */
  readonly reservedCash: Amount;
  readonly fills: readonly ReportedFill[];
}

/** The market as the exchange last saw it; `taken…` is what our own orders took of the displayed sizes since. */
export interface MarketView {
  readonly bid: Amount;
  readonly ask: Amount;
  readonly bidSize: Amount | null;
  readonly askSize: Amount | null;
  readonly takenBid: Amount;
  readonly takenAsk: Amount;
  readonly at: Millis;
  /** `candle`: nothing better than candles is known. */
  readonly source: "quote" | "candle";
}

/** The last candle the exchange was shown of a symbol. */
export interface SeenCandle {
  readonly openedAt: Millis;
  readonly high: Amount;
}

/** The whole exchange, as plain JSON. `orders` is keyed by client order id. */
export interface ExchangeState {
  readonly format: 1;
  readonly clock: Millis;
  readonly cash: Amount;
  readonly holdings: Readonly<Record<string, Amount>>;
  readonly orders: Readonly<Record<string, PaperOrder>>;
  readonly market: Readonly<Record<string, MarketView>>;
  readonly lastTradeIds: Readonly<Record<string, string>>;
  readonly lastCandles: Readonly<Record<string, SeenCandle>>;
  readonly nextOrderNumber: number;
}

/** Anything that happens to the exchange. Market events of several symbols should be fed in the order of their times. */
export type ExchangeEvent =
  | { readonly type: "place"; readonly at: Millis; readonly order: OrderRequest; readonly latencyMs?: number }
  | { readonly type: "cancel"; readonly at: Millis; readonly clientOrderId: string; readonly latencyMs?: number }
  | { readonly type: "quote"; readonly at: Millis; readonly quote: Quote }
  | { readonly type: "trade"; readonly at: Millis; readonly trade: MarketTrade }
  | { readonly type: "candle"; readonly at: Millis; readonly candle: Candle }
  /** A negative amount is a withdrawal. */
  | { readonly type: "deposit"; readonly at: Millis; readonly amount: Amount }
  | { readonly type: "time"; readonly at: Millis };

/** How the exchange behaves: latency, fees in basis points, and what crossing beyond the displayed size costs. */
export interface ExchangeRules {
  readonly instruments: Readonly<Record<string, Instrument>>;
  readonly latencyMs: number;
  readonly takerFeeBps: Amount;
  readonly makerFeeBps: Amount;
  /** Beyond the displayed size the price worsens by `slippageBps + slippageRootBps * sqrt(rest / displayed)`. */
  readonly slippageBps: Amount;
  readonly slippageRootBps: Amount;
  /** Share of a trade beyond the queue before us that fills us. */
  readonly queueShare: Amount;
  /** Half the spread assumed around a candle's close when only candles are known. */
  readonly candleHalfSpreadBps: Amount;
  /** Share of a candle's volume that may fill our orders which rested in it. */
  readonly candleVolumeShare: Amount;
  /** How old a quote may be for an order that takes effect to trade against it. */
  readonly maxQuoteAgeMs: number;
}

/** Opens an exchange with cash in USD and nothing else. */
export const openExchange = (cash: Amount, at: Millis): ExchangeState => ({
  format: 1,
  clock: at,
  cash,
  holdings: {},
  orders: {},
  market: {},
  lastTradeIds: {},
  lastCandles: {},
  nextOrderNumber: 1,
});

/** Returns the rules of the paper mode, with the fees of the account that trades there. */
export const exchangeRules = (
  config: Pick<Config, "PAPER_LATENCY_MS">,
  instruments: readonly Instrument[],
  fees: FeeRates = ASSUMED_FEES,
): ExchangeRules => ({
  instruments: Object.fromEntries(instruments.map((instrument) => [instrument.symbol, instrument])),
  latencyMs: config.PAPER_LATENCY_MS,
  takerFeeBps: fees.takerBps,
  makerFeeBps: fees.makerBps,
  slippageBps: "1",
  slippageRootBps: "10",
  queueShare: "1",
  candleHalfSpreadBps: CANDLE_HALF_SPREAD_BPS,
  candleVolumeShare: "0.1",
  maxQuoteAgeMs: 30_000,
});

/** Tells whether an order can still fill. */
export const isOpen = (order: PaperOrder): boolean => order.status === "pending" || order.status === "resting";

/** Returns the state with one order put in place of its former self. */
export const withOrder = (state: ExchangeState, order: PaperOrder): ExchangeState => ({
  ...state,
  orders: { ...state.orders, [order.clientOrderId]: order },
});
