import { beforeEach, describe, expect, it } from "vitest";
import type { Quote } from "../../../shared/market/quote.ts";
import { success } from "../../../shared/result.ts";
import { type ScriptedMarket, scriptedMarket } from "../../tests/support/scripted-market.ts";
import { noBroker } from "../_shared/brokers/none.ts";
import { fakeStore, running } from "../_shared/fake-store.ts";
import type { TickDeps } from "../_shared/run.ts";
import { runTick } from "../_shared/tick.ts";
import type { Json } from "../_shared/wire/write.ts";
import { traderTick } from "./handler.ts";

const NOW = Date.UTC(2026, 2, 1, 12);
const MINUTE = 60_000;
const BTC = "BTC-USD";
const instruments = [
  {
    symbol: BTC,
    price_increment: "0.01",
    qty_increment: "0.00000001",
    min_qty: "0.00001",
    min_notional: "1",
    enabled: true,
  },
];
const held: Json = {
  symbol: BTC,
  engine: "trader",
  qty: "0.001",
  free_qty: "0.001",
  average_price: "20000",
  entry_price: "20000",
  high_water: "20000",
  stop_price: "19700",
  target_price: "20400",
  trail_armed: false,
  opened_at: "2026-03-01T11:30:00.250Z",
  exit_by: "2026-03-01T13:30:00Z",
  strategy: "s",
  candles_seen_until: null,
};
const known = { symbol: BTC, bid: "20000", ask: "20010", source: "test", observed_at: "2026-03-01T11:59:55Z" };
const remembered = (part: Json = {}): Json => ({
  symbol: BTC,
  recent: Array(10).fill("20005"),
  seen_at: "2026-03-01T11:59:55Z",
  pending_side: null,
  pending_value: null,
  pending_at: null,
  ...part,
});

let market: ScriptedMarket;
beforeEach(() => {
  market = scriptedMarket();
  market.trend(BTC, 20000, 0.01, NOW);
});

const runWith = async (work: Json, deps: Partial<TickDeps> = {}) => {
  const config = { TRADER_ENTRY_SCORE: "0", TRADER_COST_FILTER_RATIO: "0" };
  const account = { cash: "2000", reserved_cash: "0", free_cash: "2000", opened: true };
  const state = { trading_state: { state: "active", reasons: [] } };
  const base = { mode: "paper", account, config, instruments, ...state, quotes: [known], price_memory: [remembered()] };
  const store = fakeStore([running({ ...base, ...work })]);
  await runTick(
    "trader-tick",
    traderTick,
    { store, market, brokers: () => noBroker, ...deps },
    { slot: null, trigger: "wake" },
  );
  const payload = store.told.find(({ call }) => call === "commit")?.payload ?? {};
  const list = (name: string) => (payload[name] ?? []) as Json[];
  return { payload, intents: list("intents"), list };
};

describe("a price far from the last ones", () => {
  it.each([
    ["at 45 %", "9000", "9010"],
    ["30 % up", "26000", "26010"],
    ["with an absurd ask alone", "20000", "40000"],
  ])("%s does nothing but wait: no sale, no entry, no mark, no quote", async (_, bid, ask) => {
    market.quote(BTC, bid, ask, NOW);
    const selling = await runWith({ positions: [held] });
    expect(selling.payload).toMatchObject({ intents: [], quotes: [], exit_states: [] });
    expect(selling.list("thoughts")).toContainEqual(
      expect.objectContaining({ type: "unconfirmed_price", content: expect.stringContaining("unconfirmed") }),
    );
    const buying = await runWith({});
    expect(buying.intents).toEqual([]);
    expect(buying.list("scans")[0]?.no_data_reason).toContain("is unconfirmed");
    expect(buying.list("rejected_prices")).toMatchObject([
      { symbol: BTC, kind: "quote", low: bid, high: ask, median: "20005" },
    ]);
    expect(buying.list("price_memory")).toMatchObject([
      { recent: Array(10).fill("20005"), pending_at: "2026-03-01T12:00:00.000Z" },
    ]);
  });

  it("that the next tick sees again is acted on at that price: a real crash sells", async () => {
    market.quote(BTC, "9000", "9010", NOW);
    const pending = { pending_side: "below", pending_value: "9100", pending_at: "2026-03-01T11:59:58Z" };
    const memory = remembered({ ...pending, seen_at: "2026-03-01T11:59:58Z" });
    const { intents, list } = await runWith({ positions: [held], price_memory: [memory] });
    expect(intents).toMatchObject([{ purpose: "exit", reason: "stop", limit_price: "8982" }]);
    expect(list("quotes")).toMatchObject([{ bid: "9000" }]);
    expect(list("confirmed_prices")).toEqual([
      { symbol: BTC, observed_at: "2026-03-01T11:59:58.000Z", confirmed_at: "2026-03-01T12:00:00.000Z" },
    ]);
    expect(list("price_memory")).toMatchObject([{ recent: ["9005"], pending_side: null }]);
  });

  it("is not confirmed by another tick's look at the very same quote", async () => {
    market.quote(BTC, "9000", "9010", NOW);
    const pending = { pending_side: "below", pending_value: "9005", pending_at: "2026-03-01T12:00:00Z" };
    const memory = remembered({ ...pending, seen_at: "2026-03-01T12:00:00Z" });
    const { payload } = await runWith({ positions: [held], price_memory: [memory] });
    expect(payload).toMatchObject({ intents: [], quotes: [] });
    expect(payload.price_memory).toBeUndefined();
  });

  it("holds in live mode too, for the broker's own quotes", async () => {
    const quote: Quote = {
      symbol: BTC,
      bid: "9000",
      ask: "9010",
      bidSize: null,
      askSize: null,
      source: "b",
      observedAt: NOW,
    };
    const brokers = () => ({ ...noBroker, quotes: async () => success([quote]) });
    const { payload } = await runWith({ mode: "live", positions: [held] }, { brokers });
    expect(payload).toMatchObject({ intents: [], quotes: [], rejected_prices: [{ source: "b" }] });
  });

  it("is judged by the candles when nothing is remembered yet", async () => {
    market.quote(BTC, "9000", "9010", NOW);
    const { payload } = await runWith({ price_memory: [] });
    expect(payload).toMatchObject({ intents: [], quotes: [], rejected_prices: [{ kind: "quote", price: "9000" }] });
  });

  it("inside a candle keeps that candle from the database until the next has confirmed it", async () => {
    market.quote(BTC, "20000", "20010", NOW);
    const candles = await market.candles(BTC, 0);
    const bars = (candles.ok ? candles.value : []).map((bar) =>
      bar.openedAt === NOW - MINUTE ? { ...bar, low: "9000" } : bar,
    );
    const latest = { latest_candles: { [BTC]: "2026-03-01T11:57:00Z" } };
    const { list } = await runWith(latest, { market: { ...market, candles: async () => success(bars) } });
    expect(list("candles").map(({ open_time }) => open_time)).toEqual(["2026-03-01T11:58:00.000Z"]);
    expect(list("rejected_prices")).toMatchObject([{ kind: "candle", price: "9000", confirmed_at: null }]);
  });
});

describe("where only candles are known", () => {
  const lastBar = (low: string, high: string, close: string) => async () => {
    const candles = await market.candles(BTC, 0);
    const bars = candles.ok ? candles.value : [];
    return success(
      bars.map((bar) => (bar.openedAt === NOW - MINUTE ? { ...bar, open: "20000", low, high, close } : bar)),
    );
  };
  const byCandles = (bid = "20000", ask = "20004") => ({
    ...market,
    tickers: async () => {
      const sizes = { bidSize: null, askSize: null };
      return new Map([
        [BTC, success({ symbol: BTC, bid, ask, ...sizes, source: "candles", observedAt: NOW, since: NOW })],
      ]);
    },
  });
  const seen = { ...held, candles_seen_until: "2026-03-01T11:59:00Z" };
  const fromCandles = { quotes: [{ ...known, source: "candles" }] };

  it("a low 5 % below the stop sells though the bar has come back, at the stop less half the spread and slippage", async () => {
    const dip = { ...byCandles(), candles: lastBar("18715", "20001", "20000") };
    const { intents, payload } = await runWith({ positions: [seen], ...fromCandles }, { market: dip });
    expect(intents).toMatchObject([
      { purpose: "exit", reason: "stop", limit_price: "19688.18", metadata: { urgency: "stop_loss" } },
    ]);
    expect(payload.exit_states).toEqual([]);
  });

  it("the running bar decides nothing, and what was looked at is kept", async () => {
    const calm = { ...byCandles("19000", "19004"), candles: lastBar("19900", "20100", "20050") };
    const { intents, list } = await runWith({ positions: [seen], ...fromCandles }, { market: calm });
    expect(intents).toEqual([]);
    expect(list("exit_states")).toMatchObject([
      { high_water: "20100", candles_seen_until: "2026-03-01T12:00:00.000Z" },
    ]);
  });

  it("candles of a time in which real quotes were known are no news", async () => {
    const dip = { ...byCandles(), candles: lastBar("18715", "20001", "20000") };
    expect((await runWith({ positions: [seen] }, { market: dip })).intents).toEqual([]);
  });
});
