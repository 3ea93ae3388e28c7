import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataStatus, parseStart } from "../../local/market/market-range.ts";
import type { MarketSource } from "../../local/market/market-source.ts";
import { openReplay } from "../../local/market/replay/open-replay.ts";

const T = Date.UTC(2017, 8, 3);
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

let folder = "";
let market: MarketSource;

/** Three traded minutes, one without a trade, one more; a second day; quotes for the first two minutes. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zoe-replay-"));
  const candles = [
    [T, "100,110,90,105,6"],
    [T + MINUTE, "106,107,101,102,12"],
    [T + 2 * MINUTE, "102,102,80,81,24"],
    [T + 4 * MINUTE, "82,83,82,83,3"],
    [T + DAY, "200,201,199,200,5"],
  ];
  const quotes = [
    [T, "99,104,99,104,1.5,101,106,101,106,2.5"],
    [T + MINUTE, "105,106,100,101,3.5,107,107,103,103,4.5"],
  ];
  const text = (header: string, rows: (string | number)[][]) =>
    `${[header, ...rows.map((row) => row.join(","))].join("\n")}\n`;
  const files = [join(folder, "btcusd_trade.csv"), join(folder, "btcusd_quote.csv")];
  await writeFile(files[0] ?? "", text("ts_ms,open,high,low,close,volume", candles));
  const header = "ts_ms,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size";
  await writeFile(files[1] ?? "", text(header, quotes));
  market = await openReplay(files);
});
afterAll(() => rm(folder, { recursive: true }));

it("the replay says where its data has gaps, within and at the ends of what all its files cover", async () => {
  expect(market.gaps()).toEqual([{ symbol: "BTC-USD", from: T + 5 * MINUTE, to: T + DAY }]);
  const path = join(folder, "ethusd.csv");
  const row = (at: number) => `${at},1,1,1,1,1`;
  await writeFile(path, `ts_ms,open,high,low,close,volume\n${row(T + DAY)}\n${row(T + DAY + MINUTE)}\n`);
  const both = await openReplay([join(folder, "btcusd_trade.csv"), path]);
  expect(both.gaps()).toEqual([
    { symbol: "ETH-USD", from: T, to: T + DAY },
    { symbol: "BTC-USD", from: T + 5 * MINUTE, to: T + DAY },
  ]);
});

const minutes = (nowMs: number, granularitySeconds = 60) =>
  market.candles("BTC-USD", { granularitySeconds, startMs: T, endMs: nowMs }, nowMs);

describe("the replay never tells the future", () => {
  it("inside a bar it shows the bar's open, and the close from the bar's end on", () => {
    expect(market.ticker("BTC-USD", T + MINUTE + 59_999)).toMatchObject({ price: "106", bid: "105", ask: "107" });
    expect(market.ticker("BTC-USD", T + 2 * MINUTE + 30_000)).toMatchObject({ price: "102" });
    expect(market.ticker("BTC-USD", T + 3 * MINUTE)).toMatchObject({ price: "81" });
  });

  it("inside a quote bar the sizes are those of the bar before: a bar's own are its last ones", () => {
    const book = market.book("BTC-USD", T + MINUTE + 30_000, "full");
    expect(book).toMatchObject({ bids: [["105", "1.5", 1]], asks: [["107", "2.5", 1]] });
  });

  it("the running candle holds only its open and no volume; the finished one is whole", () => {
    expect(minutes(T + MINUTE + 1)[0]).toEqual({
      openMs: T + MINUTE,
      open: "106",
      high: "106",
      low: "106",
      close: "106",
      volume: "0",
    });
    expect(minutes(T + 2 * MINUTE)[1]).toEqual({
      openMs: T + MINUTE,
      open: "106",
      high: "107",
      low: "101",
      close: "102",
      volume: "12",
    });
  });

  it("at any moment, all that is said about earlier moments stays as it was said", () => {
    const late = minutes(T + 5 * MINUTE);
    for (let now = T; now < T + 5 * MINUTE; now += 7_000) {
      const finished = minutes(now).filter((candle) => candle.openMs + MINUTE <= now);
      expect(late).toEqual(expect.arrayContaining(finished));
    }
  });

  it("the volume of the last day leaves the running minute out and the day before yesterday", () => {
    expect(market.ticker("BTC-USD", T + 2 * MINUTE + 30_000)?.volume).toBe("18");
    expect(market.ticker("BTC-USD", T + DAY + 2 * MINUTE)?.volume).toBe("32");
  });
});

/** All that the market says at a moment. */
const everything = (source: MarketSource, nowMs: number) => [
  source.ticker("BTC-USD", nowMs),
  source.book("BTC-USD", nowMs, "full"),
  source.trades("BTC-USD", { limit: 1000 }, nowMs),
  ...[60, 300, 3600].map((granularitySeconds) =>
    source.candles("BTC-USD", { granularitySeconds, startMs: T - DAY, endMs: T + DAY }, nowMs),
  ),
];

describe("another future changes nothing that is said now", () => {
  const random = (n: number) => (((n + 1) * 2_654_435_761) % 1000) / 1000;
  const bar = (n: number, other: boolean) => {
    const open = 100 + random(n);
    const [high, low, close] = other ? [150, 50, 60] : [102, 98, 99 + random(n + 7)];
    return { open, high, low, close, size: other ? 9 : 1 + random(n + 3) };
  };

  it.each([0, 1, 29_999, 59_999, 60_000, 60_001, 125_000, 1_799_999, 1_800_000, 2_399_000])(
    "%i ms into the recording",
    async (elapsed) => {
      const now = T + elapsed;
      const write = async (name: string, otherFuture: boolean) => {
        const candles = ["ts_ms,open,high,low,close,volume"];
        const quotes = [
          "ts_ms,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size",
        ];
        const ticks = ["ts_ms,local_ms,trade_id,price,qty,taker_side"];
        for (let n = 0; n < 40; n += 1) {
          const at = T + n * MINUTE;
          const { open, high, low, close, size } = bar(n, otherFuture && at + MINUTE > now);
          const first = otherFuture && at > now ? 55 : open;
          candles.push([at, first, high, low, close, size].join(","));
          quotes.push([at, first, high, low, close, size, first + 1, high + 1, low + 1, close + 1, size].join(","));
          const traded = at + 20_000;
          ticks.push([traded, traded, n, otherFuture && traded > now ? 77 : open, 1, "buy"].join(","));
        }
        const files = [candles, quotes, ticks].map((rows, n) => ({
          path: join(folder, `${name}_${n}_btcusd.csv`),
          rows,
        }));
        for (const { path, rows } of files) await writeFile(path, `${rows.join("\n")}\n`);
        const [bars, quoteBars, trades] = files.map(({ path }) => path);
        return [await openReplay([bars ?? "", quoteBars ?? ""]), await openReplay([trades ?? ""])];
      };
      const [one, other] = [await write("one", false), await write("other", true)];
      expect(other.map((source) => everything(source, now))).toEqual(one.map((source) => everything(source, now)));
    },
  );
});

describe("candles", () => {
  it("come newest first, and a minute without a trade is absent", () => {
    expect(minutes(T + 5 * MINUTE).map((candle) => (candle.openMs - T) / MINUTE)).toEqual([4, 2, 1, 0]);
  });

  it("of five minutes join the minutes: first open, highest high, lowest low, last close, summed volume", () => {
    expect(minutes(T + 5 * MINUTE, 300)).toEqual([
      { openMs: T, open: "100", high: "110", low: "80", close: "83", volume: "45" },
    ]);
  });
});

describe("where the recording pauses for more than ten minutes", () => {
  const gap = T + 3600_000;
  it("the market looks halted: the last trade and the book stay what and when they were", () => {
    expect(market.ticker("BTC-USD", gap)).toMatchObject({ price: "83", timeMs: T + 5 * MINUTE - 1 });
    expect(market.book("BTC-USD", gap, "touch").timeMs).toBe(T + 5 * MINUTE);
    expect(market.candles("BTC-USD", { granularitySeconds: 60, startMs: gap - 10 * MINUTE, endMs: gap }, gap)).toEqual(
      [],
    );
  });

  it("the range has two segments, and the status says when it goes on and when it is over", () => {
    const range = market.range();
    expect(range.segments).toEqual([
      { startMs: T, endMs: T + 5 * MINUTE },
      { startMs: T + DAY, endMs: T + DAY + MINUTE },
    ]);
    expect(dataStatus(range, T - 1)).toEqual({
      state: "before",
      message: "the market data begins at 2017-09-03T00:00Z",
    });
    expect(dataStatus(range, T).state).toBe("within");
    expect(dataStatus(range, gap).message).toBe("no market data at 2017-09-03T01:00Z; it goes on at 2017-09-04T00:00Z");
    expect(dataStatus(range, T + 2 * DAY)).toEqual({
      state: "ended",
      message: "the market data ended at 2017-09-04T00:01Z",
    });
  });

  it("a start is taken inside the data only, and a refusal names what is allowed", () => {
    expect(parseStart("2017-09-03", market.range())).toEqual({ ok: true, startMs: T });
    expect(parseStart("2017-09-03T00:02Z", market.range())).toEqual({ ok: true, startMs: T + 2 * MINUTE });
    expect(parseStart("2017-09-03T07:00", market.range())).toMatchObject({
      ok: false,
      message:
        "start 2017-09-03T07:00Z is outside the market data, which covers 2017-09-03T00:00Z to 2017-09-03T00:05Z, 2017-09-04T00:00Z to 2017-09-04T00:01Z",
    });
    expect(parseStart("yesterday", market.range())).toMatchObject({
      ok: false,
      message: expect.stringContaining('start "yesterday" is not a time'),
    });
    expect(parseStart("2017-02-31", market.range()).ok).toBe(false);
  });
});

it("before the first row there is no ticker and an empty book; candles alone get a narrow invented spread", () => {
  expect(market.ticker("BTC-USD", T - 1)).toBeNull();
  expect(market.book("BTC-USD", T - 1, "full")).toMatchObject({ bids: [], asks: [] });
  expect(market.ticker("BTC-USD", T + DAY)).toMatchObject({ price: "200", bid: "199.98", ask: "200.02" });
});
