import type { ExchangeState, PaperOrder } from "../../../shared/broker/paper/book.ts";
import type { ReportedFill } from "../../../shared/broker/port.ts";
import { type Amount, type Decimal, decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";

/** An execution as the exchange's back office keeps it: the fee in USD, and the coins that were taken for it instead of cash. */
export interface Execution {
  readonly fill: ReportedFill;
  readonly feeCoins: Amount | null;
}

/** What an execution did to cash and coins. */
const effectOf = (order: PaperOrder, execution: Execution | null): { cash: Decimal; coins: Decimal } => {
  if (execution === null) return { cash: ZERO, coins: ZERO };
  const { fill, feeCoins } = execution;
  const notional = decimal(fill.qty).times(decimal(fill.price));
  const [cash, coins] =
    order.side === "buy" ? [notional.neg(), decimal(fill.qty)] : [notional, decimal(fill.qty).neg()];
  return feeCoins === null
    ? { cash: cash.minus(decimal(fill.fee)), coins }
    : { cash, coins: coins.minus(decimal(feeCoins)) };
};

/** Returns the state in which an execution is another one, or none (null): order, cash and coins follow. */
export function replaceExecution(
  state: ExchangeState,
  order: PaperOrder,
  was: Execution,
  is: Execution | null,
): ExchangeState {
  const fills = order.fills.flatMap((fill) =>
    fill.fillId !== was.fill.fillId ? [fill] : is === null ? [] : [is.fill],
  );
  const sum = (of: (fill: ReportedFill) => Decimal) => fills.reduce((total, fill) => total.plus(of(fill)), ZERO);
  const fee = sum((fill) => decimal(fill.fee));
  const changed: PaperOrder = {
    ...order,
    fills,
    filledQty: toAmount(sum((fill) => decimal(fill.qty))),
    notional: toAmount(sum((fill) => decimal(fill.qty).times(decimal(fill.price)))),
    fee: toAmount(fee),
    exactFee: toAmount(decimal(order.exactFee).plus(fee).minus(decimal(order.fee))),
  };
  const [before, after] = [effectOf(order, was), effectOf(order, is)];
  const moved = moveCoins(state, order.symbol, after.coins.minus(before.coins));
  return {
    ...moved,
    cash: toAmount(decimal(state.cash).plus(after.cash).minus(before.cash)),
    orders: { ...state.orders, [order.clientOrderId]: changed },
  };
}

/** Returns the state with coins brought or taken (negative) outside any order. */
export function moveCoins(state: ExchangeState, symbol: string, by: Decimal): ExchangeState {
  const { [symbol]: held = "0", ...others } = state.holdings;
  const left = decimal(held).plus(by);
  return { ...state, holdings: left.eq(ZERO) ? others : { ...others, [symbol]: toAmount(left) } };
}

/** Returns the state with an order ended as it stands. */
export function endOrder(state: ExchangeState, id: string, status: "filled" | "canceled", at: number): ExchangeState {
  const order = state.orders[id];
  if (!order) return state;
  return { ...state, orders: { ...state.orders, [id]: { ...order, status, closedAt: at, reservedCash: "0" } } };
}

/** Returns the state without an order, as if the exchange had never heard of it. */
export function forgetOrder(state: ExchangeState, id: string): ExchangeState {
  const { [id]: _, ...orders } = state.orders;
  return { ...state, orders };
}
