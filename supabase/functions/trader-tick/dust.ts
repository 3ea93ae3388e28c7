import type { Instrument } from "../../../shared/market/instrument.ts";
import { type Amount, decimal } from "../../../shared/money/decimal.ts";

/** Tells whether a quantity is too small to be traded, and so counts as nothing held. */
export const isDust = (qty: Amount, price: Amount, { minQty, minNotional }: Instrument): boolean =>
  decimal(qty).lt(decimal(minQty)) || decimal(qty).times(decimal(price)).lt(decimal(minNotional));
