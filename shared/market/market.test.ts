import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Candle, closedCandles, contiguousCandles } from "./candle.ts";
import { formatInstant, parseInstant } from "./instant.ts";
import { midPrice, type Quote, spreadPct, usableQuote } from "./quote.ts";

const NOW = 1_700_000_000_000;
const quote = (bid: string, ask: string, ageMs = 0): Quote => ({
  symbol: "BTC-USD",
  bid,
  ask,
  bidSize: "1",
  askSize: "2",
  source: "test",
  observedAt: NOW - ageMs,
});
const codeOf = (given: Quote | null) => {
  const usable = usableQuote(given, NOW, 30);
  return usable.ok ? "usable" : usable.error.code;
};

describe("quotes", () => {
  it("have an exact mid and a spread in percent of it", () => {
    expect(midPrice(quote("99", "101")).toFixed()).toBe("100");
    expect(spreadPct(quote("99", "101")).toFixed()).toBe("2");
  });

  it("are refused when missing, older than allowed, or ahead of the clock", () => {
    expect(codeOf(null)).toBe("no_quote");
    expect(codeOf(quote("99", "101", 30_000))).toBe("usable");
    expect(codeOf(quote("99", "101", 30_001))).toBe("stale");
    expect(codeOf(quote("99", "101", -5000))).toBe("usable");
    expect(codeOf(quote("99", "101", -5001))).toBe("from_the_future");
  });

  it("crossed by at most 5 bps have their legs swapped with their sizes, further ones are refused", () => {
    expect(usableQuote(quote("100.04", "100"), NOW, 30)).toMatchObject({
      ok: true,
      value: { bid: "100", ask: "100.04", bidSize: "2", askSize: "1" },
    });
    expect(codeOf(quote("100.06", "100"))).toBe("crossed");
  });
});

const candle = (minute: number, close: string, change: Partial<Candle> = {}): Candle => ({
  symbol: "BTC-USD",
  openedAt: minute * 60_000,
  seconds: 60,
  open: close,
  high: close,
  low: close,
  close,
  volume: "1",
  ...change,
});
const minutes = (candles: readonly Candle[]) => candles.map((each) => each.openedAt / 60_000);

describe("candles", () => {
  it("count only once they are closed, in order and each once", () => {
    const given = [candle(3, "3"), candle(1, "1"), candle(2, "2"), candle(1, "1.5")];
    expect(closedCandles(given, 3 * 60_000).map((each) => [each.openedAt / 60_000, each.close])).toEqual([
      [1, "1.5"],
      [2, "2"],
    ]);
  });

  it("left out for want of trades are filled with the last close and no volume", () => {
    const run = contiguousCandles([candle(1, "10"), candle(4, "12")], 10, 3);
    expect(run.map((each) => [each.openedAt / 60_000, each.close, each.volume])).toEqual([
      [1, "10", "1"],
      [2, "10", "0"],
      [3, "10", "0"],
      [4, "12", "1"],
    ]);
  });

  it("before a longer hole are left behind", () => {
    expect(minutes(contiguousCandles([candle(1, "10"), candle(9, "12"), candle(10, "13")], 10, 3))).toEqual([9, 10]);
  });

  it("always come out as an unbroken run within the limit", () => {
    const anyMinutes = fc.uniqueArray(fc.nat(200), { maxLength: 60 });
    fc.assert(
      fc.property(anyMinutes, fc.integer({ min: 1, max: 50 }), fc.nat(5), (picked, limit, maxGap) => {
        const closed = closedCandles(
          picked.map((minute) => candle(minute, "10")),
          1e9,
        );
        const run = minutes(contiguousCandles(closed, limit, maxGap));
        expect(run.length).toBeLessThanOrEqual(limit);
        for (const [index, minute] of run.entries()) expect(minute).toBe((run[0] ?? 0) + index);
        if (closed.length > 0) expect(run.at(-1)).toBe(minutes(closed).at(-1));
      }),
    );
  });
});

describe("instants", () => {
  it("are read with their zone, cut to milliseconds, and written with Z", () => {
    expect(parseInstant("2026-08-20T13:26:18.409035-04:00")).toBe(Date.UTC(2026, 7, 20, 17, 26, 18, 409));
    expect(parseInstant("2017-09-03 00:00:00+00")).toBe(Date.UTC(2017, 8, 3));
    expect(parseInstant("2017-09-03T00:00:00Z")).toBe(Date.UTC(2017, 8, 3));
    expect(formatInstant(Date.UTC(2017, 8, 3))).toBe("2017-09-03T00:00:00.000Z");
  });

  it.each(["2017-09-03", "2017-09-03T00:00:00", "yesterday", "", "2017-13-40T00:00:00Z"])("'%s' is none", (text) => {
    expect(parseInstant(text)).toBeNull();
  });
});
