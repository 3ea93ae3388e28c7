import { ATR, EMA, getLinearRegression, getStandardDeviation, RSI } from "trading-signals";
import type { Candle } from "../market/candle.ts";

/** Bars that every indicator needs before anything is scored. */
export const REQUIRED_CANDLES = 31;

const SHORT_BARS = 10;
const MEDIUM_BARS = 30;
const TREND_BARS = 20;
const MINUTES_PER_YEAR = 525_600;

/** What the candles say, in float64; percentages are of the price, volatility is annualised. */
export interface Indicators {
  readonly shortMomentumPct: number;
  readonly mediumMomentumPct: number;
  readonly emaGapPct: number;
  readonly rsi: number;
  readonly atrPct: number;
  /** Standard deviation of one bar's return. */
  readonly barVolatilityPct: number;
  readonly annualVolatilityPct: number;
  /** Volatility of the last third of the bars over that of all of them: 1 is steady. */
  readonly volatilityRatio: number;
  readonly trendPct: number;
  readonly trendFit: number;
  /** Share of the bars in which anything traded. */
  readonly activeShare: number;
  readonly barSeconds: number;
}

const changePct = (from: number, to: number): number => (to / from - 1) * 100;

const returnsPct = (closes: readonly number[]): number[] =>
  closes.slice(1).map((close, index) => changePct(closes[index] ?? close, close));

const deviation = (values: readonly number[]): number => (values.length < 2 ? 0 : getStandardDeviation([...values]));

/** The drift of a straight line through the closes, and how well it fits (R squared). */
const trendOf = (closes: readonly number[]): { pct: number; fit: number } => {
  const { slope, intercept } = getLinearRegression(closes);
  const mean = closes.reduce((sum, close) => sum + close, 0) / closes.length;
  const total = closes.reduce((sum, close) => sum + (close - mean) ** 2, 0);
  const residual = closes.reduce((sum, close, index) => sum + (close - intercept - slope * index) ** 2, 0);
  return {
    pct: ((slope * (closes.length - 1)) / mean) * 100,
    fit: total === 0 ? 0 : Math.max(0, 1 - residual / total),
  };
};

const emaOf = (closes: readonly number[], interval: number): number => {
  const ema = new EMA(interval);
  ema.updates(closes);
  return ema.getResultOrThrow();
};

const rsiOf = (closes: readonly number[]): number => {
  const rsi = new RSI(14);
  rsi.updates(closes);
  return rsi.getResult() ?? 50;
};

const atrOf = (candles: readonly Candle[]): number => {
  const atr = new ATR(14);
  atr.updates(
    candles.map((candle) => ({ high: Number(candle.high), low: Number(candle.low), close: Number(candle.close) })),
  );
  return atr.getResultOrThrow();
};

/** Reads the indicators off closed, contiguous candles; null when there are fewer than REQUIRED_CANDLES. */
export const readIndicators = (candles: readonly Candle[]): Indicators | null => {
  const latest = candles.at(-1);
  if (latest === undefined || candles.length < REQUIRED_CANDLES) return null;
  const closes = candles.map((candle) => Number(candle.close));
  const close = Number(latest.close);
  const returns = returnsPct(closes.slice(-REQUIRED_CANDLES));
  const barVolatilityPct = deviation(returns);
  const trend = trendOf(closes.slice(-TREND_BARS));
  const recent = candles.slice(-MEDIUM_BARS);
  return {
    shortMomentumPct: changePct(closes.at(-1 - SHORT_BARS) ?? close, close),
    mediumMomentumPct: changePct(closes.at(-1 - MEDIUM_BARS) ?? close, close),
    emaGapPct: changePct(emaOf(closes, 24), emaOf(closes, 6)),
    rsi: rsiOf(closes),
    atrPct: (atrOf(candles) / close) * 100,
    barVolatilityPct,
    annualVolatilityPct: barVolatilityPct * Math.sqrt((MINUTES_PER_YEAR * 60) / latest.seconds),
    volatilityRatio: barVolatilityPct === 0 ? 1 : deviation(returns.slice(-SHORT_BARS)) / barVolatilityPct,
    trendPct: trend.pct,
    trendFit: trend.fit,
    activeShare: recent.filter((candle) => Number(candle.volume) > 0).length / recent.length,
    barSeconds: latest.seconds,
  };
};
