import { beforeEach, describe, expect, it } from "vitest";
import { success } from "../../../shared/result.ts";
import type { ScriptedMarket } from "../../tests/support/scripted-market.ts";
import { noBroker } from "../_shared/brokers/none.ts";
import type { Json } from "../_shared/wire/write.ts";
import { BTC, ETH, held, NOW, risingMarket, tickOn } from "./handler-fixture.ts";

let market: ScriptedMarket;
beforeEach(() => {
  market = risingMarket();
});
const runWith = (work: Json, knobs?: Json, broker?: typeof noBroker) => tickOn(market, work, knobs, broker);

describe("the trader tick's exits", () => {
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

  it("sells what is worth the minimum at the bid at no lower limit than the broker takes, and leaves dust", async () => {
    market.quote(BTC, "19000", "19010", NOW);
    const sold = async (qty: string) => (await runWith({ positions: [held({ qty, free_qty: qty })] })).intents[0];
    expect(await sold("0.00005264")).toMatchObject({
      symbol: BTC,
      limit_price: "18996.97",
      metadata: { urgency: "stop_loss" },
    });
    expect(await sold("0.00005263")).toMatchObject({ purpose: "entry" });
    expect(await sold("0.00006")).toMatchObject({ symbol: BTC, limit_price: "18962" });
  });

  it("says which opening of a position an exit state is for", async () => {
    market.quote(BTC, "20250", "20260", NOW);
    const { payload } = await runWith({ positions: [held({ opening_lot: "17" })] });
    expect(payload.exit_states).toMatchObject([{ symbol: BTC, opening_lot: "17" }]);
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

  it("only exits where its engine is disabled: no scan, no entry, and the stop of what is held is carried out", async () => {
    market.quote(BTC, "19000", "19010", NOW);
    const { intents, payload } = await runWith({ exits_only: true, positions: [held()] });
    expect(intents).toMatchObject([{ mode: "paper", symbol: BTC, purpose: "exit", reason: "stop" }]);
    expect(payload).not.toHaveProperty("scans");
    expect(new Set((payload.candles as Json[]).map(({ symbol }) => symbol))).toEqual(new Set([BTC]));
    expect((payload.quotes as Json[]).map(({ symbol }) => symbol)).toEqual([BTC]);
  });

  it("goes on exiting where it worked before, in the same run, and keeps the exit states apart", async () => {
    market.quote(BTC, "19000", "19010", NOW);
    const quote = { symbol: BTC, bid: "20700", ask: "20710", bidSize: null, askSize: null, source: "broker" };
    const broker = { ...noBroker, quotes: async () => success([{ ...quote, observedAt: NOW }]) };
    const paper = { mode: "paper", exits_only: true, positions: [held()] };
    const { intents, payload } = await runWith({ mode: "live", positions: [held()], elsewhere: [paper] }, {}, broker);
    expect(intents.filter(({ purpose }) => purpose === "exit")).toMatchObject([
      { mode: "live", reason: "target" },
      { mode: "paper", reason: "stop", limit_price: "18962" },
    ]);
    expect(payload.exit_states).toMatchObject([
      { mode: "live", high_water: "20700" },
      { mode: "paper", high_water: "20000" },
    ]);
  });
});
