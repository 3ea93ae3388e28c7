import { beforeEach, describe, expect, it } from "vitest";
import { success } from "../../../shared/result.ts";
import { type ScriptedMarket, scriptedMarket } from "../../tests/support/scripted-market.ts";
import { noBroker } from "../_shared/brokers/none.ts";
import { fakeStore, running } from "../_shared/fake-store.ts";
import { runTick } from "../_shared/tick.ts";
import type { Json } from "../_shared/wire/write.ts";
import { traderTick } from "./handler.ts";

const NOW = Date.UTC(2026, 2, 1, 12);
const [BTC, ETH] = ["BTC-USD", "ETH-USD"];
const instrument = (symbol: string) => ({
  symbol,
  price_increment: "0.01",
  qty_increment: "0.00000001",
  min_qty: "0.00001",
  min_notional: "1",
  enabled: true,
});
const held = (part: Json = {}): Json => ({
  symbol: BTC,
  engine: "trader",
  qty: "0.001",
  free_qty: "0.001",
  average_price: "20000",
  entry_price: "20000",
  high_water: null,
  stop_price: null,
  target_price: null,
  trail_armed: false,
  opened_at: "2026-03-01T11:30:00Z",
  exit_by: null,
  strategy: "s",
  ...part,
});

let market: ScriptedMarket;
beforeEach(() => {
  market = scriptedMarket();
  for (const symbol of [BTC, ETH]) {
    market.quote(symbol, "20000", "20010", NOW);
    market.trend(symbol, 20000, 0.01, NOW);
  }
});

const runWith = async (work: Json, knobs: Json = {}, broker = noBroker) => {
  const config = { TRADER_ENTRY_SCORE: "0", TRADER_COST_FILTER_RATIO: "0", ...knobs };
  const account = { cash: "2000", reserved_cash: "0", free_cash: "2000", opened: true };
  const instruments = [BTC, ETH].map((symbol) => instrument(symbol));
  const store = fakeStore([
    running({ mode: "paper", account, config, instruments, trading_state: { state: "active", reasons: [] }, ...work }),
  ]);
  const result = await runTick(
    "trader-tick",
    traderTick,
    { store, market, brokers: () => broker },
    { slot: null, trigger: "wake" },
  );
  const payload = store.told.find(({ call }) => call === "commit")?.payload ?? {};
  const finished = store.told.find(({ call }) => call === "finish")?.payload ?? {};
  const heartbeats = (finished.heartbeats ?? []) as Json[];
  return {
    result,
    payload,
    heartbeats,
    intents: (payload.intents ?? []) as Json[],
    thoughts: (payload.thoughts ?? []) as Json[],
  };
};

describe("a gap in the market's data", () => {
  it("is said when the data goes on: where, and how long", async () => {
    market.trend(BTC, 20000, 0.01, NOW, 30);
    const { thoughts } = await runWith({ latest_candles: { [BTC]: "2026-03-01T10:52:00Z" } });
    expect(thoughts[0]).toEqual({
      type: "data_gap",
      symbol: BTC,
      content: "BTC-USD: no data from 2026-03-01T10:53Z to 2026-03-01T11:30Z (37 min)",
    });
  });

  it("stands with the market's health while it lasts, and is no thought before it has ended", async () => {
    market.trend(BTC, 20000, 0.01, NOW - 37 * 60_000, 30);
    const { heartbeats, thoughts } = await runWith({});
    expect(heartbeats[0]).toMatchObject({
      component: "market_data",
      details: { gaps: ["BTC-USD: no data from 2026-03-01T11:23Z to 2026-03-01T12:00Z (37 min)"] },
    });
    expect(thoughts.map(({ type }) => type)).not.toContain("data_gap");
  });
});

describe("the trader tick", () => {
  it("decides exits before entries, each with a key that the same slot repeats", async () => {
    market.quote(BTC, "19000", "19010", NOW);
    const { intents } = await runWith({ positions: [held()] });
    expect(intents.map(({ purpose, symbol }) => [purpose, symbol])).toEqual([
      ["exit", BTC],
      ["entry", ETH],
    ]);
    expect(intents[0]).toMatchObject({
      side: "sell",
      qty: "0.001",
      limit_price: "18962",
      reason: "stop",
      metadata: { urgency: "stop_loss" },
      idempotency_key: "trader:paper:BTC-USD:exit:2026-03-01T11:30:00.000Z:stop:2026-03-01T12:00:00.000Z",
    });
    expect(intents[1]).toMatchObject({
      side: "buy",
      limit_price: "20000",
      idempotency_key: "trader:paper:ETH-USD:entry:2026-03-01T12:00:00.000Z",
    });
  });

  it("keeps a position's stop, target and high-water mark, and says nothing when they stand", async () => {
    market.quote(BTC, "20250", "20260", NOW);
    const first = await runWith({ positions: [held()] });
    const [state] = first.payload.exit_states as Json[];
    expect(state).toMatchObject({ symbol: BTC, high_water: "20250", trail_armed: true });
    const again = await runWith({ positions: [held(state)] });
    expect(again.payload.exit_states).toEqual([]);
  });

  it("leaves a manual position, dust, and one that is being sold alone", async () => {
    market.quote(BTC, "19000", "19010", NOW);
    const sell = {
      id: "s1",
      symbol: BTC,
      side: "sell",
      purpose: "exit",
      urgency: "stop_loss",
      status: "working",
      qty: "0.001",
      filled_qty: "0",
      limit_price: "18962",
    };
    for (const work of [
      { positions: [held({ engine: "manual" })] },
      { positions: [held({ qty: "0.000001", free_qty: "0.000001" })] },
      { positions: [held({ free_qty: "0" })], open_orders: [sell] },
    ]) {
      const { intents, payload } = await runWith(work);
      expect(intents.filter(({ purpose }) => purpose === "exit")).toEqual([]);
      expect(payload.decisions).toEqual([]);
    }
  });

  it("judges a position by its last known quote when the market is silent", async () => {
    market.fail(true);
    const quotes = [{ symbol: BTC, bid: "19000", ask: "19010", source: "test", observed_at: "2026-03-01T11:50:00Z" }];
    const { intents } = await runWith({ positions: [held()], quotes });
    expect(intents).toMatchObject([{ purpose: "exit", reason: "stop" }]);
    const blind = await runWith({ positions: [held()] });
    expect(blind.thoughts).toContainEqual(expect.objectContaining({ type: "exit_error", symbol: BTC }));
  });

  it("never takes a quote that can't be true for the last good one", async () => {
    const quotes = [{ symbol: BTC, bid: "19000", ask: "19010", source: "test", observed_at: "2026-03-01T11:50:00Z" }];
    for (const [bid, ask, at] of [
      ["25000", "19000", NOW],
      ["25000", "25010", NOW + 86_400_000],
    ] as const) {
      market.quote(BTC, bid, ask, at);
      const { intents, payload } = await runWith({ positions: [held()], quotes });
      expect(intents[0]).toMatchObject({ symbol: BTC, purpose: "exit", reason: "stop" });
      expect((payload.quotes as Json[]).map(({ symbol }) => symbol)).toEqual([ETH]);
    }
  });

  it("enters nothing while trading is halted, and says so", async () => {
    const { intents, thoughts } = await runWith({ trading_state: { state: "halted", reasons: [] } });
    expect(intents).toEqual([]);
    expect(thoughts[0]?.content).toContain("no entries while trading is halted");
  });

  it("spends no more than positions, cash and the day leave", async () => {
    expect((await runWith({}, { MAX_OPEN_POSITIONS: "1" })).intents).toHaveLength(1);
    expect((await runWith({ account: { cash: "30", free_cash: "30", opened: true } })).intents).toHaveLength(2);
    expect((await runWith({ account: { cash: "2", free_cash: "0.5", opened: true } })).intents).toEqual([]);
    const day = { cash: "2000", free_cash: "2000", daily_notional_left: "0.4", opened: true };
    const usedUp = await runWith({ account: day });
    expect(usedUp.intents).toEqual([]);
    expect(usedUp.thoughts[0]?.content).toContain("MAX_DAILY_NOTIONAL of 50 leaves 0.4 USD for today");
  });

  it("tells a symbol without data from one with a low score", async () => {
    market.trend(ETH, 20000, 0.01, NOW, 5);
    const { payload } = await runWith({});
    const scans = payload.scans as Json[];
    expect(scans.map(({ symbol, score }) => [symbol, score === null])).toEqual([
      [BTC, false],
      [ETH, true],
    ]);
    expect(scans[1]?.no_data_reason).toContain("5 closed candles");
  });

  it("sends only candles that are closed and new", async () => {
    const { payload } = await runWith({
      latest_candles: { [BTC]: "2026-03-01T11:57:00Z", [ETH]: "2026-03-01T11:59:00Z" },
    });
    expect((payload.candles as Json[]).map(({ symbol, open_time }) => [symbol, open_time])).toEqual([
      [BTC, "2026-03-01T11:58:00.000Z"],
      [BTC, "2026-03-01T11:59:00.000Z"],
    ]);
  });

  it("prices live orders by the broker's own quotes", async () => {
    const quote = {
      symbol: BTC,
      bid: "20005",
      ask: "20015",
      bidSize: null,
      askSize: null,
      source: "broker",
      observedAt: NOW,
    };
    const { intents } = await runWith({ mode: "live" }, {}, { ...noBroker, quotes: async () => success([quote]) });
    expect(intents).toMatchObject([{ mode: "live", symbol: BTC, limit_price: "20005" }]);
  });
});
