import type { PaperOrder } from "../../../shared/broker/paper/book.ts";
import type { OrderRequest, ReportState } from "../../../shared/broker/port.ts";
import { decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";

/** What the exchange's back office shows of an order. */
export interface ShownReport {
  readonly order: PaperOrder;
  readonly state: ReportState;
  readonly filledQty: string;
  readonly averagePrice: string | null;
  readonly fee: string;
  readonly fills: PaperOrder["fills"];
  readonly observedAt: number;
}

/** Which fills the back office hides: those younger than the lag, and those told late, while the order looks canceled. */
export interface Hiding {
  readonly lagMs: number;
  readonly toldLateFrom: number | null;
}

/** Returns the order as it is reported while some of its fills are hidden. */
export function shownReport(order: PaperOrder, now: number, { lagMs, toldLateFrom }: Hiding): ShownReport {
  const fills = order.fills.filter(
    (fill) => fill.executedAt <= now - lagMs && (toldLateFrom === null || fill.executedAt < toldLateFrom),
  );
  const sum = (of: (fill: PaperOrder["fills"][number]) => string) =>
    fills.reduce((total, fill) => total.plus(decimal(of(fill))), ZERO);
  const qty = sum((fill) => fill.qty);
  const notional = sum((fill) => toAmount(decimal(fill.qty).times(decimal(fill.price))));
  const looksCanceled = order.status === "canceled" || (toldLateFrom !== null && order.status === "filled");
  const open = qty.eq(ZERO) ? "working" : "partially_filled";
  return {
    order,
    state: qty.eq(decimal(order.qty)) ? "filled" : looksCanceled ? "canceled" : open,
    filledQty: toAmount(qty),
    averagePrice: qty.eq(ZERO) ? null : toAmount(notional.div(qty).round(12)),
    fee: toAmount(sum((fill) => fill.fee)),
    fills,
    observedAt: now - lagMs,
  };
}

const styleOf = (order: PaperOrder): number => Number(order.brokerOrderId.split("-")[1]) % 4;

/** False for the orders of which the exchange tells only the cumulative figures. */
export const listsItsFills = (order: PaperOrder): boolean => styleOf(order) !== 0;

/** True for the orders of which the exchange tells each fill twice and the last one first. */
export const repeatsItsFills = (order: PaperOrder): boolean => styleOf(order) === 1;

/** Returns the JSON of a report. By its number an order lists its fills, lists them twice and backwards, or not at all. */
export function reportJson(report: ShownReport): Record<string, unknown> {
  const { order } = report;
  const fills = report.fills.map(({ fillId, qty, price, fee, executedAt }) => ({
    fill_id: fillId,
    qty,
    price,
    fee,
    executed_at: new Date(executedAt).toISOString(),
  }));
  return {
    client_order_id: order.clientOrderId,
    broker_order_id: order.brokerOrderId,
    symbol: order.symbol,
    side: order.side,
    qty: order.qty,
    limit_price: order.limitPrice,
    state: report.state,
    filled_qty: report.filledQty,
    average_price: report.averagePrice,
    fee: report.fee,
    fills: !listsItsFills(order) ? null : repeatsItsFills(order) ? [...fills, ...fills].reverse() : fills,
    reason: null,
    observed_at: new Date(report.observedAt).toISOString(),
  };
}

/** Returns the JSON of an order that the exchange turned down and remembers. */
export const rejectedJson = (order: OrderRequest, now: number): Record<string, unknown> => ({
  client_order_id: order.clientOrderId,
  broker_order_id: null,
  symbol: order.symbol,
  side: order.side,
  qty: order.qty,
  limit_price: order.limitPrice,
  state: "rejected",
  filled_qty: "0",
  average_price: null,
  fee: "0",
  fills: [],
  reason: "insufficient_buying_power",
  observed_at: new Date(now).toISOString(),
});

/** Reads the body of a placement. */
export const orderFrom = (text: string): OrderRequest => {
  const body = JSON.parse(text) as Record<string, string>;
  return {
    clientOrderId: String(body.client_order_id),
    symbol: String(body.symbol),
    side: body.side === "sell" ? "sell" : "buy",
    qty: String(body.qty),
    limitPrice: String(body.limit_price),
  };
};
