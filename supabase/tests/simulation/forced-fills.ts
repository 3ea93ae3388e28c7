import { type ExchangeRules, type ExchangeState, isOpen, type PaperOrder } from "../../../shared/broker/paper/book.ts";
import { bookExecution, remainingQty } from "../../../shared/broker/paper/money.ts";
import { type Decimal, decimal, least, roundDownTo } from "../../../shared/money/decimal.ts";
import type { Dice } from "./dice.ts";
import { endOrder } from "./executions.ts";

interface Surroundings {
  readonly dice: Dice;
  readonly rules: ExchangeRules;
  readonly now: () => number;
}

/** Fills what is left of an order at its limit, as if the market had come there first. */
export const fillInFull = (state: ExchangeState, id: string, around: Surroundings): ExchangeState =>
  fill(state, id, around, remainingQty);

/** Fills half of what is left of an order. */
export const fillInPart = (state: ExchangeState, id: string, around: Surroundings): ExchangeState =>
  fill(state, id, around, (order) => {
    const increment = around.rules.instruments[order.symbol]?.qtyIncrement ?? "1";
    return roundDownTo(remainingQty(order).times("0.5"), decimal(increment));
  });

/** Fills all but a sliver that is too small to be traded (of a buy, that sliver and no more), and ends the order with that. */
export function leaveDust(state: ExchangeState, id: string, around: Surroundings): ExchangeState {
  const left = fillButDust(state, id, around);
  return left.orders[id]?.status === "resting" ? endOrder(left, id, "canceled", around.now()) : left;
}

const fillButDust = (state: ExchangeState, id: string, around: Surroundings): ExchangeState =>
  fill(state, id, around, (order) => {
    const { qtyIncrement = "1", minNotional = "1" } = around.rules.instruments[order.symbol] ?? {};
    const part = decimal(around.dice.between(0.2, 0.8, "dust", order.brokerOrderId).toFixed(3));
    const worth = decimal(minNotional).times(part).div(decimal(order.limitPrice));
    const sliver = least(remainingQty(order), roundDownTo(worth, decimal(qtyIncrement)));
    return order.side === "buy" ? sliver : remainingQty(order).minus(sliver);
  });

function fill(
  state: ExchangeState,
  id: string,
  around: Surroundings,
  qtyOf: (order: PaperOrder) => Decimal,
): ExchangeState {
  const order = state.orders[id];
  if (!order || !isOpen(order) || order.status === "pending") return state;
  const qty = qtyOf(order);
  if (qty.eq(decimal("0"))) return state;
  const execution = {
    qty,
    price: decimal(order.limitPrice),
    liquidity: "maker",
    at: around.now(),
  } as const;
  return bookExecution(state, order, execution, around.rules);
}
