import type { Config } from "../config/parse-config.ts";
import type { Instrument } from "../market/instrument.ts";
import { type Amount, decimal, greatest, least, leastMultiple, toAmount, ZERO } from "../money/decimal.ts";
import { stopLossPrice } from "./pricing.ts";

/** An entry as far as its size must allow for its own exit; the fee is the account's worst rate. */
export interface EntryAtStop {
  readonly limitPrice: Amount;
  readonly stopPrice: Amount;
  readonly feeBps: Amount;
  readonly instrument: Instrument;
}

const WHOLE = decimal("10000");

/**
 * Returns the smallest quantity that can be sold again at its own stop, with a stop-loss's slippage, when the fee was taken
 * out of the coins; null when nothing can at that stop. Twin of `private.least_entry_qty`.
 */
export const leastEntryQty = (entry: EntryAtStop, config: Pick<Config, "MAX_CROSS_SPREAD_BPS">): Amount | null => {
  const { instrument, feeBps } = entry;
  const stop = toAmount(least(decimal(entry.limitPrice), decimal(entry.stopPrice)));
  const exitPrice = decimal(stopLossPrice({ bid: stop }, config, instrument.priceIncrement));
  if (exitPrice.lte(ZERO)) return null;
  const increment = decimal(instrument.qtyIncrement);
  const kept = greatest(
    leastMultiple(decimal(instrument.minNotional), exitPrice, increment),
    leastMultiple(decimal(instrument.minQty), decimal("1"), increment),
  );
  return toAmount(leastMultiple(kept.times(WHOLE), WHOLE.minus(decimal(feeBps)), increment));
};

/** Returns the least notional (USD) the database lets an entry have; null when none can be sold again at its stop. */
export const leastEntryNotional = (entry: EntryAtStop, config: Pick<Config, "MAX_CROSS_SPREAD_BPS">): Amount | null => {
  const qty = leastEntryQty(entry, config);
  return qty === null ? null : toAmount(decimal(qty).times(decimal(entry.limitPrice)));
};
