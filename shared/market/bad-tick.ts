import { getMedian } from "trading-signals";
import type { Candle } from "./candle.ts";

/** How bad ticks are told from moves: by how much a price may differ, as a factor, from the median of its neighbours. */
export interface BadTickRules {
  readonly neighbours: number;
  readonly maxFactor: number;
}

const DEFAULT_RULES: BadTickRules = { neighbours: 10, maxFactor: 2 };

const medianOf = (prices: readonly number[]): number => getMedian([...prices].sort((a, b) => a - b));

/** Tells whether a price is too far from the median of the recent ones to be true; without recent ones nothing is. */
export const isBadTick = (
  price: string,
  recentPrices: readonly string[],
  maxFactor: number = DEFAULT_RULES.maxFactor,
): boolean => {
  if (recentPrices.length === 0) return false;
  const ratio = Number(price) / medianOf(recentPrices.map(Number));
  return !(ratio <= maxFactor && ratio >= 1 / maxFactor);
};

/**
 * Returns the candles without those that hold a flash print: any of their prices differs from the median close of
 * the neighbours on both sides by more than the factor. A lasting move takes the median with it and stays.
 */
export const withoutBadTicks = (candles: readonly Candle[], rules: BadTickRules = DEFAULT_RULES): Candle[] =>
  candles.filter((candle, index) => {
    const before = candles.slice(Math.max(0, index - rules.neighbours), index);
    const after = candles.slice(index + 1, index + 1 + rules.neighbours);
    const closes = [...before, ...after].map((neighbour) => neighbour.close);
    return [candle.open, candle.high, candle.low, candle.close].every(
      (price) => !isBadTick(price, closes, rules.maxFactor),
    );
  });
