import type { Amount } from "../money/decimal.ts";
import type { Millis } from "./instant.ts";

/** One trade seen on the market; `takerSide` is who crossed the spread, null when the feed does not say. */
export interface MarketTrade {
  readonly symbol: string;
  readonly tradeId: string | null;
  readonly price: Amount;
  readonly qty: Amount;
  readonly takerSide: "buy" | "sell" | null;
  readonly at: Millis;
}
