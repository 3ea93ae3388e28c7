import { describe, expect, it } from "vitest";
import type { Candle } from "./candle.ts";
import { describeGap, describeGaps, gapsIn } from "./gaps.ts";

const T = Date.UTC(2017, 8, 3, 6);
const MINUTE = 60_000;
const candle = (minute: number): Candle => {
  const openedAt = T + minute * MINUTE;
  return { symbol: "BTC-USD", openedAt, seconds: 60, open: "1", high: "1", low: "1", close: "1", volume: "1" };
};
const gap = (from: number, to: number) => ({ symbol: "BTC-USD", from: T + from * MINUTE, to: T + to * MINUTE });

describe("a gap in the data", () => {
  it("is a pause of more than ten minutes between two candles, or after the last one that was known", () => {
    expect(gapsIn([0, 1, 12, 13, 51].map(candle), null)).toEqual([gap(14, 51)]);
    expect(gapsIn([40, 41].map(candle), T)).toEqual([gap(1, 40)]);
    expect(gapsIn([11, 22].map(candle), T)).toEqual([]);
    expect(gapsIn([], T)).toEqual([]);
  });

  it("is said with its symbol, where it is and how long", () => {
    expect(describeGap(gap(0, 37))).toBe("BTC-USD: no data from 2017-09-03T06:00Z to 2017-09-03T06:37Z (37 min)");
    expect(describeGap(gap(0, 150))).toContain("(2.5 h)");
    expect(describeGap(gap(0, 3 * 1440))).toContain("(3 days)");
  });

  it("is counted when there are too many to tell", () => {
    const gaps = [gap(0, 20), gap(30, 60), gap(70, 100)];
    expect(describeGaps(gaps, 1)).toEqual([describeGap(gap(0, 20)), "and 2 more gaps in the data, 60 min in all"]);
    expect(describeGaps(gaps.slice(0, 1), 1)).toHaveLength(1);
  });
});
