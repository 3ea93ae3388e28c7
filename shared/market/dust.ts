import { type Amount, decimal } from "../money/decimal.ts";
import type { Instrument } from "./instrument.ts";

/**
 * Tells whether a quantity is too small to be sold, and so counts as nothing held. Where no price is known (null) only the
 * quantity decides: what can't be valued is not nothing. Twin of `private.below_minimum`.
 */
export const isDust = (
  qty: Amount,
  price: Amount | null,
  { minQty, minNotional }: Pick<Instrument, "minQty" | "minNotional">,
): boolean =>
  decimal(qty).lt(decimal(minQty)) || (price !== null && decimal(qty).times(decimal(price)).lt(decimal(minNotional)));
