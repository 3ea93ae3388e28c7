import { isDust } from "../market/dust.ts";
import type { Instrument } from "../market/instrument.ts";
import { type Amount, decimal, least, roundDownTo, toAmount, ZERO } from "../money/decimal.ts";

/**
 * What a replacement starts from; `notionalLeft` (USD) is null for an exit, which sells what is left whatever it is worth, and
 * `heldQty`, what there is to sell, is null for an entry.
 */
export interface ReplacementInput {
  readonly wantedQty: Amount;
  readonly filledQty: Amount;
  readonly notionalLeft: Amount | null;
  readonly heldQty: Amount | null;
  readonly price: Amount;
  readonly instrument: Pick<Instrument, "qtyIncrement" | "minQty" | "minNotional">;
}

/** Returns the quantity of the next order in a chain, or null when what is left is below the instrument's minimum. Twin of private.rest_of. */
export const replacementQuantity = (input: ReplacementInput): Amount | null => {
  const { instrument } = input;
  const price = decimal(input.price);
  if (price.lte(ZERO)) return null;
  const unfilled = decimal(input.wantedQty).minus(decimal(input.filledQty));
  const affordable = input.notionalLeft === null ? unfilled : decimal(input.notionalLeft).div(price);
  const held = input.heldQty === null ? unfilled : decimal(input.heldQty);
  const wanted = least(unfilled, least(affordable, held));
  if (wanted.lte(ZERO)) return null;
  const qty = roundDownTo(wanted, decimal(instrument.qtyIncrement));
  return qty.lte(ZERO) || isDust(toAmount(qty), input.price, instrument) ? null : toAmount(qty);
};
