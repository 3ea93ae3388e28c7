import type { Amount } from "../money/decimal.ts";

export type Side = "buy" | "sell";
export type Purpose = "entry" | "exit" | "flatten";
/** A stop-loss order is marketable and follows the bid; everything else is passive. */
export type Urgency = "passive" | "stop_loss";
export type Mode = "paper" | "live";
export type Engine = "trader" | "edge_factory" | "manual";

/** How much of an order is done: quantities in units of the base asset, price and fee in USD. */
export interface Progress {
  readonly filledQty: Amount;
  readonly averagePrice: Amount | null;
  readonly fee: Amount;
}
