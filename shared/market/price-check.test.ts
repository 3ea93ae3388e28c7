import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCandles } from "../../supabase/local/market/recorded/recorded-rows.ts";
import { hasMarketData, marketDataFile } from "../../supabase/tests/support/market-data.ts";
import { decimal } from "../money/decimal.ts";
import { closedAt } from "./candle.ts";
import { formatInstant } from "./instant.ts";
import {
  confirmedSeries,
  judgePrice,
  NO_MEMORY,
  type Observation,
  observationOf,
  type PriceMemory,
  seedMemory,
} from "./price-check.ts";
import { midPrice } from "./quote.ts";

const HOUR = 3_600_000;
const seen = (at: number, ...prices: string[]): Observation => ({ at, prices, value: prices.at(-1) ?? "" });
const judged = (memory: PriceMemory, observations: readonly Observation[]) => {
  let last = memory;
  const verdicts = observations.map((observation) => {
    const { verdict, memory: next } = judgePrice(last, observation, "10");
    last = next;
    return verdict.isConfirmed;
  });
  return { verdicts, memory: last };
};
const calm = judged(
  NO_MEMORY,
  Array.from({ length: 12 }, (_, at) => seen(at, "100")),
).memory;

describe("a price", () => {
  it("is confirmed while it is no more than 10 % from the median of the last ten", () => {
    for (const price of ["110", "90", "100.01"]) expect(judged(calm, [seen(20, price)]).verdicts).toEqual([true]);
    for (const price of ["110.01", "89.99", "45", "130"])
      expect(judged(calm, [seen(20, price)]).verdicts).toEqual([false]);
  });

  it("that was a flash is forgotten by the next true one, and leaves no trace in the median", () => {
    const after = judged(calm, [seen(20, "45"), seen(21, "100")]);
    expect(after.verdicts).toEqual([false, true]);
    expect(after.memory).toEqual({ recent: Array(10).fill("100"), seenAt: 21, pending: null });
  });

  it("that stays is confirmed by the next observation on its side, at that one's price, and is the new level", () => {
    expect(judged(calm, [seen(20, "45"), seen(21, "44"), seen(22, "46")]).verdicts).toEqual([false, true, true]);
    expect(judged(calm, [seen(20, "45"), seen(21, "44")]).memory.recent).toEqual(["44"]);
    expect(judged(calm, [seen(20, "45"), seen(21, "80"), seen(22, "79")]).verdicts).toEqual([false, true, true]);
  });

  it("far away on the other side confirms nothing: it waits itself", () => {
    expect(judged(calm, [seen(20, "45"), seen(21, "160"), seen(22, "45")]).verdicts).toEqual([false, false, false]);
  });

  it("looked at twice is one observation, whoever looks", () => {
    const waiting = judged(calm, [seen(20, "45")]).memory;
    expect(judged(waiting, [seen(20, "45"), seen(20, "44"), seen(19, "45")]).verdicts).toEqual([false, false, false]);
    expect(judged(waiting, [seen(20, "45"), seen(21, "45")]).verdicts).toEqual([false, true]);
  });

  it("after hours or a weekend without data does not lock trading out: the second observation confirms it", () => {
    for (const gap of [6 * HOUR, 60 * HOUR])
      expect(judged(calm, [seen(gap, "112"), seen(gap + 1, "112.5")]).verdicts).toEqual([false, true]);
  });

  it("has nothing to be judged by at first, unless candles are known; fewer than ten are judged by what there is", () => {
    expect(judged(NO_MEMORY, [seen(1, "45")]).verdicts).toEqual([true]);
    expect(judged(seedMemory(NO_MEMORY, ["100", "101"]), [seen(1, "45")]).verdicts).toEqual([false]);
    expect(seedMemory(calm, ["45"])).toBe(calm);
    expect(judged(NO_MEMORY, [seen(1, "100"), seen(2, "45")]).verdicts).toEqual([true, false]);
  });

  it("of a quote is true only if both legs are: one absurd leg is a far price on its side, two on both sides tear it", () => {
    const quote = (at: number, bid: string, ask: string) =>
      observationOf({ symbol: "BTC-USD", bid, ask, bidSize: null, askSize: null, source: "test", observedAt: at });
    const look = (...quotes: Observation[]) => judged(calm, quotes).verdicts;
    expect(look(quote(20, "99", "101"))).toEqual([true]);
    expect(look(quote(20, "45", "101"), quote(21, "100", "101"))).toEqual([false, true]);
    expect(look(quote(20, "99", "150"), quote(21, "99", "150"))).toEqual([false, true]);
    expect(look(quote(20, "45", "101"), quote(21, "44", "46"))).toEqual([false, true]);
    expect(look(quote(20, "45", "150"), quote(21, "44", "46"))).toEqual([false, false]);
  });

  it("that stands since a bar opened is one observation while the bar runs", () => {
    const bar = { symbol: "BTC-USD", bid: "45", ask: "45.1", bidSize: null, askSize: null, source: "candles" };
    const first = observationOf({ ...bar, observedAt: 60_005, since: 60_000 });
    const later = observationOf({ ...bar, observedAt: 90_000, since: 60_000 });
    expect(judged(calm, [first, later]).verdicts).toEqual([false, false]);
    expect(midPrice(bar).toFixed()).toBe(first.value);
  });

  it("is never held up for longer than one observation, whatever the market does", () => {
    const anyPrices = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(anyPrices, fc.integer({ min: 1, max: 1000 }), (before, level) => {
        const prices = [...before, level, level, level];
        const { verdicts } = judged(
          NO_MEMORY,
          prices.map((price, at) => seen(at, String(price))),
        );
        expect(verdicts.slice(-2)).toEqual([true, true]);
      }),
    );
  });
});

interface Bar {
  readonly openMs: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
}
const sortOut = (bars: readonly Bar[]) =>
  confirmedSeries(
    bars,
    ({ openMs, open, high, low, close }) => ({
      at: closedAt({ openedAt: openMs, seconds: 60 }),
      prices: [open, high, low, close],
      value: close,
    }),
    "10",
  );
const bar = (minute: number, low: string, close = low, open = close): Bar => ({
  openMs: minute * 60_000,
  open,
  low,
  close,
  high: [open, close].reduce((a, b) => (decimal(a).gt(decimal(b)) ? a : b)),
});
const quiet = Array.from({ length: 12 }, (_, minute) => bar(minute, "100"));

describe("candles", () => {
  it("that hold a flash print are left out; those around it stay", () => {
    const { good, rejected } = sortOut([...quiet, bar(12, "45", "100"), bar(13, "100")]);
    expect(good.map(({ openMs }) => openMs / 60_000)).not.toContain(12);
    expect(rejected).toMatchObject([{ price: "45", median: "100", confirmedAt: null }]);
    expect(good).toHaveLength(13);
  });

  it("of a real crash count from the second on", () => {
    const { good, rejected } = sortOut([...quiet, bar(12, "55", "56", "100"), bar(13, "55", "56"), bar(14, "54")]);
    expect(good.slice(12).map(({ openMs }) => openMs / 60_000)).toEqual([13, 14]);
    expect(rejected).toMatchObject([{ price: "55", confirmedAt: 14 * 60_000 }]);
  });
});

const FLASH = "coinbase_btcusd_4h_2016_2025.csv";
const MINUTES = ["lean_coinbase_btcusd_1m_trade.csv", "lean_coinbase_ethusd_1m_trade.csv"];
const WEEK = "binance_btcusdt_1m_2021-02-19_week.csv";

describe.skipIf(!hasMarketData(FLASH, ...MINUTES, WEEK))("prices of the past (recorded data)", () => {
  it("the print at 0.06 of 15 April 2017 is never believed", () => {
    const rows = parse(readFileSync(marketDataFile(FLASH)), { columns: true }) as Record<string, string>[];
    const bars = rows.map(({ ts_ms = "", open = "", high = "", low = "", close = "" }): Bar => {
      return { openMs: Number(ts_ms), open, high, low, close };
    });
    const { good, rejected } = sortOut(bars);
    const flash = rejected.find(({ item }) => Number(item.low) < 1);
    expect(flash && formatInstant(flash.item.openMs)).toBe("2017-04-15T20:00:00.000Z");
    expect(flash).toMatchObject({ price: "0.06", confirmedAt: null });
    expect(good.every(({ low }) => Number(low) > 300)).toBe(true);
  });

  it("of the recorded minutes none is held up: the largest genuine move is far below the limit", async () => {
    const counts = [];
    for (const file of [...MINUTES, WEEK]) {
      const bars = await readCandles(marketDataFile(file));
      counts.push(bars.length);
      // The files leave out months: after those the second minute confirms the level.
      const isAfterGap = ({ item }: { item: Bar }) =>
        bars.every(({ openMs }) => openMs >= item.openMs || item.openMs - openMs > 24 * HOUR);
      expect(sortOut(bars).rejected.filter((one) => !isAfterGap(one) || one.confirmedAt === null)).toEqual([]);
    }
    expect(counts.reduce((sum, count) => sum + count)).toBeGreaterThan(27_000);
  });
});
