import { type Amount, type Decimal, decimal, greatest, least, roundHalfUp, ZERO } from "../money/decimal.ts";
import type { Side } from "./order.ts";

/**
 * What is done with each kind of contradiction in what a broker tells. `hold`: only what is beyond doubt is booked, and the
 * order is unresolved with the reason. `tell`: it is booked as told, and a person is told. The database's
 * `private.treatment_of` says the same.
 */
export const TREATMENTS = {
  figures_impossible: "hold",
  average_contradicts: "hold",
  quantity_shrank: "hold",
  fee_shrank: "hold",
  list_beyond_totals: "hold",
  fill_contradicts: "hold",
  totals_beyond_list: "tell",
  fee_beside_list: "tell",
  worse_than_limit: "tell",
  fee_out_of_proportion: "tell",
  fee_negative: "tell",
  time_implausible: "tell",
  clock_ahead: "tell",
} as const satisfies Record<string, "hold" | "tell">;

/** A kind of contradiction in what a broker tells. */
export type Contradiction = keyof typeof TREATMENTS;

const MILLIONTH = decimal("0.000001");
const THOUSANDTH = decimal("0.001");
const HALF_PERCENT = decimal("0.005");
const PERCENT = decimal("0.01");
const CENT = decimal("0.01");
const HUNDREDTH_OF_A_CENT = decimal("0.0001");
/** No venue takes a twentieth; a smallest fee of a few cents on a tiny order is none. */
const FEE_PROPORTION = decimal("0.05");
const SMALL_FEE = decimal("0.05");
const PRICE_PLACES = 18;

const placesOf = (value: Decimal): number => value.toFixed().split(".")[1]?.length ?? 0;

/** Returns how far a told figure may be off because it was rounded: a unit of its last place, but never more than `most`. */
export const roundingOf = (told: Decimal, most: Decimal): Decimal => least(decimal("10").pow(-placesOf(told)), most);

/** Returns how far an average price may be off because it was rounded: a cent at most, and half a percent of a coin that is cheap. */
export const priceRounding = (price: Decimal): Decimal => roundingOf(price, least(CENT, price.times(HALF_PERCENT)));

/** Returns how far two averages of the same fills may differ: by rounding, or by a millionth. */
export const priceSlack = (price: Decimal): Decimal => greatest(price.times(MILLIONTH), priceRounding(price));

/** Returns how far a fee in USD may be off: less than its rounding, at most a cent; at least a hundredth of one. */
export const feeSlack = (fee: Decimal): Decimal =>
  greatest(HUNDREDTH_OF_A_CENT, roundingOf(fee, CENT).times(decimal("0.999")));

/** Tells whether a quantity exceeds another by more than rounding: a millionth. */
export const isBeyond = (qty: Decimal, limit: Decimal): boolean => qty.gt(limit.plus(limit.times(MILLIONTH)));

/** Tells whether an order that the broker calls filled is so: short by a millionth, or by one step of the grid where that is a thousandth at most. */
export const isWhole = (qty: Amount, filledQty: Amount, qtyIncrement: Amount): boolean => {
  const ordered = decimal(qty);
  const step = least(decimal(qtyIncrement), ordered.times(THOUSANDTH));
  return ordered.minus(decimal(filledQty)).lte(greatest(ordered.times(MILLIONTH), step));
};

/**
 * Returns at what price the rest of a cumulative quantity traded, given what is known of it, or null when no price explains
 * the average. What is left of a rounded average may say nothing about the rest: then it is the price nearest the average.
 */
export const restPrice = (average: Decimal, totalQty: Decimal, knownNotional: Decimal, restQty: Decimal) => {
  const slack = priceRounding(average).times(totalQty).div(restQty);
  const exact = average.times(totalQty).minus(knownNotional).div(restQty);
  const isVague = slack.gt(average.times(PERCENT));
  const price = isVague ? greatest(exact.minus(slack), least(average, exact.plus(slack))) : exact;
  return price.gt(ZERO) ? roundHalfUp(price, PRICE_PLACES) : null;
};

/** Tells whether a price is worse for us than the order's limit. */
export const isBeyondLimit = (side: Side, limitPrice: Decimal, price: Decimal): boolean => {
  const margin = limitPrice.times(MILLIONTH);
  return side === "buy" ? price.gt(limitPrice.plus(margin)) : price.lt(limitPrice.minus(margin));
};

/** Tells whether a fee is more than 5 % of what was traded, and more than five cents. */
export const isFeeOutOfProportion = (fee: Decimal, notional: Decimal): boolean =>
  fee.gt(greatest(notional.times(FEE_PROPORTION), SMALL_FEE));
