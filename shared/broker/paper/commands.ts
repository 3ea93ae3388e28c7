import type { Instrument } from "../../market/instrument.ts";
import { parseAmount } from "../../money/amount.ts";
import { type Amount, decimal, isMultipleOf, toAmount, ZERO } from "../../money/decimal.ts";
import { type Result, refusal, success } from "../../result.ts";
import type { BrokerError, OrderRequest } from "../port.ts";
import {
  type ExchangeEvent,
  type ExchangeRules,
  type ExchangeState,
  isOpen,
  type PaperOrder,
  withOrder,
} from "./book.ts";
import { cashNeeded, freeQty, reservedCash } from "./money.ts";

type Place = Extract<ExchangeEvent, { type: "place" }>;
type Cancel = Extract<ExchangeEvent, { type: "cancel" }>;
type Deposit = Extract<ExchangeEvent, { type: "deposit" }>;
type Outcome = Result<ExchangeState, BrokerError>;

const refused = (code: string, message: string) => refusal<BrokerError>({ kind: "refused", code, message });

const isSameRequest = (a: OrderRequest, b: OrderRequest): boolean =>
  a.symbol === b.symbol &&
  a.side === b.side &&
  decimal(a.qty).eq(decimal(b.qty)) &&
  decimal(a.limitPrice).eq(decimal(b.limitPrice));

const gridProblem = (order: OrderRequest, instrument: Instrument): [code: string, message: string] | null => {
  const [qty, price] = [decimal(order.qty), decimal(order.limitPrice)];
  if (!isMultipleOf(qty, decimal(instrument.qtyIncrement))) {
    return ["INVALID_QTY", `quantity ${order.qty} is no multiple of ${instrument.qtyIncrement}`];
  }
  if (!isMultipleOf(price, decimal(instrument.priceIncrement))) {
    return ["INVALID_PRICE", `limit price ${order.limitPrice} is no multiple of ${instrument.priceIncrement}`];
  }
  if (qty.lt(decimal(instrument.minQty))) {
    return ["BELOW_MINIMUM", `quantity ${order.qty} is below the minimum of ${instrument.minQty}`];
  }
  if (qty.times(price).lt(decimal(instrument.minNotional))) {
    return [
      "BELOW_MINIMUM",
      `notional ${toAmount(qty.times(price))} is below the minimum of ${instrument.minNotional}`,
    ];
  }
  return null;
};

const fundsProblem = (state: ExchangeState, order: OrderRequest, rules: ExchangeRules): [string, string] | null => {
  if (order.side === "sell") {
    const free = freeQty(state, order.symbol);
    const isCovered = free.gte(decimal(order.qty));
    return isCovered ? null : ["INSUFFICIENT_HOLDINGS", `${order.qty} is above the free quantity of ${toAmount(free)}`];
  }
  const free = decimal(state.cash).minus(reservedCash(state));
  const needed = cashNeeded(order, rules);
  return free.gte(needed)
    ? null
    : ["INSUFFICIENT_CASH", `${toAmount(needed)} with fees is above the free cash of ${toAmount(free)}`];
};

const problemOf = (state: ExchangeState, order: OrderRequest, rules: ExchangeRules): [string, string] | null => {
  const instrument = rules.instruments[order.symbol];
  if (instrument === undefined) return ["UNKNOWN_SYMBOL", `${order.symbol} is not traded here`];
  for (const [code, value] of [
    ["INVALID_QTY", order.qty],
    ["INVALID_PRICE", order.limitPrice],
  ] as const) {
    const amount = parseAmount(value, code === "INVALID_QTY" ? "quantity" : "limit price", { sign: "positive" });
    if (!amount.ok) return [code, amount.error.message];
  }
  return gridProblem(order, instrument) ?? fundsProblem(state, order, rules);
};

const newOrder = (state: ExchangeState, event: Place, rules: ExchangeRules, reserved: Amount): PaperOrder => ({
  ...event.order,
  brokerOrderId: `paper-${state.nextOrderNumber}`,
  status: "pending",
  acceptAt: Math.max(event.at, state.clock) + (event.latencyMs ?? rules.latencyMs),
  cancelAt: null,
  closedAt: null,
  ahead: null,
  filledQty: "0",
  notional: "0",
  exactFee: "0",
  fee: "0",
  reservedCash: reserved,
  fills: [],
});

/** Takes an order in; the same client order id with the same content again is the order that is already there. */
export const place = (state: ExchangeState, event: Place, rules: ExchangeRules): Outcome => {
  const known = state.orders[event.order.clientOrderId];
  if (known !== undefined) {
    return isSameRequest(known, event.order)
      ? success(state)
      : refused("DUPLICATE_CLIENT_ORDER_ID", `client order id ${event.order.clientOrderId} belongs to another order`);
  }
  const problem = problemOf(state, event.order, rules);
  if (problem !== null) return refused(...problem);
  const reserved = event.order.side === "buy" ? toAmount(cashNeeded(event.order, rules)) : "0";
  const placed = withOrder(state, newOrder(state, event, rules, reserved));
  return success({ ...placed, nextOrderNumber: state.nextOrderNumber + 1 });
};

/** Takes a request to cancel; it takes effect after the latency, and a fill may come first. */
export const requestCancel = (state: ExchangeState, event: Cancel, rules: ExchangeRules): Outcome => {
  const order = state.orders[event.clientOrderId];
  if (order === undefined)
    return refusal({ kind: "not_found", message: `no order ${event.clientOrderId} is known here` });
  if (!isOpen(order)) return refused("ORDER_CLOSED", `order ${event.clientOrderId} is ${order.status} already`);
  const cancelAt = Math.max(event.at, state.clock) + (event.latencyMs ?? rules.latencyMs);
  return success(withOrder(state, { ...order, cancelAt: Math.min(order.cancelAt ?? cancelAt, cancelAt) }));
};

/** Moves cash in (or out, when negative and free). */
export const deposit = (state: ExchangeState, event: Deposit): Outcome => {
  const amount = parseAmount(event.amount, "deposit");
  if (!amount.ok) return refused("INVALID_AMOUNT", amount.error.message);
  const cash = decimal(state.cash).plus(decimal(amount.value));
  const isWithdrawal = decimal(amount.value).lt(ZERO);
  if (isWithdrawal && cash.lt(reservedCash(state)))
    return refused("INSUFFICIENT_CASH", `${event.amount} is not free to withdraw`);
  return success({ ...state, cash: toAmount(cash) });
};
