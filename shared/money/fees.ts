import { type Amount, addBps, decimal, greatest, toAmount } from "./decimal.ts";

/** What an account pays on each fill, in basis points of its notional. */
export interface FeeRates {
  readonly makerBps: Amount;
  readonly takerBps: Amount;
}

/** The rates of an account that nobody has told: Robinhood's API rate. What is unknown is never free. */
export const ASSUMED_FEES: FeeRates = { makerBps: "95", takerBps: "95" };

/** Returns the rate to decide with: an entry may turn out a taker, whatever it was meant to be. Twin of `private.worst_fee_bps`. */
export const worstFeeBps = ({ makerBps, takerBps }: FeeRates): Amount =>
  toAmount(greatest(decimal(makerBps), decimal(takerBps)));

/** Returns what a buy of this notional costs with its fee, in USD. Twin of `private.cash_with_fee`. */
export const cashWithFee = (notional: Amount, feeBps: Amount): Amount =>
  toAmount(addBps(decimal(notional), decimal(feeBps)));
