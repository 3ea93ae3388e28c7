import type { Config } from "../config/parse-config.ts";
import type { Quote } from "../market/quote.ts";
import { midPrice } from "../market/quote.ts";
import {
  type Amount,
  addBps,
  type Decimal,
  decimal,
  greatest,
  least,
  roundDownTo,
  roundUpTo,
  toAmount,
} from "../money/decimal.ts";
import type { Side } from "./order.ts";

type Touch = Pick<Quote, "bid" | "ask">;
export type PricingConfig = Pick<Config, "MAX_REPRICE_ATTEMPTS" | "REPRICE_STEP_BPS" | "MAX_CROSS_SPREAD_BPS">;

/** Rounds a limit price onto the grid, on the side that never pays more or takes less than was decided. */
const onGrid = (side: Side, price: Decimal, increment: Amount): Amount =>
  toAmount(side === "buy" ? roundDownTo(price, decimal(increment)) : roundUpTo(price, decimal(increment)));

/** Returns the passive price that joins the near touch: the bid for a buy, the ask for a sell. */
export const passivePrice = (side: Side, touch: Touch, increment: Amount): Amount =>
  onGrid(side, decimal(side === "buy" ? touch.bid : touch.ask), increment);

const steppedPrice = (side: Side, touch: Touch, attempt: number, config: PricingConfig): Decimal => {
  const step = decimal(config.REPRICE_STEP_BPS).times(decimal(String(attempt)));
  return side === "buy"
    ? least(addBps(decimal(touch.bid), step), midPrice(touch))
    : greatest(addBps(decimal(touch.ask), step.neg()), midPrice(touch));
};

const crossingPrice = (side: Side, touch: Touch, config: PricingConfig): Decimal => {
  const cap = decimal(config.MAX_CROSS_SPREAD_BPS);
  return side === "buy"
    ? least(decimal(touch.ask), addBps(midPrice(touch), cap))
    : greatest(decimal(touch.bid), addBps(midPrice(touch), cap.neg()));
};

/**
 * Returns the limit price of reprice attempt n (from 1) off the current touch: n steps toward mid and no further;
 * the last attempt goes beyond mid, to the far touch at most and never beyond MAX_CROSS_SPREAD_BPS from mid.
 */
export const priceForAttempt = (
  side: Side,
  touch: Touch,
  attempt: number,
  config: PricingConfig,
  increment: Amount,
): Amount =>
  onGrid(
    side,
    attempt >= config.MAX_REPRICE_ATTEMPTS
      ? crossingPrice(side, touch, config)
      : steppedPrice(side, touch, attempt, config),
    increment,
  );

/** Returns the marketable price of a stop-loss sell: below the bid by MAX_CROSS_SPREAD_BPS, and never above it for rounding. Twin of `private.stop_loss_price`. */
export const stopLossPrice = (
  touch: Pick<Touch, "bid">,
  config: Pick<PricingConfig, "MAX_CROSS_SPREAD_BPS">,
  increment: Amount,
): Amount => {
  const bid = roundDownTo(decimal(touch.bid), decimal(increment));
  const below = roundUpTo(addBps(decimal(touch.bid), decimal(config.MAX_CROSS_SPREAD_BPS).neg()), decimal(increment));
  return toAmount(least(bid, below));
};
