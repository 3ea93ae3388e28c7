import { type Candle, closedAt } from "../market/candle.ts";
import type { Millis } from "../market/instant.ts";
import { CANDLE_HALF_SPREAD_BPS, type Quote } from "../market/quote.ts";
import { type Amount, addBps, decimal, least, roundDownTo, toAmount } from "../money/decimal.ts";
import { passivePrice } from "../orders/pricing.ts";
import { type ExitConfig, type ExitDecision, type ExitState, updateExitState } from "./exit.ts";

/** What the closed candles since the last look make of a position. */
export interface CandleExit {
  readonly state: ExitState;
  /** Candles closed by then have been looked at; one that fired is looked at again until the position is sold. */
  readonly seenUntil: Millis;
  readonly decision: ExitDecision | null;
}

/** What a stop loses to a falling market beyond half the spread, in basis points. */
const STOP_SLIPPAGE_BPS = "5";

/** Returns what a stop brings in a bar: the stop, or the open where the bar began below it, less half the spread and slippage. */
const stopPriceIn = (candle: Candle, stop: Amount, priceIncrement: Amount): Amount => {
  const cost = decimal(CANDLE_HALF_SPREAD_BPS).plus(decimal(STOP_SLIPPAGE_BPS)).neg();
  const touched = least(decimal(stop), decimal(candle.open));
  return toAmount(roundDownTo(addBps(touched, cost), decimal(priceIncrement)));
};

/** Before the position was opened the bar's high was not ours; its low comes after, on the worst path. */
const isOfEntry = (candle: Candle, state: ExitState): boolean =>
  candle.openedAt <= state.openedAt && state.openedAt < closedAt(candle);

/**
 * Looks at candles one after the other, each on the worst path for us: first whether its low touches the stop as it was
 * before the bar, then its high raises the high-water mark, and the stop that follows from it counts from the next bar. A
 * target needs the last close; the bar of the entry may stop out, but not reach it. `seenUntil` is up to where the candles
 * were looked at before; `touch` prices an exit that is in no hurry.
 */
export const decideExitByCandles = (
  from: ExitState,
  seenUntil: Millis,
  closed: readonly Candle[],
  touch: Pick<Quote, "bid" | "ask">,
  now: Millis,
  config: ExitConfig,
  priceIncrement: Amount,
): CandleExit => {
  const candles = closed.filter((candle) => closedAt(candle) > seenUntil);
  let state = from;
  let seen = seenUntil;
  for (const candle of candles) {
    if (decimal(candle.low).lte(decimal(state.stopPrice))) {
      const limitPrice = stopPriceIn(candle, state.stopPrice, priceIncrement);
      const reason = state.trailArmed ? "trailing" : "stop";
      return { state, seenUntil: seen, decision: { reason, urgency: "stop_loss", limitPrice } };
    }
    if (!isOfEntry(candle, state)) state = updateExitState(state, { bid: candle.high }, config);
    seen = closedAt(candle);
  }
  const last = candles.at(-1);
  const isAtTarget =
    last !== undefined && !isOfEntry(last, state) && decimal(last.close).gte(decimal(state.targetPrice));
  const reason = isAtTarget ? "target" : now >= state.exitBy ? "time" : null;
  const limitPrice = passivePrice("sell", touch, priceIncrement);
  const decision = reason === null ? null : ({ reason, urgency: "passive", limitPrice } as const);
  return { state, seenUntil: seen, decision };
};
