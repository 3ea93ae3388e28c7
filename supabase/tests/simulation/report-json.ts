import type { PaperOrder } from "../../../shared/broker/paper/book.ts";
import type { ReportState } from "../../../shared/broker/port.ts";
import { decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";

/** What the exchange's back office shows of an order: fills younger than the lag are not there yet. */
export interface ShownReport {
  readonly order: PaperOrder;
  readonly state: ReportState;
  readonly filledQty: string;
  readonly averagePrice: string | null;
  readonly fee: string;
  readonly fills: PaperOrder["fills"];
  readonly observedAt: number;
}

/** Returns the order as it is reported `lagMs` behind its fills. */
export function shownReport(order: PaperOrder, now: number, lagMs: number): ShownReport {
  const fills = order.fills.filter((fill) => fill.executedAt <= now - lagMs);
  const sum = (of: (fill: PaperOrder["fills"][number]) => string) =>
    fills.reduce((total, fill) => total.plus(decimal(of(fill))), ZERO);
  const qty = sum((fill) => fill.qty);
  const notional = sum((fill) => toAmount(decimal(fill.qty).times(decimal(fill.price))));
  return {
    order,
    state: stateOf(order, qty.eq(ZERO), qty.eq(decimal(order.qty))),
    filledQty: toAmount(qty),
    averagePrice: qty.eq(ZERO) ? null : toAmount(notional.div(qty).round(12)),
    fee: toAmount(sum((fill) => fill.fee)),
    fills,
    observedAt: now - lagMs,
  };
}

function stateOf(order: PaperOrder, untouched: boolean, full: boolean): ReportState {
  if (full) return "filled";
  if (order.status === "canceled") return "canceled";
  return untouched ? "working" : "partially_filled";
}

const styleOf = (order: PaperOrder): number => Number(order.brokerOrderId.split("-")[1]) % 4;

/** False for the orders of which the exchange tells only the cumulative figures. */
export const listsItsFills = (order: PaperOrder): boolean => styleOf(order) !== 0;

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
    fills: !listsItsFills(order) ? null : styleOf(order) === 1 ? [...fills, ...fills].reverse() : fills,
    reason: null,
    observed_at: new Date(report.observedAt).toISOString(),
  };
}
