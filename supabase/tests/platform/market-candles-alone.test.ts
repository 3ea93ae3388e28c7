import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { backtest } from "../../backtest/backtest.ts";
import { sourceMarket } from "../../backtest/source-market.ts";
import { coinbaseMarket } from "../../functions/_shared/market/coinbase.ts";
import { openReplay } from "../../local/market/replay/open-replay.ts";
import { startMarketServer } from "../../local/market/start-market-server.ts";
import { createTestDatabase } from "../support/test-database.ts";

const MINUTE = 60_000;
const T = Date.UTC(2026, 2, 1, 11);
/** The data begins with candles enough for a score; the run begins where they end. */
const START = 40;
const KNOBS = {
  TRADER_ENTRY_SCORE: "0",
  TRADER_COST_FILTER_RATIO: "0",
  TRADER_MAX_HOLD_MINUTES: "1000",
  // One entry, so that whatever is bought again shows.
  MAX_DAILY_NOTIONAL: "1000",
  MAX_OPEN_POSITIONS: "1",
};

type Bar = readonly [open: number, high: number, low: number, close: number];
const around = (minute: number): Bar => {
  const price = (at: number) => 20_000 + 6 * Math.sin(at * 1.7);
  const [open, close] = [price(minute), price(minute + 1)];
  return [open, Math.max(open, close) + 1, Math.min(open, close) - 1, close];
};

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zoe-candles-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A candle file of quiet minutes but for those given, opened as a market. */
const candles = async (name: string, special: Readonly<Record<number, Bar>>, minutes = 75) => {
  const path = join(folder, `${name}_btcusd_1m.csv`);
  const rows = Array.from({ length: minutes }, (_, minute) => {
    const bar = special[minute] ?? around(minute);
    return [T + minute * MINUTE, ...bar.map((price) => Number(price.toFixed(2))), "100"].join(",");
  });
  await writeFile(path, `${["ts_ms,open,high,low,close,volume", ...rows].join("\n")}\n`);
  return openReplay([path]);
};

type Fill = { side: string; price: string; limit: string; minute: number; reason: string; stop: string | null };
interface Outcome {
  readonly fills: readonly Fill[];
  readonly rejected: readonly { price: string; confirmed: number | null }[];
  readonly highWater: string | null;
  readonly drawdown: number;
  readonly stop: number | null;
}

const run = async (
  source: Awaited<ReturnType<typeof candles>>,
  knobs: Record<string, string> = {},
  marketOf?: typeof sourceMarket,
): Promise<Outcome> => {
  const database = await createTestDatabase(inject("zoeCluster"));
  try {
    const times = { fromMs: T + START * MINUTE, toMs: source.range().endMs };
    const wish = { database, source, knobs: { ...KNOBS, ...knobs }, ...times };
    const report = await backtest(marketOf === undefined ? wish : { ...wish, marketOf });
    expect(report.problems).toEqual([]);
    const fills = await database.admin<(Omit<Fill, "minute"> & { at: Date })[]>`
      select f.side, trim_scale(f.price)::text as price, f.executed_at as at, i.reason,
        trim_scale(o.limit_price)::text as limit, i.metadata ->> 'stop_price' as stop
      from public.crypto_fills as f
      join public.crypto_orders as o on o.id = f.order_id join public.order_intents as i on i.id = o.intent_group_id
      order by f.seq`;
    const rejected = await database.admin<{ price: string; confirmed: Date | null; kind: string }[]>`
      select kind, trim_scale(price)::text as price, confirmed_at as confirmed from public.rejected_prices order by kind, observed_at`;
    const [position] = await database.admin<{ high_water: string | null; stop: number | null }[]>`
      select trim_scale(high_water)::text as high_water, stop_price::float8 as stop from public.positions where symbol = 'BTC-USD'`;
    const minuteOf = (at: Date) => Math.floor((at.getTime() - T) / MINUTE);
    return {
      fills: fills.map(({ at, ...fill }) => ({ ...fill, minute: minuteOf(at) })),
      rejected: rejected.map(({ price, confirmed }) => ({ price, confirmed: confirmed && minuteOf(confirmed) })),
      highWater: position?.high_water ?? null,
      stop: position?.stop ?? null,
      drawdown: Number(report.drawdown?.usd ?? 0),
    };
  } finally {
    await database.drop();
  }
};

/** The same data through the market server's own API, as a replay serves it. */
const replayed = async (source: Awaited<ReturnType<typeof candles>>, knobs: Record<string, string> = {}) => {
  let now: () => number = () => T;
  const server = await startMarketServer({ source, now: () => now() });
  try {
    return await run(source, knobs, (_, clock) => {
      now = clock;
      return coinbaseMarket({ url: server.url, pace: async () => undefined });
    });
  } finally {
    await server.stop();
  }
};

describe("a market of which only candles are known", () => {
  const DIP: Bar = [20_020, 20_021, 19_800, 20_020];

  it("a bar that trades 1 % below a resting buy fills it, at its limit and within the bar; a replay does the same", async () => {
    const above = Array.from({ length: 33 }, (_, n): [number, Bar] => [42 + n, [20_020, 20_022, 20_018, 20_021]]);
    const source = await candles("dip", { ...Object.fromEntries(above), 50: DIP });
    const knobs = { ORDER_TTL_SECONDS_ENTRY: "1200" };
    const { fills } = await run(source, knobs);
    expect(fills).toMatchObject([{ side: "buy", minute: 50 }]);
    expect(fills[0]?.price).toBe(fills[0]?.limit);
    expect((await replayed(source, knobs)).fills).toEqual(fills);
  });

  it("a low 5 % below the stop sells at the stop, less half the spread and slippage; a replay does the same", async () => {
    const source = await candles("stop", { 60: [20_000, 20_001, 18_700, 20_000] }, 63);
    const outcome = await run(source);
    expect(outcome.fills.map(({ side }) => side).slice(0, 2)).toEqual(["buy", "sell"]);
    const [bought, sold] = outcome.fills;
    expect(sold).toMatchObject({ reason: "stop", minute: 61 });
    expect(Number(sold?.price)).toBeCloseTo(Number(bought?.stop) * (1 - 6 / 10_000), 1);
    expect(await replayed(source)).toEqual(outcome);
  });

  it("one bar at 45 % of the price sells nothing, buys nothing and is no loss; it is written down", async () => {
    const source = await candles("flash", { 60: [9_000, 9_000, 9_000, 9_000] });
    const outcome = await run(source);
    expect(outcome.fills.map(({ side }) => side)).toEqual(["buy"]);
    expect(outcome.drawdown).toBeLessThan(1);
    expect(outcome.rejected).toEqual([
      { price: "9000", confirmed: null },
      { price: "8999.1", confirmed: null },
    ]);
    expect(await replayed(source)).toEqual(outcome);
  });

  it("one bar 30 % up does not arm the trail, raises no high-water mark and sells nothing", async () => {
    const outcome = await run(await candles("spike", { 60: [26_000, 26_000, 26_000, 26_000] }));
    expect(outcome.fills.map(({ side }) => side)).toEqual(["buy"]);
    expect(Number(outcome.highWater)).toBeLessThan(20_010);
    expect(outcome.stop).toBeLessThan(19_800);
  });

  it("a crash that stays sells on the second bar, at that bar's price", async () => {
    const crash = Object.fromEntries(
      Array.from({ length: 6 }, (_, n): [number, Bar] => [60 + n, [11_000 - n, 11_001 - n, 10_999 - n, 11_000 - n]]),
    );
    const { fills, rejected } = await run(await candles("crash", crash, 66));
    const sold = fills.find(({ side }) => side === "sell");
    expect(sold).toMatchObject({ reason: "stop", minute: 62 });
    expect(Number(sold?.price)).toBeCloseTo(10_999 * (1 - 6 / 10_000), 1);
    expect(rejected.map(({ confirmed }) => confirmed)).toEqual([62, 61]);
  });
});

describe("the market server and the backtest", () => {
  it("show the ticks the same prices at every moment, and no candle before its close tells more than its open", async () => {
    const source = await candles("same", { 50: [20_000, 20_500, 19_500, 20_100] });
    let now = T;
    const server = await startMarketServer({ source, now: () => now });
    const served = coinbaseMarket({ url: server.url, pace: async () => undefined });
    const direct = sourceMarket(source, () => now);
    try {
      for (let second = 0; second <= 130; second += 13) {
        now = T + 50 * MINUTE + second * 1000;
        const [quote] = (await served.tickers(["BTC-USD"])).values();
        expect(quote).toEqual((await direct.tickers(["BTC-USD"])).get("BTC-USD"));
        expect(quote).toMatchObject({ ok: true, value: { source: "candles" } });
        const [one, other] = [await served.candles("BTC-USD", T), await direct.candles("BTC-USD", T)];
        expect(one).toEqual(other);
        const running = one.ok ? one.value.find(({ openedAt }) => openedAt + MINUTE > now) : undefined;
        if (running !== undefined) expect([running.high, running.low]).toEqual([running.open, running.open]);
      }
    } finally {
      await server.stop();
    }
  });
});
