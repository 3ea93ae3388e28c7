import type { Balances, ExecutionReport, Holdings } from "../../../../shared/broker/port.ts";
import type { Candle } from "../../../../shared/market/candle.ts";
import { formatInstant, type Millis } from "../../../../shared/market/instant.ts";
import type { Quote } from "../../../../shared/market/quote.ts";
import type { Amount } from "../../../../shared/money/decimal.ts";
import type { Mode } from "../../../../shared/orders/order.ts";
import type { RepositionDecision } from "../../../../shared/orders/reposition.ts";

/** A JSON object as the database's functions read it. */
export type Json = Readonly<Record<string, unknown>>;

/** What a tick learned about an order; kinds other than `report` carry no figures. */
export type ReportKind = "refused" | "cancel_refused" | "cancel_requested" | "not_found" | "unavailable" | "throttled";

/** The order a report is about; without a lease token it is applied whoever holds the order. */
export interface ReportTarget {
  readonly id: string;
  readonly leaseToken: number | null;
}

const targetOf = ({ id, leaseToken }: ReportTarget): Json =>
  leaseToken === null ? { order_id: id } : { order_id: id, lease_token: leaseToken };

const writeFills = (report: ExecutionReport) =>
  report.fills?.map(({ fillId, qty, price, fee, executedAt }) => ({
    fill_id: fillId,
    qty,
    price,
    fee,
    executed_at: formatInstant(executedAt),
  }));

/** Writes how an order stands at the broker; `replacementPrice` is for the child, should the cancel of a reprice be proven by it. */
export const writeReport = (
  target: ReportTarget,
  report: ExecutionReport,
  replacementPrice: Amount | null = null,
): Json => ({
  ...targetOf(target),
  kind: "report",
  symbol: report.symbol,
  side: report.side,
  state: report.state,
  filled_qty: report.filledQty,
  average_price: report.averagePrice,
  fee: report.fee,
  broker_order_id: report.brokerOrderId,
  ...(report.fills === null ? {} : { fills: writeFills(report) }),
  ...(report.reason === null ? {} : { reason: report.reason }),
  observed_at: formatInstant(report.observedAt),
  ...(replacementPrice === null ? {} : { replacement_price: replacementPrice }),
});

/** Writes an answer that has no figures. */
export const writeAnswer = (target: ReportTarget, kind: ReportKind, reason: string | null, at: Millis): Json => ({
  ...targetOf(target),
  kind,
  ...(reason === null ? {} : { reason }),
  observed_at: formatInstant(at),
});

/** Writes a decision about a working order; `wait` is none. */
export const writeDecision = (orderId: string, decision: Exclude<RepositionDecision, { action: "wait" }>): Json => {
  const { action, reason } = decision;
  switch (action) {
    case "cancel":
      return { order_id: orderId, action, reason };
    case "keep":
      return { order_id: orderId, action, reason, count: decision.countsAttempt, alert: decision.alert };
    case "reprice":
      return {
        order_id: orderId,
        action,
        reason,
        price: decision.price,
        count: decision.countsAttempt,
        alert: decision.alert,
      };
    default:
      return action satisfies never;
  }
};

/** Writes a quote. */
export const writeQuote = ({ symbol, bid, ask, bidSize, askSize, source, observedAt }: Quote): Json => ({
  symbol,
  bid,
  ask,
  bid_size: bidSize,
  ask_size: askSize,
  source,
  observed_at: formatInstant(observedAt),
});

/** Writes a minute candle. */
export const writeCandle = ({ symbol, openedAt, open, high, low, close, volume }: Candle): Json => ({
  symbol,
  timeframe: "1m",
  open_time: formatInstant(openedAt),
  open,
  high,
  low,
  close,
  volume,
});

/** Writes the broker's own books of a mode, for reconciliation: as old as their oldest part, the open orders being asked for at `askedAt`. */
export const writeBook = (
  mode: Mode,
  askedAt: Millis,
  balances: Balances,
  holdings: Holdings,
  open: readonly ExecutionReport[],
): Json => ({
  mode,
  cash: balances.cash,
  holdings: holdings.quantities,
  open_orders: open.map((order) => ({
    client_order_id: order.clientOrderId,
    broker_order_id: order.brokerOrderId,
    symbol: order.symbol,
    side: order.side,
    qty: order.qty,
    filled_qty: order.filledQty,
  })),
  observed_at: formatInstant(Math.min(askedAt, balances.observedAt, holdings.observedAt)),
});
