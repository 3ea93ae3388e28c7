import type { Config } from "../config/parse-config.ts";
import type { Millis } from "../market/instant.ts";
import type { Quote } from "../market/quote.ts";
import { type Amount, addPct, decimal, greatest, toAmount } from "../money/decimal.ts";
import type { Urgency } from "../orders/order.ts";
import { type PricingConfig, passivePrice, stopLossPrice } from "../orders/pricing.ts";

/** What decides a position's exit, persisted with the position so that no restart forgets it. Prices are bids: what a sale would bring. */
export interface ExitState {
  readonly entryPrice: Amount;
  readonly highWater: Amount;
  /** Never lowered; once the trail is armed it follows the high-water mark. */
  readonly stopPrice: Amount;
  readonly targetPrice: Amount;
  readonly trailArmed: boolean;
  readonly openedAt: Millis;
  readonly exitBy: Millis;
}

/** The exit columns of a position as stored: null where nothing was decided yet. */
export interface StoredExitState {
  readonly entryPrice: Amount;
  readonly highWater: Amount | null;
  readonly stopPrice: Amount | null;
  readonly targetPrice: Amount | null;
  readonly trailArmed: boolean;
  readonly openedAt: Millis;
  readonly exitBy: Millis | null;
}

export type ExitConfig = Pick<
  Config,
  "TRADER_STOP_PCT" | "TRADER_TARGET_PCT" | "TRADER_TRAIL_ARM_PCT" | "TRADER_TRAIL_PCT" | "TRADER_MAX_HOLD_MINUTES"
>;

export type ExitReason = "stop" | "trailing" | "target" | "time";

/** Why, how urgently and at what limit to sell. */
export interface ExitDecision {
  readonly reason: ExitReason;
  readonly urgency: Urgency;
  readonly limitPrice: Amount;
}

/** Returns the exit state of a position opened at a price. */
export const initialExitState = (entryPrice: Amount, openedAt: Millis, config: ExitConfig): ExitState => ({
  entryPrice,
  highWater: entryPrice,
  stopPrice: toAmount(addPct(decimal(entryPrice), decimal(config.TRADER_STOP_PCT).neg())),
  targetPrice: toAmount(addPct(decimal(entryPrice), decimal(config.TRADER_TARGET_PCT))),
  trailArmed: false,
  openedAt,
  exitBy: openedAt + config.TRADER_MAX_HOLD_MINUTES * 60_000,
});

/** Returns the stored exit state, with what was not decided yet filled in from the knobs. */
export const restoreExitState = (stored: StoredExitState, config: ExitConfig): ExitState => {
  const initial = initialExitState(stored.entryPrice, stored.openedAt, config);
  return {
    ...initial,
    highWater: stored.highWater ?? initial.highWater,
    stopPrice: stored.stopPrice ?? initial.stopPrice,
    targetPrice: stored.targetPrice ?? initial.targetPrice,
    trailArmed: stored.trailArmed,
    exitBy: stored.exitBy ?? initial.exitBy,
  };
};

/** Carries the high-water mark, the trail and the stop on to a quote; the stop only ever rises. */
export const updateExitState = (state: ExitState, quote: Pick<Quote, "bid">, config: ExitConfig): ExitState => {
  const highWater = greatest(decimal(state.highWater), decimal(quote.bid));
  const armsAt = addPct(decimal(state.entryPrice), decimal(config.TRADER_TRAIL_ARM_PCT));
  const trailArmed = state.trailArmed || highWater.gte(armsAt);
  const trailed = addPct(highWater, decimal(config.TRADER_TRAIL_PCT).neg());
  const stopPrice = trailArmed ? greatest(decimal(state.stopPrice), trailed) : decimal(state.stopPrice);
  return { ...state, highWater: toAmount(highWater), trailArmed, stopPrice: toAmount(stopPrice) };
};

/** Decides whether a position must be sold now: a loss is looked for before a gain. Null means hold on. */
export const decideExit = (
  state: ExitState,
  quote: Pick<Quote, "bid" | "ask">,
  now: Millis,
  config: PricingConfig,
  priceIncrement: Amount,
): ExitDecision | null => {
  const bid = decimal(quote.bid);
  if (bid.lte(decimal(state.stopPrice))) {
    const limitPrice = stopLossPrice(quote, config, priceIncrement);
    return { reason: state.trailArmed ? "trailing" : "stop", urgency: "stop_loss", limitPrice };
  }
  const reason = bid.gte(decimal(state.targetPrice)) ? "target" : now >= state.exitBy ? "time" : null;
  if (reason === null) return null;
  return { reason, urgency: "passive", limitPrice: passivePrice("sell", quote, priceIncrement) };
};
