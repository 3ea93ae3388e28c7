import type { Millis } from "../market/instant.ts";
import type { Quote } from "../market/quote.ts";
import type { Amount } from "../money/decimal.ts";
import type { FeeRates } from "../money/fees.ts";
import type { Side, Urgency } from "../orders/order.ts";
import type { Result } from "../result.ts";

/** What the broker says an order is; our own statuses are wider. */
export const REPORT_STATES = ["working", "partially_filled", "filled", "canceled", "expired", "rejected"] as const;
export type ReportState = (typeof REPORT_STATES)[number];

/** A limit order, good till canceled, as sent to the broker; amounts lie on the instrument's grid. */
export interface OrderRequest {
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly qty: Amount;
  readonly limitPrice: Amount;
  /** Where only candles are known the paper exchange must tell a stop from a sell that waits; brokers take no notice. */
  readonly urgency?: Urgency;
}

/** One execution. */
export interface ReportedFill {
  readonly fillId: string;
  readonly qty: Amount;
  readonly price: Amount;
  readonly fee: Amount;
  /** What the fee was taken in: the base currency, so that the position shrinks by it, or USD; absent: as the whole report's. */
  readonly feeCurrency?: string;
  readonly executedAt: Millis;
}

/**
 * How an order stands at the broker: filled quantity, average price and fee are cumulative; fills are null when it does
 * not list them. An order placed elsewhere may have no client order id, then the broker's own stands for it, and no limit.
 */
export interface ExecutionReport {
  readonly clientOrderId: string;
  readonly brokerOrderId: string | null;
  readonly symbol: string;
  readonly side: Side;
  readonly qty: Amount;
  readonly limitPrice: Amount | null;
  readonly state: ReportState;
  readonly filledQty: Amount;
  readonly averagePrice: Amount | null;
  readonly fee: Amount;
  /** What the cumulative fee is in; absent: as its fills', else USD. */
  readonly feeCurrency?: string;
  readonly fills: readonly ReportedFill[] | null;
  readonly reason: string | null;
  readonly observedAt: Millis;
}

/** Why a call failed: `refused` and `not_found` are definite answers, `unavailable` and `throttled` prove nothing. */
export type BrokerError =
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | { readonly kind: "not_found"; readonly message: string }
  | { readonly kind: "unavailable"; readonly message: string }
  | { readonly kind: "throttled"; readonly message: string; readonly retryAfterSeconds: number | null };

/** The broker took the request to cancel; only a later report proves the cancel. */
export interface CancelRequested {
  readonly clientOrderId: string;
  readonly observedAt: Millis;
}

/** Cash in USD: all of it, and the part that open buys hold back; with the account's fee rates where the broker tells them. */
export interface Balances {
  readonly cash: Amount;
  readonly reservedCash: Amount;
  readonly fees?: FeeRates | null;
  readonly observedAt: Millis;
}

/** Quantity held by symbol (`BTC-USD`), zero left out. */
export interface Holdings {
  readonly quantities: Readonly<Record<string, Amount>>;
  readonly observedAt: Millis;
}

export type BrokerAnswer<Value> = Promise<Result<Value, BrokerError>>;

/** What any broker must offer. No method throws for anything that the broker or the network does. */
export interface Broker {
  place(order: OrderRequest): BrokerAnswer<ExecutionReport>;
  cancel(clientOrderId: string): BrokerAnswer<CancelRequested>;
  getOrder(clientOrderId: string): BrokerAnswer<ExecutionReport>;
  listOpenOrders(): BrokerAnswer<readonly ExecutionReport[]>;
  balances(): BrokerAnswer<Balances>;
  holdings(): BrokerAnswer<Holdings>;
  quotes(symbols: readonly string[]): BrokerAnswer<readonly Quote[]>;
}
