import { type Candle, closedCandles, contiguousCandles } from "../market/candle.ts";
import { LONGEST_PAUSE_MS } from "../market/gaps.ts";
import type { Millis } from "../market/instant.ts";
import { type Quote, spreadPct } from "../market/quote.ts";
import { type Indicators, REQUIRED_CANDLES, readIndicators } from "./indicators.ts";

/** Points by aspect: liquidity 0-25, momentum 0-30, volatility 0-25, trend 0-25. */
export interface ScoreBreakdown {
  readonly liquidity: number;
  readonly momentum: number;
  readonly volatility: number;
  readonly trend: number;
}

/** A symbol's score of 0-100 with what it is made of, or why it has none: missing data is never scored as average. */
export type Score =
  | {
      readonly kind: "scored";
      readonly score: number;
      readonly breakdown: ScoreBreakdown;
      readonly indicators: Indicators;
    }
  | { readonly kind: "not_scored"; readonly reason: "no_data"; readonly detail: string };

const CANDLES_USED = 120;
const MAX_GAP_BARS = LONGEST_PAUSE_MS / 60_000;
const STALE_BARS = 10;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

const liquidityPoints = (spread: number, indicators: Indicators): number =>
  clamp(15 - 30 * spread, 0, 15) + 10 * indicators.activeShare;

const momentumPoints = ({ shortMomentumPct, mediumMomentumPct, emaGapPct }: Indicators): number =>
  clamp(6 + shortMomentumPct * 8, 0, 12) + clamp(5 + mediumMomentumPct * 4, 0, 10) + clamp(4 + emaGapPct * 12, 0, 8);

const levelPoints = (annualPct: number): number => {
  if (annualPct < 10) return annualPct;
  return annualPct < 150 ? 15 : clamp(15 - 0.1 * (annualPct - 150), 3, 15);
};

const volatilityPoints = ({ annualVolatilityPct, volatilityRatio }: Indicators): number =>
  levelPoints(annualVolatilityPct) + 10 - clamp(10 * Math.abs(volatilityRatio - 1), 0, 10);

const rsiPoints = (rsi: number): number => {
  if (rsi < 30) return 7;
  if (rsi < 45) return 5;
  if (rsi < 65) return 4;
  return rsi < 75 ? 2 : 0.5;
};

const trendPoints = ({ trendPct, trendFit, rsi }: Indicators): number =>
  (trendPct > 0 ? 10 * trendFit : 0) + clamp((trendPct + 0.2) * 12, 0, 8) + rsiPoints(rsi);

const rounded = (points: number): number => Math.round(points * 100) / 100;

/** Adds up the points of a spread (in %) and indicators. */
export const scoreIndicators = (
  spread: number,
  indicators: Indicators,
): { score: number; breakdown: ScoreBreakdown } => {
  const breakdown = {
    liquidity: rounded(liquidityPoints(spread, indicators)),
    momentum: rounded(momentumPoints(indicators)),
    volatility: rounded(volatilityPoints(indicators)),
    trend: rounded(trendPoints(indicators)),
  };
  const total = breakdown.liquidity + breakdown.momentum + breakdown.volatility + breakdown.trend;
  return { score: rounded(clamp(total, 0, 100)), breakdown };
};

const noData = (detail: string): Score => ({ kind: "not_scored", reason: "no_data", detail });

/** Scores a symbol from its closed candles, without unconfirmed ones, and a usable quote (null when there is none). */
export const scoreSymbol = (candles: readonly Candle[], quote: Quote | null, now: Millis): Score => {
  if (quote === null) return noData("no usable quote");
  const closed = closedCandles(candles, now).slice(-CANDLES_USED);
  const run = contiguousCandles(closed, CANDLES_USED, MAX_GAP_BARS);
  const latest = run.at(-1);
  const indicators = readIndicators(run);
  if (latest === undefined || indicators === null) {
    return noData(`${run.length} closed candles in a row, ${REQUIRED_CANDLES} are needed`);
  }
  const missingBars = Math.floor((now - latest.openedAt) / (latest.seconds * 1000)) - 1;
  if (missingBars > STALE_BARS) return noData(`the last candle is ${missingBars} bars old`);
  return { kind: "scored", ...scoreIndicators(Number(spreadPct(quote).toFixed(8)), indicators), indicators };
};
