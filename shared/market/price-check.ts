import { type Amount, decimal, toAmount } from "../money/decimal.ts";
import type { Millis } from "./instant.ts";
import { midPrice, type Quote } from "./quote.ts";

/** On which side of the recent prices an observation is far away; `torn` when its prices are far away on both. */
export type FarSide = "above" | "below" | "torn";

/** One look at a symbol's price: all prices that must be true for it to be used, and the one that stands for it. */
export interface Observation {
  readonly at: Millis;
  readonly prices: readonly Amount[];
  readonly value: Amount;
}

/** A price that may be true or not; the next observation tells. */
export interface UnconfirmedPrice {
  readonly side: FarSide;
  readonly value: Amount;
  readonly at: Millis;
}

/** What is remembered of a symbol's price: at most ten confirmed values, oldest first, and what waits to be confirmed. */
export interface PriceMemory {
  readonly recent: readonly Amount[];
  /** The newest observation's time; null before the first. An observation counts once. */
  readonly seenAt: Millis | null;
  readonly pending: UnconfirmedPrice | null;
}

/** May an observation be used? If not, `price` is what is too far from `median`. `isNew`: it was not seen before. */
export type PriceVerdict =
  | { readonly isConfirmed: true; readonly confirms: UnconfirmedPrice | null }
  | { readonly isConfirmed: false; readonly price: Amount; readonly median: Amount; readonly isNew: boolean };

/** Of how many observations the median is taken. */
export const OBSERVATIONS_KEPT = 10;

/** Nothing is known of the price yet. */
export const NO_MEMORY: PriceMemory = { recent: [], seenAt: null, pending: null };

/** The middle one, or the middle of the two in the middle. */
const medianOf = (prices: readonly Amount[]): Amount => {
  const sorted = [...prices].sort((a, b) => Number(a) - Number(b));
  const [low = "0", high = "0"] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return toAmount(decimal(low).plus(decimal(high)).div(decimal("2")));
};

const CONFIRMED: PriceVerdict = { isConfirmed: true, confirms: null };

interface Far {
  readonly side: FarSide;
  readonly price: Amount;
  readonly median: Amount;
}

/** As floats: this only tells far from near, no money is reckoned. */
const farFrom = (memory: PriceMemory, { prices }: Observation, badPct: number): Far | null => {
  if (memory.recent.length === 0) return null;
  const median = medianOf(memory.recent);
  const off = (price: Amount): number => Number(price) - Number(median);
  const far = prices.filter((price) => Math.abs(off(price)) > (Number(median) * badPct) / 100);
  const [first, ...others] = far;
  if (first === undefined) return null;
  const price = others.reduce((worst, next) => (Math.abs(off(next)) > Math.abs(off(worst)) ? next : worst), first);
  const side = far.every((one) => off(one) > 0) ? "above" : far.every((one) => off(one) < 0) ? "below" : "torn";
  return { side, price, median };
};

/**
 * Judges an observation by the median of the last ten confirmed ones: one of which any price is more than `badPct` %
 * away is not confirmed, and the next observation that is far away on the same side is confirmed, and is where the
 * memory starts anew. The first of all has nothing to be judged by and is confirmed. One that is not newer than the last changes
 * nothing: the same look twice confirms nothing.
 */
export const judgePrice = (
  memory: PriceMemory,
  observation: Observation,
  badPct: Amount,
): { readonly verdict: PriceVerdict; readonly memory: PriceMemory } => {
  const { at, value } = observation;
  const far = farFrom(memory, observation, Number(badPct));
  if (memory.seenAt !== null && at <= memory.seenAt) {
    return { verdict: far === null ? CONFIRMED : { isConfirmed: false, ...withoutSide(far), isNew: false }, memory };
  }
  if (far === null) {
    const recent = [...memory.recent, value].slice(-OBSERVATIONS_KEPT);
    return { verdict: CONFIRMED, memory: { recent, seenAt: at, pending: null } };
  }
  const { pending } = memory;
  if (pending !== null && pending.side === far.side) {
    const verdict: PriceVerdict = { isConfirmed: true, confirms: pending };
    return { verdict, memory: { recent: [value], seenAt: at, pending: null } };
  }
  return {
    verdict: { isConfirmed: false, ...withoutSide(far), isNew: true },
    memory: { ...memory, seenAt: at, pending: { side: far.side, value, at } },
  };
};

const withoutSide = ({ price, median }: Far) => ({ price, median });

/** A memory that knows nothing yet starts with these values, oldest first; any other stays as it is. */
export const seedMemory = (memory: PriceMemory, values: readonly Amount[]): PriceMemory =>
  memory.recent.length > 0 ? memory : { ...memory, recent: values.slice(-OBSERVATIONS_KEPT) };

/**
 * Returns a quote as an observation: both legs must be true, and a price that stands (the open of a running bar) is one
 * look however often it is read.
 */
export const observationOf = (quote: Quote): Observation => ({
  at: quote.since ?? quote.observedAt,
  prices: [quote.bid, quote.ask],
  value: toAmount(midPrice(quote)),
});

/** One of a series that must not be used: what is wrong with it, and when a later one confirmed its side, if one did. */
export interface Rejected<Item> {
  readonly item: Item;
  readonly price: Amount;
  readonly median: Amount;
  readonly confirmedAt: Millis | null;
}

/** Sorts a series, oldest first, into what may be used and what must not; the series itself is the memory. */
export const confirmedSeries = <Item>(
  items: readonly Item[],
  observe: (item: Item, index: number) => Observation,
  badPct: Amount,
): { readonly good: readonly Item[]; readonly rejected: readonly Rejected<Item>[] } => {
  const good: Item[] = [];
  const rejected: Rejected<Item>[] = [];
  let memory = NO_MEMORY;
  for (const [index, item] of items.entries()) {
    const observation = observe(item, index);
    const { verdict, memory: next } = judgePrice(memory, observation, badPct);
    memory = next;
    if (!verdict.isConfirmed) {
      rejected.push({ item, price: verdict.price, median: verdict.median, confirmedAt: null });
      continue;
    }
    good.push(item);
    const last = rejected.pop();
    if (last !== undefined) rejected.push(verdict.confirms === null ? last : { ...last, confirmedAt: observation.at });
  }
  return { good, rejected };
};
