import type { Dice } from "./dice.ts";

/** What kind of exchange and market a seed has. */
export interface SeedTraits {
  /** Begins a few minutes before midnight UTC, so that fills of one day are told on the next. */
  readonly nearMidnight: boolean;
  /** Nothing but closed candles is known of the market: quotes are made of their closes, and orders fill by them. */
  readonly candlesOnly: boolean;
  /** One coin costs a hundred-thousandth of a dollar. */
  readonly cheapCoin: boolean;
  /** The fee of a buy is taken in the coins that are bought. */
  readonly coinFees: boolean;
  /** Fills are numbered per symbol, so that the same number means another fill elsewhere. */
  readonly numbersPerSymbol: boolean;
  /** The list of open orders and the look-up of one give the same execution two ids. */
  readonly twoChannels: boolean;
  /** Somebody else's coins lie in the account when the books open, and are taken away later. */
  readonly foreignCoins: boolean;
  /** Coins of ours are taken away behind our back. */
  readonly coinsTaken: boolean;
  /** One symbol loses a fifth of its price at once, and stays there. */
  readonly crash: boolean;
  /** Now and then one observation of a price is far off. */
  readonly badPrints: boolean;
}

const CHANCES: Readonly<Record<keyof SeedTraits, number>> = {
  nearMidnight: 0.3,
  candlesOnly: 0.08,
  cheapCoin: 0.12,
  coinFees: 0.15,
  numbersPerSymbol: 0.25,
  twoChannels: 0.2,
  foreignCoins: 0.15,
  coinsTaken: 0.06,
  crash: 0.06,
  badPrints: 0.4,
};

/** Draws what kind of seed this is. */
export const traitsOf = (dice: Dice): SeedTraits =>
  Object.fromEntries(
    Object.entries(CHANCES).map(([trait, chance]) => [trait, dice.roll("trait", trait) < chance]),
  ) as unknown as SeedTraits;

/** The traits of a seed, in words, for its story. */
export const traitNames = (traits: SeedTraits): string[] =>
  Object.entries(traits)
    .filter(([, has]) => has)
    .map(([trait]) => trait);
