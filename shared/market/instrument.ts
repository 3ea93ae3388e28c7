import type { Amount } from "../money/decimal.ts";

/** What can be traded, and on which grid. */
export interface Instrument {
  readonly symbol: string;
  readonly priceIncrement: Amount;
  readonly qtyIncrement: Amount;
  readonly minQty: Amount;
  readonly minNotional: Amount;
  readonly enabled: boolean;
}
