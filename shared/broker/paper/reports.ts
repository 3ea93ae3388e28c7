import type { Millis } from "../../market/instant.ts";
import { type Amount, decimal, toAmount } from "../../money/decimal.ts";
import type { Balances, ExecutionReport, Holdings, ReportState } from "../port.ts";
import { type ExchangeState, isOpen, type PaperOrder } from "./book.ts";
import { reservedCash } from "./money.ts";

const stateOf = (order: PaperOrder): ReportState => {
  switch (order.status) {
    case "pending":
    case "resting":
      return order.filledQty === "0" ? "working" : "partially_filled";
    case "filled":
    case "canceled":
      return order.status;
    default:
      return order.status satisfies never;
  }
};

const averagePrice = (order: PaperOrder): Amount | null =>
  order.filledQty === "0" ? null : toAmount(decimal(order.notional).div(decimal(order.filledQty)).round(12));

/** Returns how an order stands, as the broker port reports it. */
export const toReport = (order: PaperOrder, now: Millis): ExecutionReport => ({
  clientOrderId: order.clientOrderId,
  brokerOrderId: order.brokerOrderId,
  symbol: order.symbol,
  side: order.side,
  qty: order.qty,
  limitPrice: order.limitPrice,
  state: stateOf(order),
  filledQty: order.filledQty,
  averagePrice: averagePrice(order),
  fee: order.fee,
  feeCurrency: "USD",
  fills: order.fills,
  reason: null,
  observedAt: now,
});

/** Returns the report of one order, or null when it is not in the state. */
export const reportOf = (state: ExchangeState, clientOrderId: string, now: Millis): ExecutionReport | null => {
  const order = state.orders[clientOrderId];
  return order === undefined ? null : toReport(order, now);
};

/** Returns the reports of all orders that can still fill. */
export const openReports = (state: ExchangeState, now: Millis): ExecutionReport[] =>
  Object.values(state.orders)
    .filter(isOpen)
    .map((order) => toReport(order, now));

/** Returns cash and what open buys hold back of it. */
export const balancesOf = (state: ExchangeState, now: Millis): Balances => ({
  cash: state.cash,
  reservedCash: toAmount(reservedCash(state)),
  observedAt: now,
});

/** Returns what is held. */
export const holdingsOf = (state: ExchangeState, now: Millis): Holdings => ({
  quantities: state.holdings,
  observedAt: now,
});

/** Takes closed orders out of the state, so that it stays small; they are kept apart under their client order ids. */
export const splitClosed = (
  state: ExchangeState,
): { readonly state: ExchangeState; readonly closed: Readonly<Record<string, PaperOrder>> } => {
  const entries = Object.entries(state.orders);
  return {
    state: { ...state, orders: Object.fromEntries(entries.filter(([, order]) => isOpen(order))) },
    closed: Object.fromEntries(entries.filter(([, order]) => !isOpen(order))),
  };
};

/** Puts closed orders back, so that their ids are known again when one is placed, canceled or asked for. */
export const restoreClosed = (state: ExchangeState, closed: Readonly<Record<string, PaperOrder>>): ExchangeState => ({
  ...state,
  orders: { ...closed, ...state.orders },
});
