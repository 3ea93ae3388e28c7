import type { PaperOrder } from "../../../shared/broker/paper/book.ts";
import type { OrderRequest, ReportedFill, ReportState } from "../../../shared/broker/port.ts";
import { decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";

/** What the exchange's back office shows of an order. */
export interface ShownReport {
  readonly order: PaperOrder;
  readonly state: ReportState;
  readonly filledQty: string;
  readonly averagePrice: string | null;
  readonly fee: string;
  readonly fills: readonly ReportedFill[];
  readonly observedAt: number;
}

/** Which fills the back office hides: those younger than the lag, and those told late, while the order looks canceled. */
export interface Hiding {
  readonly lagMs: number;
  readonly toldLateFrom: number | null;
}

/** How an execution is told: under which id, and in which coins its fee, if not in USD. */
export interface FillWords {
  readonly idOf: (fill: ReportedFill) => string;
  readonly coin: string | null;
  readonly coinsOf: (fill: ReportedFill) => string;
}

/** Cumulative figures over fills. */
export function figuresOf(fills: readonly ReportedFill[]): Pick<ShownReport, "filledQty" | "averagePrice" | "fee"> {
  const sum = (of: (fill: ReportedFill) => string) =>
    fills.reduce((total, fill) => total.plus(decimal(of(fill))), ZERO);
  const qty = sum((fill) => fill.qty);
  const notional = sum((fill) => toAmount(decimal(fill.qty).times(decimal(fill.price))));
  return {
    filledQty: toAmount(qty),
    averagePrice: qty.eq(ZERO) ? null : toAmount(notional.div(qty).round(12)),
    fee: toAmount(sum((fill) => fill.fee)),
  };
}

/** Returns the order as it is reported while some of its fills are hidden. */
export function shownReport(order: PaperOrder, now: number, { lagMs, toldLateFrom }: Hiding): ShownReport {
  const fills = order.fills.filter(
    (fill) => fill.executedAt <= now - lagMs && (toldLateFrom === null || fill.executedAt < toldLateFrom),
  );
  const looksCanceled = order.status === "canceled" || (toldLateFrom !== null && order.status === "filled");
  const isFilled = order.status === "filled" && fills.length === order.fills.length;
  const open = fills.length === 0 ? "working" : "partially_filled";
  return {
    order,
    state: isFilled ? "filled" : looksCanceled ? "canceled" : open,
    ...figuresOf(fills),
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
export function reportJson(report: ShownReport, words: FillWords): Record<string, unknown> {
  const { order } = report;
  const currency = words.coin === null ? {} : { fee_currency: words.coin };
  const fills = report.fills.map((fill) => ({
    fill_id: words.idOf(fill),
    qty: fill.qty,
    price: fill.price,
    fee: words.coin === null ? fill.fee : words.coinsOf(fill),
    ...currency,
    executed_at: new Date(fill.executedAt).toISOString(),
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
    fee: words.coin === null ? report.fee : feeInCoins(report, words),
    ...currency,
    fills: !listsItsFills(order) ? null : repeatsItsFills(order) ? [...fills, ...fills].reverse() : fills,
    reason: null,
    observed_at: new Date(report.observedAt).toISOString(),
  };
}

/** The cumulative fee in coins, bent as much as the one in USD is. */
function feeInCoins({ order, fee, filledQty }: ShownReport, words: FillWords): string {
  let left = decimal(filledQty);
  const told = order.fills.filter(({ qty }) => {
    left = left.minus(decimal(qty));
    return left.gte(ZERO);
  });
  const sum = (of: (fill: ReportedFill) => string) => told.reduce((total, fill) => total.plus(decimal(of(fill))), ZERO);
  const inUsd = sum((fill) => fill.fee);
  return inUsd.eq(ZERO) ? "0" : toAmount(sum(words.coinsOf).times(decimal(fee)).div(inUsd).round(8));
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
