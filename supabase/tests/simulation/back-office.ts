import { type ExchangeRules, type ExchangeState, isOpen, type PaperOrder } from "../../../shared/broker/paper/book.ts";
import { freeQty } from "../../../shared/broker/paper/money.ts";
import type { ReportedFill } from "../../../shared/broker/port.ts";
import { type Amount, decimal, greatest, roundDownTo, toAmount, ZERO } from "../../../shared/money/decimal.ts";
import type { Dice } from "./dice.ts";
import { type Execution, endOrder, replaceExecution } from "./executions.ts";
import * as faults from "./faults.ts";
import { OutsideMoves } from "./outside-moves.ts";
import type { SeedTraits } from "./seed-traits.ts";

interface Options {
  readonly dice: Dice;
  readonly traits: SeedTraits;
  readonly rules: ExchangeRules;
  readonly nameOf: (clientOrderId: string) => string;
  readonly note: (fault: string, state: string) => void;
  readonly trace: (line: string) => void;
}

interface SecondThought {
  readonly orderId: string;
  readonly fillId: string;
  readonly kind: "busted" | "corrected_quantity" | "corrected_price";
  readonly at: number;
}

const COIN_PLACES = decimal("0.00000001");

/** What the exchange does to executions and balances apart from trading: fees in coins, rounding, second thoughts, coins that others move. */
export class BackOffice {
  /** The most that was ever filled of an order, before anything was taken back. */
  readonly peaks = new Map<string, Amount>();
  /** Orders of which an execution was taken back or changed. */
  readonly corrected = new Set<string>();
  /** The lowest and the highest price at which an order was executed, before or after a correction. */
  readonly prices = new Map<string, { readonly low: number; readonly high: number }>();
  readonly outside: OutsideMoves;
  readonly #options: Options;
  readonly #feeCoins = new Map<string, Amount>();
  readonly #numbers = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  #plans: SecondThought[] = [];

  constructor(options: Options, startsAt: number) {
    this.#options = options;
    this.outside = new OutsideMoves({ ...options, startsAt });
  }

  /** The coins that were taken as the fee of an execution, null when it was paid in USD. */
  feeCoinsOf(fill: ReportedFill): Amount | null {
    return this.#feeCoins.get(fill.fillId) ?? null;
  }

  /** The number of an execution among those of its symbol. */
  numberOf(fill: ReportedFill): number {
    return this.#numbers.get(fill.fillId) ?? 0;
  }

  /** Takes in what was executed between two states. */
  settle(before: ExchangeState, after: ExchangeState): ExchangeState {
    return Object.values(after.orders).reduce((state, order) => {
      const known = before.orders[order.clientOrderId]?.fills.length ?? 0;
      return order.fills.slice(known).reduce((next, fill) => this.#takeIn(next, order.clientOrderId, fill), state);
    }, after);
  }

  /** Does what is due: second thoughts about executions, and coins that others move. */
  passTime(state: ExchangeState, now: number): ExchangeState {
    const due = this.#plans.filter(({ at }) => at <= now);
    this.#plans = this.#plans.filter(({ at }) => at > now);
    const thought = due.reduce((next, plan) => this.#thinkBetter(next, plan, now), state);
    return this.outside.passTime(thought, now);
  }

  #takeIn(state: ExchangeState, orderId: string, fill: ReportedFill): ExchangeState {
    const { dice, traits, nameOf } = this.#options;
    const order = state.orders[orderId];
    if (!order) return state;
    const number = (this.#counts.get(order.symbol) ?? 0) + 1;
    this.#counts.set(order.symbol, number);
    this.#numbers.set(fill.fillId, number);
    const name = `${nameOf(orderId)} ${order.fills.indexOf(fill) + 1}`;
    this.#notePrice(orderId, fill);
    let next = this.#roundOff(state, order, fill, name);
    if (traits.coinFees && order.side === "buy") next = this.#takeFeeInCoins(next, orderId, fill.fillId);
    const kind = dice.pick(faults.SECOND_THOUGHTS, "second thought", name);
    const at = fill.executedAt + faults.secondThoughtMs(dice, name);
    if (kind !== "none") this.#plans.push({ orderId, fillId: fill.fillId, kind, at });
    const filled = next.orders[orderId]?.filledQty ?? "0";
    this.peaks.set(orderId, toAmount(greatest(decimal(this.peaks.get(orderId) ?? "0"), decimal(filled))));
    return next;
  }

  #notePrice(orderId: string, { price }: ReportedFill): void {
    const { low, high } = this.prices.get(orderId) ?? { low: Number.POSITIVE_INFINITY, high: 0 };
    this.prices.set(orderId, { low: Math.min(low, Number(price)), high: Math.max(high, Number(price)) });
  }

  /** The last fill of an order may fall one step short of it, and the order is filled all the same. */
  #roundOff(state: ExchangeState, order: PaperOrder, fill: ReportedFill, name: string): ExchangeState {
    const { dice, rules, note } = this.#options;
    const step = decimal(rules.instruments[order.symbol]?.qtyIncrement ?? "1");
    const isLast = order.status === "filled" && order.fills.at(-1) === fill && decimal(fill.qty).gt(step);
    if (!isLast || dice.pick(faults.LAST_FILL_FAULTS, "last fill", name) === "none") return state;
    note("filled one step short", order.side);
    const shorter = { ...fill, qty: toAmount(decimal(fill.qty).minus(step)) };
    return replaceExecution(state, order, { fill, feeCoins: null }, { fill: shorter, feeCoins: null });
  }

  #takeFeeInCoins(state: ExchangeState, orderId: string, fillId: string): ExchangeState {
    const order = state.orders[orderId];
    const fill = order?.fills.find((one) => one.fillId === fillId);
    if (!order || !fill) return state;
    const coins = roundDownTo(decimal(fill.fee).div(decimal(fill.price)), COIN_PLACES);
    const feeCoins = toAmount(coins);
    this.#feeCoins.set(fillId, feeCoins);
    this.#options.note("fee taken in coins", order.symbol);
    const paid = { ...fill, fee: toAmount(coins.times(decimal(fill.price))) };
    return replaceExecution(state, order, { fill, feeCoins: null }, { fill: paid, feeCoins });
  }

  /** Waits until the order has ended; what was bought and sold again stays. */
  #thinkBetter(state: ExchangeState, plan: SecondThought, now: number): ExchangeState {
    const { nameOf, note, trace } = this.#options;
    const order = state.orders[plan.orderId];
    const fill = order?.fills.find(({ fillId }) => fillId === plan.fillId);
    if (!order || !fill) return state;
    if (isOpen(order)) {
      this.#plans.push({ ...plan, at: now + 1 });
      return state;
    }
    const was: Execution = { fill, feeCoins: this.feeCoinsOf(fill) };
    const is = this.#betterThought(order, was, plan);
    const next = replaceExecution(state, order, was, is);
    if (freeQty(next, order.symbol).lt(ZERO) || decimal(next.cash).lt(ZERO)) return state;
    if (is !== null) this.#notePrice(plan.orderId, is.fill);
    if (is?.feeCoins) this.#feeCoins.set(fill.fillId, is.feeCoins);
    this.corrected.add(plan.orderId);
    note(`fill ${plan.kind}`, order.side);
    trace(`    exchange: ${nameOf(plan.orderId)} ⚡ a fill of ${fill.qty} at ${fill.price} is ${plan.kind}`);
    return plan.kind === "corrected_price" ? next : endOrder(next, plan.orderId, "canceled", order.closedAt ?? now);
  }

  #betterThought(order: PaperOrder, { fill, feeCoins }: Execution, plan: SecondThought): Execution | null {
    const { dice, rules, nameOf } = this.#options;
    const { qtyIncrement = "1", priceIncrement = "1" } = rules.instruments[order.symbol] ?? {};
    if (plan.kind === "busted") return null;
    const isQty = plan.kind === "corrected_quantity";
    const factor = decimal(
      dice.between(isQty ? 0.3 : 0.995, isQty ? 0.9 : 1.005, nameOf(plan.orderId), "factor").toFixed(4),
    );
    const [qty, price] = [decimal(fill.qty), decimal(fill.price)];
    const newQty = isQty ? roundDownTo(qty.times(factor), decimal(qtyIncrement)) : qty;
    const newPrice = isQty ? price : roundDownTo(price.times(factor), decimal(priceIncrement));
    if (newQty.lte(ZERO) || newPrice.lte(ZERO)) return null;
    const share = newQty.times(newPrice).div(qty.times(price));
    const coins = feeCoins === null ? null : roundDownTo(decimal(feeCoins).times(share), COIN_PLACES);
    const fee = coins === null ? decimal(fill.fee).times(share).round(8) : coins.times(newPrice);
    const changed = { ...fill, qty: toAmount(newQty), price: toAmount(newPrice), fee: toAmount(fee) };
    return { fill: changed, feeCoins: coins === null ? null : toAmount(coins) };
  }
}
