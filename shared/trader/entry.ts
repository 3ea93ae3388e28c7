import type { Config } from "../config/parse-config.ts";
import type { Instrument } from "../market/instrument.ts";
import { type Quote, spreadPct } from "../market/quote.ts";
import { type Amount, type Decimal, decimal, fromFloat, least, roundDownTo, toAmount } from "../money/decimal.ts";
import { cashWithFee } from "../money/fees.ts";
import { passivePrice } from "../orders/pricing.ts";
import { leastEntryNotional } from "../orders/smallest-entry.ts";
import { type ExitConfig, initialExitState } from "./exit.ts";
import type { Score } from "./score.ts";

/** What an entry may spend, in USD; the daily figure is null where only the database knows it. */
export interface EntryBudget {
  readonly freeCash: Amount;
  readonly dailyNotionalLeft: Amount | null;
  readonly openPositions: number;
}

/** Everything an entry decision looks at; the quote must be usable. */
export interface EntryInput {
  readonly score: Score;
  readonly quote: Quote;
  readonly instrument: Instrument;
  readonly budget: EntryBudget;
  /** What a fill costs at worst, in basis points. */
  readonly feeBps: Amount;
  readonly isHeld: boolean;
  readonly hasOpenOrder: boolean;
  readonly config: EntryConfig;
}

export type EntryConfig = Pick<
  Config,
  | "TRADER_ENTRY_SCORE"
  | "TRADER_COST_FILTER_RATIO"
  | "TRADER_MAX_HOLD_MINUTES"
  | "MAX_NOTIONAL_PER_TRADE"
  | "MAX_OPEN_POSITIONS"
  | "LIQUIDITY_GUARD_SPREAD_PCT"
  | "MAX_CROSS_SPREAD_BPS"
> &
  ExitConfig;

export type SkipCode =
  | "no_data"
  | "position_held"
  | "order_working"
  | "below_threshold"
  | "spread_too_wide"
  | "move_below_cost"
  | "max_open_positions"
  | "budget_below_minimum";

/** Enter with this notional (USD) at this limit, or skip for a reason in words. */
export type EntryDecision =
  | {
      readonly action: "enter";
      readonly notional: Amount;
      readonly limitPrice: Amount;
      /** 0 to 1. */
      readonly confidence: number;
      readonly expectedMovePct: number;
      readonly costPct: number;
      readonly reason: string;
    }
  | { readonly action: "skip"; readonly code: SkipCode; readonly message: string };

const FULL_SIZE_CONFIDENCE = 0.85;
const CENT = decimal("0.01");

const skip = (code: SkipCode, message: string): EntryDecision => ({ action: "skip", code, message });

/** Returns what a round trip costs in % of the notional: two fees and the spread. */
export const roundTripCostPct = (quote: Quote, feeBps: Amount): number =>
  Number(decimal(feeBps).times(decimal("2")).div(decimal("100")).plus(spreadPct(quote)).toFixed(6));

/** Returns how far the price usually gets within the holding time, in %: a random walk of the bars' volatility. */
export const expectedMovePct = (barVolatilityPct: number, barSeconds: number, holdMinutes: number): number =>
  barVolatilityPct * Math.sqrt((holdMinutes * 60) / barSeconds);

/** Returns the notional to spend: scaled by confidence, within the limit per trade, the day's rest and the cash with its fee. */
const sizeOf = (confidence: number, { budget, config, feeBps }: EntryInput): Decimal => {
  const share = fromFloat(Math.min(1, confidence / FULL_SIZE_CONFIDENCE));
  const wanted = decimal(config.MAX_NOTIONAL_PER_TRADE).times(share);
  const affordable = decimal(budget.freeCash).div(decimal(cashWithFee("1", feeBps)));
  const capped = least(wanted, affordable);
  return roundDownTo(
    budget.dailyNotionalLeft === null ? capped : least(capped, decimal(budget.dailyNotionalLeft)),
    CENT,
  );
};

/** Returns what is left of a budget once an entry has been let in: its fee is held back with it, as the database does. */
export const afterEntry = (budget: EntryBudget, notional: Amount, feeBps: Amount): EntryBudget => ({
  freeCash: toAmount(decimal(budget.freeCash).minus(decimal(cashWithFee(notional, feeBps)))),
  dailyNotionalLeft:
    budget.dailyNotionalLeft === null ? null : toAmount(decimal(budget.dailyNotionalLeft).minus(decimal(notional))),
  openPositions: budget.openPositions + 1,
});

/** Returns the least notional (USD) that an entry at the bid can have and still be sold at its own stop; null when none can. */
export const leastNotional = ({
  quote,
  instrument,
  feeBps,
  config,
}: Pick<EntryInput, "quote" | "instrument" | "feeBps" | "config">): Amount | null => {
  const limitPrice = passivePrice("buy", quote, instrument.priceIncrement);
  const { stopPrice } = initialExitState(limitPrice, 0, config);
  return leastEntryNotional({ limitPrice, stopPrice, feeBps, instrument }, config);
};

type Scored = Extract<Score, { kind: "scored" }>;

const reasonToSkip = (input: EntryInput, scored: Scored, movePct: number, costPct: number): EntryDecision | null => {
  const { config, quote } = input;
  if (input.isHeld) return skip("position_held", "a position is held already");
  if (input.hasOpenOrder) return skip("order_working", "an order is working already");
  if (decimal(config.TRADER_ENTRY_SCORE).gt(fromFloat(scored.score))) {
    return skip("below_threshold", `score ${scored.score} is below ${config.TRADER_ENTRY_SCORE}`);
  }
  const spread = spreadPct(quote);
  if (spread.gt(decimal(config.LIQUIDITY_GUARD_SPREAD_PCT))) {
    return skip("spread_too_wide", `spread ${spread.toFixed(3)} % is above ${config.LIQUIDITY_GUARD_SPREAD_PCT} %`);
  }
  const needed = costPct * Number(config.TRADER_COST_FILTER_RATIO);
  if (movePct < needed) {
    return skip(
      "move_below_cost",
      `expected move ${movePct.toFixed(2)} % is below ${needed.toFixed(2)} %, ${config.TRADER_COST_FILTER_RATIO} x the round trip's cost`,
    );
  }
  if (input.budget.openPositions >= config.MAX_OPEN_POSITIONS) {
    return skip(
      "max_open_positions",
      `${input.budget.openPositions} positions are open, allowed are ${config.MAX_OPEN_POSITIONS}`,
    );
  }
  return null;
};

/** Decides whether to enter a symbol now, for how much and at what limit. */
export const decideEntry = (input: EntryInput): EntryDecision => {
  const { score, quote, instrument, config } = input;
  if (score.kind === "not_scored") return skip("no_data", score.detail);
  const { barVolatilityPct, barSeconds } = score.indicators;
  const movePct = expectedMovePct(barVolatilityPct, barSeconds, config.TRADER_MAX_HOLD_MINUTES);
  const costPct = roundTripCostPct(quote, input.feeBps);
  const skipped = reasonToSkip(input, score, movePct, costPct);
  if (skipped !== null) return skipped;
  const confidence = score.score / 100;
  const limitPrice = passivePrice("buy", quote, instrument.priceIncrement);
  const notional = sizeOf(confidence, input);
  const minimum = leastNotional(input);
  if (minimum === null || notional.lt(decimal(minimum))) {
    const why =
      minimum === null
        ? "can't be sold at its stop"
        : `is below the minimum of ${minimum} that can be sold at its stop`;
    return skip("budget_below_minimum", `${toAmount(notional)} USD ${why}`);
  }
  const reason = `score ${score.score} of ${config.TRADER_ENTRY_SCORE}, expected move ${movePct.toFixed(2)} %, cost ${costPct.toFixed(2)} %`;
  return {
    action: "enter",
    notional: toAmount(notional),
    limitPrice,
    confidence,
    expectedMovePct: movePct,
    costPct,
    reason,
  };
};
