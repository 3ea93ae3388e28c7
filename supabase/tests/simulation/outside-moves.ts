import type { ExchangeRules, ExchangeState } from "../../../shared/broker/paper/book.ts";
import { freeQty } from "../../../shared/broker/paper/money.ts";
import {
  type Amount,
  type Decimal,
  decimal,
  least,
  roundDownTo,
  toAmount,
  ZERO,
} from "../../../shared/money/decimal.ts";
import type { Dice } from "./dice.ts";
import { moveCoins } from "./executions.ts";
import type { SeedTraits } from "./seed-traits.ts";

interface Options {
  readonly dice: Dice;
  readonly traits: SeedTraits;
  readonly rules: ExchangeRules;
  readonly startsAt: number;
  readonly note: (fault: string, state: string) => void;
  readonly trace: (line: string) => void;
}

/** Worth of the coins that lie in the account before the books open. */
const FOREIGN_USD = 40;

/** Coins in the account that are not ours, and coins that somebody takes away: nothing of this is in our book. */
export class OutsideMoves {
  /** What was taken away in all, by symbol, and nobody has told our book yet. */
  readonly taken = new Map<string, Decimal>();
  readonly #options: Options;
  readonly #foreign: { readonly symbol: string; qty: Decimal } | null;
  #foreignLeavesAt: number;
  #oursLeaveAt: number;

  constructor(options: Options) {
    const { dice, traits, rules, startsAt } = options;
    this.#options = options;
    const symbols = Object.keys(rules.instruments).sort();
    const symbol = symbols[dice.whole(0, symbols.length - 1, "foreign symbol")] ?? "BTC-USD";
    this.#foreign = traits.foreignCoins ? { symbol, qty: ZERO } : null;
    const later = (what: string) => startsAt + dice.between(60_000, 400_000, what);
    this.#foreignLeavesAt = traits.foreignCoins ? later("foreign leaves") : Number.POSITIVE_INFINITY;
    this.#oursLeaveAt = traits.coinsTaken ? later("ours leave") : Number.POSITIVE_INFINITY;
  }

  /** What the account holds before the books open; `price` says what a coin costs. */
  opening(price: (symbol: string) => Amount): Readonly<Record<string, Amount>> {
    if (this.#foreign === null) return {};
    const { symbol } = this.#foreign;
    this.#foreign.qty = decimal((FOREIGN_USD / Number(price(symbol))).toFixed(3));
    return { [symbol]: toAmount(this.#foreign.qty) };
  }

  /** Takes coins away when it is time for that; ours as soon as there are any that no order sells. */
  passTime(state: ExchangeState, now: number): ExchangeState {
    let next = state;
    if (now >= this.#foreignLeavesAt && this.#foreign !== null) {
      const qty = least(this.#foreign.qty, freeQty(next, this.#foreign.symbol));
      next = this.#take(next, this.#foreign.symbol, qty, "foreign coins");
      this.#foreign.qty = this.#foreign.qty.minus(qty);
      this.#foreignLeavesAt = Number.POSITIVE_INFINITY;
    }
    return now >= this.#oursLeaveAt ? this.#takeOurs(next) : next;
  }

  #takeOurs(state: ExchangeState): ExchangeState {
    const { dice, rules } = this.#options;
    const part = dice.roll("all of ours?") < 0.5 ? "1" : "0.5";
    for (const symbol of Object.keys(state.holdings).sort()) {
      const foreign = symbol === this.#foreign?.symbol ? this.#foreign.qty : ZERO;
      const free = freeQty(state, symbol).minus(foreign).times(decimal(part));
      const qty = roundDownTo(free, decimal(rules.instruments[symbol]?.qtyIncrement ?? "1"));
      if (qty.lt(decimal(rules.instruments[symbol]?.minQty ?? "1"))) continue;
      this.#oursLeaveAt = Number.POSITIVE_INFINITY;
      return this.#take(state, symbol, qty, "our coins");
    }
    return state;
  }

  #take(state: ExchangeState, symbol: string, qty: Decimal, whose: string): ExchangeState {
    if (qty.lte(ZERO)) return state;
    this.#options.note("coins taken away", whose);
    this.#options.trace(`    exchange: ⚡ ${qty.toFixed()} ${symbol} (${whose}) leave the account`);
    this.taken.set(symbol, (this.taken.get(symbol) ?? ZERO).plus(qty));
    return moveCoins(state, symbol, qty.neg());
  }
}
