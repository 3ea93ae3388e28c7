import type { Millis } from "../../market/instant.ts";
import { type Amount, bpsOf, type Decimal, decimal, roundFee, roundUpTo, toAmount, ZERO } from "../../money/decimal.ts";
import type { OrderRequest, ReportedFill } from "../port.ts";
import { type ExchangeRules, type ExchangeState, isOpen, type PaperOrder, withOrder } from "./book.ts";

const CENT_MILLIONTH = decimal("0.00000001");

/** Returns the cash that open buys hold back. */
export const reservedCash = (state: ExchangeState): Decimal =>
  Object.values(state.orders).reduce((sum, order) => sum.plus(decimal(order.reservedCash)), ZERO);

/** Returns the quantity of a symbol that is held and not promised to an open sell. */
export const freeQty = (state: ExchangeState, symbol: string): Decimal =>
  Object.values(state.orders)
    .filter((order) => order.symbol === symbol && order.side === "sell" && isOpen(order))
    .reduce((free, order) => free.minus(remainingQty(order)), decimal(state.holdings[symbol] ?? "0"));

/** Returns what is not filled yet. */
export const remainingQty = (order: PaperOrder): Decimal => decimal(order.qty).minus(decimal(order.filledQty));

/** Returns the most cash a buy can cost, its fee and one rounding included. */
export const cashNeeded = (order: OrderRequest, rules: ExchangeRules): Decimal => {
  const notional = decimal(order.qty).times(decimal(order.limitPrice));
  const fee = [rules.takerFeeBps, rules.makerFeeBps].map((bps) => bpsOf(notional, decimal(bps)));
  const highest = fee.reduce((a, b) => (a.gte(b) ? a : b), ZERO);
  return roundUpTo(notional.plus(highest), CENT_MILLIONTH).plus(CENT_MILLIONTH);
};

const withoutZero = (holdings: Readonly<Record<string, Amount>>, symbol: string, qty: Decimal) => {
  const { [symbol]: _, ...others } = holdings;
  return qty.eq(ZERO) ? others : { ...others, [symbol]: toAmount(qty) };
};

/** One execution to book: the price is per unit, the liquidity decides the fee. */
export interface Execution {
  readonly qty: Decimal;
  readonly price: Decimal;
  readonly liquidity: "taker" | "maker";
  readonly at: Millis;
}

const filledOrder = (order: PaperOrder, execution: Execution, rules: ExchangeRules): PaperOrder => {
  const notional = execution.qty.times(execution.price);
  const rate = execution.liquidity === "taker" ? rules.takerFeeBps : rules.makerFeeBps;
  const exactFee = decimal(order.exactFee).plus(bpsOf(notional, decimal(rate)));
  const fee = roundFee(exactFee);
  const filledQty = decimal(order.filledQty).plus(execution.qty);
  const isFilled = filledQty.eq(decimal(order.qty));
  const spent = notional.plus(fee).minus(decimal(order.fee));
  const fill: ReportedFill = {
    fillId: `${order.brokerOrderId}-${order.fills.length + 1}`,
    qty: toAmount(execution.qty),
    price: toAmount(execution.price),
    fee: toAmount(fee.minus(decimal(order.fee))),
    feeCurrency: "USD",
    executedAt: execution.at,
  };
  return {
    ...order,
    status: isFilled ? "filled" : order.status,
    closedAt: isFilled ? execution.at : null,
    filledQty: toAmount(filledQty),
    notional: toAmount(decimal(order.notional).plus(notional)),
    exactFee: toAmount(exactFee),
    fee: toAmount(fee),
    reservedCash: isFilled || order.side === "sell" ? "0" : toAmount(decimal(order.reservedCash).minus(spent)),
    fills: [...order.fills, fill],
  };
};

/** Books an execution on the order, the cash and the holdings at once; a quantity of zero changes nothing. */
export const bookExecution = (
  state: ExchangeState,
  order: PaperOrder,
  execution: Execution,
  rules: ExchangeRules,
): ExchangeState => {
  if (execution.qty.lte(ZERO)) return state;
  const filled = filledOrder(order, execution, rules);
  const notional = execution.qty.times(execution.price);
  const fee = decimal(filled.fee).minus(decimal(order.fee));
  const [cashMove, qtyMove] = order.side === "buy" ? [notional.neg(), execution.qty] : [notional, execution.qty.neg()];
  const held = decimal(state.holdings[order.symbol] ?? "0").plus(qtyMove);
  return {
    ...withOrder(state, filled),
    cash: toAmount(decimal(state.cash).plus(cashMove).minus(fee)),
    holdings: withoutZero(state.holdings, order.symbol, held),
  };
};
