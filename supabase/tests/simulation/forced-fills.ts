import { type ExchangeRules, type ExchangeState, isOpen, type PaperOrder } from "../../../shared/broker/paper/book.ts";
import { bookExecution, remainingQty } from "../../../shared/broker/paper/money.ts";
import { type Decimal, decimal, roundDownTo } from "../../../shared/money/decimal.ts";

interface Surroundings {
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
