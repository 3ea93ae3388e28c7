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

describe("a gap in the market's data", () => {
  it("is said when the data goes on: where, and how long", async () => {
    market.trend(BTC, 20000, 0.01, NOW, 30);
    const { thoughts } = await runWith({ latest_candles: { [BTC]: "2026-03-01T10:52:00Z" } });
    expect(thoughts[0]).toEqual({
      mode: "paper",
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

  it("takes for held what could be sold at the bid of now, not at what it cost", async () => {
    const entered = async (position: Json) =>
      (await runWith({ positions: [held({ engine: "manual", ...position })] })).intents.map(({ symbol }) => symbol);
    expect(await entered({ qty: "0.00005", average_price: "15000" })).toEqual([ETH]);
    expect(await entered({ qty: "0.00004", average_price: "60000" })).toEqual([BTC, ETH]);
  });

  it("sizes and filters with the fees of the account it trades on, the assumed ones where nobody tells them", async () => {
    const account = { cash: "10.06", free_cash: "10.06", opened: true };
    const notional = async (fees: Json | undefined) => (await runWith({ account, fees })).intents[0]?.notional;
    expect(await notional(undefined)).toBe("9.96");
    const paper = { maker_bps: "0", taker_bps: "60" };
    expect(await notional({ paper, live: { maker_bps: "1", taker_bps: "1" } })).toBe("10");
    const filter = { TRADER_COST_FILTER_RATIO: "1" };
    const dear = { paper: { maker_bps: "0", taker_bps: "1000" } };
    expect((await runWith({ fees: dear }, filter)).intents).toEqual([]);
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
    market.fail(true);
    const blind = await runWith({ account: { ...day, daily_notional_left: "50" } });
    expect(blind.thoughts[0]?.content).toContain("no usable quote");
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

  it("asks the broker about what is held and off the watchlist alone, so that a delisted symbol spoils no other's quote", async () => {
    const asked: string[][] = [];
    const broker = {
      ...noBroker,
      quotes: async (symbols: readonly string[]) => {
        asked.push([...symbols]);
        return success([]);
      },
    };
    await runWith({ mode: "live", positions: [held({ symbol: "OLD-USD" })] }, {}, broker);
    expect(asked).toEqual([[BTC, ETH], ["OLD-USD"]]);
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
