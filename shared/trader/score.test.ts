import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Candle } from "../market/candle.ts";
import type { Quote } from "../market/quote.ts";
import { REQUIRED_CANDLES, readIndicators } from "./indicators.ts";
import { type Score, scoreIndicators, scoreSymbol } from "./score.ts";

const MINUTE = 60_000;
const candlesOf = (closes: readonly number[]): Candle[] =>
  closes.map((close, index) => {
    const previous = closes[index - 1] ?? close;
    return {
      symbol: "BTC-USD",
      openedAt: index * MINUTE,
      seconds: 60,
      open: String(previous),
      high: String(Math.max(previous, close)),
      low: String(Math.min(previous, close)),
      close: String(close),
      volume: "1",
    };
  });
const quote = (bid: string, ask: string): Quote => ({
  symbol: "BTC-USD",
  bid,
  ask,
  bidSize: null,
  askSize: null,
  source: "test",
  observedAt: 0,
});
const path = (count: number, close: (minute: number) => number) =>
  candlesOf(Array.from({ length: count }, (_, minute) => close(minute)));
const wobble = (minute: number) => (minute % 2 === 0 ? 0.05 : -0.05);
const rising = path(60, (minute) => 100 + minute * 0.03 + wobble(minute));
const falling = path(60, (minute) => 100 - minute * 0.03 + wobble(minute));
const scoreOf = (score: Score) => (score.kind === "scored" ? score.score : Number.NaN);

describe("the score", () => {
  it("is not given without data: too few candles, no quote, or candles that ended long ago", () => {
    expect(scoreSymbol(rising.slice(0, REQUIRED_CANDLES - 1), quote("100", "100.01"), 60 * MINUTE)).toMatchObject({
      kind: "not_scored",
      reason: "no_data",
    });
    expect(scoreSymbol(rising, null, 60 * MINUTE)).toMatchObject({ kind: "not_scored", detail: "no usable quote" });
    expect(scoreSymbol(rising, quote("100", "100.01"), 71 * MINUTE)).toMatchObject({
      kind: "not_scored",
      detail: "the last candle is 11 bars old",
    });
  });

  it("sees closed candles only: the running one changes nothing", () => {
    const running: Candle = { ...(rising.at(-1) as Candle), openedAt: 60 * MINUTE, close: "300", high: "300" };
    const at = 60 * MINUTE + 30_000;
    expect(scoreSymbol([...rising, running], quote("101", "101.01"), at)).toEqual(
      scoreSymbol(rising, quote("101", "101.01"), at),
    );
  });

  it("is hardly moved by a flash print that was left out", () => {
    const flash = rising.filter((_, index) => index !== 50);
    const difference =
      scoreOf(scoreSymbol(flash, quote("101", "101.01"), 60 * MINUTE)) -
      scoreOf(scoreSymbol(rising, quote("101", "101.01"), 60 * MINUTE));
    expect(Math.abs(difference)).toBeLessThan(5);
  });

  it("prefers a rising market to a falling one, and a narrow spread to a wide one", () => {
    const narrow = quote("100", "100.01");
    expect(scoreOf(scoreSymbol(rising, narrow, 60 * MINUTE))).toBeGreaterThan(
      scoreOf(scoreSymbol(falling, narrow, 60 * MINUTE)) + 20,
    );
    expect(scoreOf(scoreSymbol(rising, narrow, 60 * MINUTE))).toBeGreaterThan(
      scoreOf(scoreSymbol(rising, quote("100", "100.5"), 60 * MINUTE)) + 10,
    );
  });

  it("keeps a breakdown within each aspect's range that adds up to it, up to 100", () => {
    const anyPath = fc.array(fc.integer({ min: 9000, max: 11_000 }), { minLength: REQUIRED_CANDLES, maxLength: 90 });
    fc.assert(
      fc.property(anyPath, fc.integer({ min: 0, max: 200 }), (cents, spread) => {
        const candles = candlesOf(cents.map((each) => each / 100));
        const scored = scoreSymbol(candles, quote("100", String(100 + spread / 100)), candles.length * MINUTE);
        if (scored.kind !== "scored") throw new Error(scored.detail);
        const { liquidity, momentum, volatility, trend } = scored.breakdown;
        for (const [points, most] of [
          [liquidity, 25],
          [momentum, 30],
          [volatility, 25],
          [trend, 25],
        ] as const) {
          expect(points).toBeGreaterThanOrEqual(0);
          expect(points).toBeLessThanOrEqual(most);
        }
        expect(scored.score).toBeCloseTo(Math.min(100, liquidity + momentum + volatility + trend), 1);
      }),
    );
  });

  it("never rewards a good fit to a falling line", () => {
    const indicators = readIndicators(path(60, (minute) => 100 - minute * 0.1));
    if (indicators === null) throw new Error("expected indicators");
    expect(indicators.trendFit).toBeCloseTo(1, 5);
    expect(scoreIndicators(0, indicators).breakdown.trend).toBeLessThanOrEqual(7);
  });

  it("annualises volatility by the length of the bars, not by a fixed number of ticks", () => {
    const minutes = path(60, (minute) => 100 + wobble(minute));
    const fiveMinutes = minutes.map((each) => ({ ...each, openedAt: each.openedAt * 5, seconds: 300 }));
    const [one, five] = [readIndicators(minutes), readIndicators(fiveMinutes)];
    expect((one?.annualVolatilityPct ?? 0) / (five?.annualVolatilityPct ?? 1)).toBeCloseTo(Math.sqrt(5), 6);
  });
});
