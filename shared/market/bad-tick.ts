import { getMedian } from "trading-signals";
import type { Candle } from "./candle.ts";

/** How bad ticks are told from moves: by how much a price may differ, as a factor, from the median of its neighbours. */
export interface BadTickRules {
  readonly neighbours: number;
  readonly maxFactor: number;
}

const DEFAULT_RULES: BadTickRules = { neighbours: 10, maxFactor: 2 };

const medianOf = (prices: readonly number[]): number => getMedian([...prices].sort((a, b) => a - b));

const isFar = (price: number, median: number, maxFactor: number): boolean =>
  !(price <= median * maxFactor && price >= median / maxFactor);

/** Tells whether a price is too far from the median of the recent ones to be true; without recent ones nothing is. */
export const isBadTick = (
  price: string,
  recentPrices: readonly string[],
  maxFactor: number = DEFAULT_RULES.maxFactor,
): boolean => recentPrices.length > 0 && isFar(Number(price), medianOf(recentPrices.map(Number)), maxFactor);

/**
 * Returns the candles without those that hold a flash print: any of their prices differs from the median close of
 * the neighbours on both sides by more than the factor. A lasting move takes the median with it and stays.
 */
export const withoutBadTicks = (candles: readonly Candle[], rules: BadTickRules = DEFAULT_RULES): Candle[] => {
  const closes = candles.map(({ close }) => Number(close));
  return candles.filter((candle, index) => {
    const around = closes.slice(Math.max(0, index - rules.neighbours), index + 1 + rules.neighbours);
    around.splice(Math.min(index, rules.neighbours), 1);
    if (around.length === 0) return true;
    const median = medianOf(around);
    return [candle.open, candle.high, candle.low, candle.close].every(
      (price) => !isFar(Number(price), median, rules.maxFactor),
    );
  });
};
