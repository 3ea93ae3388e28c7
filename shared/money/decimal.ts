import bigJs from "big.js";

/** An amount on the wire, in a state or in an event: plain decimal text, never in exponent form. */
export type Amount = string;

/** An exact decimal in the middle of a calculation. */
export type Decimal = bigJs.Big;

const Big = bigJs();
Big.strict = true;
Big.DP = 30;
Big.RM = Big.roundHalfEven;

/** Reads trusted decimal text; throws on anything else, which is a bug. Untrusted text goes through `parseAmount`. */
export const decimal = (text: Amount): Decimal => new Big(text);

/** Writes a decimal as plain text without trailing zeros. */
export const toAmount = (value: Decimal): Amount => value.toFixed();

export const ZERO: Decimal = decimal("0");
const ONE: Decimal = decimal("1");
const BPS: Decimal = decimal("10000");

/** Returns the smaller of two decimals. */
export const least = (a: Decimal, b: Decimal): Decimal => (a.lte(b) ? a : b);

/** Returns the larger of two decimals. */
export const greatest = (a: Decimal, b: Decimal): Decimal => (a.gte(b) ? a : b);

/** Returns the largest multiple of a positive increment that is not above the value. */
export const roundDownTo = (value: Decimal, increment: Decimal): Decimal => {
  const rest = value.mod(increment);
  return value.minus(rest).minus(rest.lt(ZERO) ? increment : ZERO);
};

/** Returns the smallest multiple of a positive increment that is not below the value. */
export const roundUpTo = (value: Decimal, increment: Decimal): Decimal => {
  const down = roundDownTo(value, increment);
  return down.eq(value) ? down : down.plus(increment);
};

/** Returns the smallest multiple of an increment that makes at least a total at so much each; exact, whatever the figures. Twin of `private.least_multiple`. */
export const leastMultiple = (atLeast: Decimal, each: Decimal, increment: Decimal): Decimal =>
  roundUpTo(atLeast, each.times(increment)).div(each);

/** Tells whether the value lies on the grid of the increment. */
export const isMultipleOf = (value: Decimal, increment: Decimal): boolean => value.mod(increment).eq(ZERO);

/** Returns the value moved by basis points: `addBps(100, 5)` is 100.05, `addBps(100, -5)` is 99.95. */
export const addBps = (value: Decimal, bps: Decimal): Decimal => value.times(ONE.plus(bps.div(BPS)));

/** Returns the value moved by percent: `addPct(100, -1.5)` is 98.5. */
export const addPct = (value: Decimal, pct: Decimal): Decimal => addBps(value, pct.times(decimal("100")));

/** Returns basis points of an amount: `bpsOf(25, 95)` is 0.2375. */
export const bpsOf = (amount: Decimal, bps: Decimal): Decimal => amount.times(bps).div(BPS);

/** Rounds half up to eight decimal places, as venues charge fees. */
export const roundFee = (fee: Decimal): Decimal => fee.round(8, Big.roundHalfUp);

/** Rounds half up to so many decimal places. */
export const roundHalfUp = (value: Decimal, places: number): Decimal => value.round(places, Big.roundHalfUp);

/** Turns a float of an indicator into a decimal; throws when it is not finite, which is a bug. */
export const fromFloat = (value: number): Decimal => new Big(String(value));
