import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { entry, quoteAt, tickRpc } from "../support/tick-rpc.ts";

const NOON = "2026-03-01T12:00:00Z";

describe("what a tick commits", () => {
  let db: TestDatabase;
  let ticks: ReturnType<typeof tickRpc>;
  beforeAll(async () => {
    db = await testDatabase();
    ticks = tickRpc(db);
    await db.setClock(NOON);
  });
  afterAll(() => db.drop());

  it("is all of it or nothing", async () => {
    const run = await ticks.start("trader-tick");
    const payload = { quotes: [quoteAt(NOON)], decisions: "not a list" };
    await expect(ticks.commit(run, payload)).rejects.toThrow();
    expect(await db.sql`select from public.quotes`).toHaveLength(0);
    await ticks.finish(run);
  });

  it("keeps the newest quote, ignores unknown symbols, and refuses prices that are no prices", async () => {
    const run = await ticks.start("trader-tick");
    await ticks.commit(run, { quotes: [quoteAt(NOON), quoteAt(NOON, "GOLD-USD")] });
    await ticks.commit(run, { quotes: [quoteAt("2026-03-01T11:59:00Z", "BTC-USD", "1", "2")] });
    expect(await db.sql`select symbol, bid from public.quotes`).toEqual([{ symbol: "BTC-USD", bid: "60000.00" }]);
    for (const bid of ["NaN", "-1", "0", "Infinity"]) {
      await expect(ticks.commit(run, { quotes: [quoteAt(NOON, "BTC-USD", bid)] })).rejects.toMatchObject({
        code: "23514",
      });
    }
    await ticks.finish(run);
  });

  it("keeps closed candles once, scans as rows, and thoughts with their engine", async () => {
    const run = await ticks.start("trader-tick");
    const candle = {
      symbol: "BTC-USD",
      timeframe: "1m",
      open_time: "2026-03-01T11:59:00Z",
      open: "1",
      high: "3",
      low: "1",
      close: "2",
      volume: "5",
    };
    const scan = {
      symbol: "BTC-USD",
      score: 71.5,
      score_breakdown: { trend: 20 },
      info: { bid: "60000.00" },
      recommended_strategy: "momentum",
    };
    await ticks.commit(run, {
      candles: [candle, candle],
      scans: [scan, { symbol: "ETH-USD", score: null, no_data_reason: "no candles" }],
      thoughts: [{ type: "scan", symbol: "BTC-USD", content: "Best score 71.5", metadata: { score: 71.5 } }],
    });
    await ticks.commit(run, { candles: [{ ...candle, close: "1.5" }] });
    await ticks.finish(run);
    expect(await db.sql`select close from public.crypto_candles`).toEqual([{ close: "1.5" }]);
    expect(
      await db.sql`select symbol, score, run_id, no_data_reason from public.candidate_scans order by symbol`,
    ).toEqual([
      { symbol: "BTC-USD", score: "71.5", run_id: run.run_id, no_data_reason: null },
      { symbol: "ETH-USD", score: null, run_id: run.run_id, no_data_reason: "no candles" },
    ]);
    expect(await db.sql`select mode, engine, type, content from public.thoughts`).toEqual([
      { mode: "paper", engine: "trader", type: "scan", content: "Best score 71.5" },
    ]);
    const { work } = await ticks.start("trader-tick");
    expect(work.latest_candles).toEqual({ "BTC-USD": "2026-03-01T11:59:00.000000Z" });
  });
});

describe("an order on its way through the ticks", () => {
  let db: TestDatabase;
  let ticks: ReturnType<typeof tickRpc>;
  beforeEach(async () => {
    db = await testDatabase();
    ticks = tickRpc(db);
    await db.setClock(NOON);
    const run = await ticks.start("trader-tick");
    const book = { mode: "paper", cash: "2000", holdings: {}, open_orders: [], observed_at: NOON };
    const { reconciliation } = await ticks.finish(run, {
      outcome: "ok",
      quotes: [quoteAt(NOON)],
      broker_books: [book],
    });
    expect(reconciliation).toEqual([{ mode: "paper", status: "ok" }]);
    return () => db.drop();
  });

  it("is accepted, handed out for sending once, reported, and held with its exit state", async () => {
    const run = await ticks.start("trader-tick");
    const { intents, orders } = await ticks.commit(run, { intents: [entry("one"), entry("one")] });
    expect(intents.map((answer) => answer.status)).toEqual(["accepted", "accepted"]);
    expect(orders).toHaveLength(1);
    expect(orders[0]).toMatchObject({ action: "send", status: "submitted", symbol: "BTC-USD", limit_price: "60000" });
    expect((await ticks.commit(run, {})).orders).toEqual([]);
    const id = orders[0]?.id;
    const report = {
      order_id: id,
      kind: "report",
      state: "filled",
      filled_qty: orders[0]?.qty,
      average_price: "60000",
      fee: "0.19",
      observed_at: NOON,
    };
    const { reports } = await ticks.finish(run, { outcome: "ok", reports: [report] });
    expect(reports).toEqual([expect.objectContaining({ order_id: id, result: "applied", status: "filled" })]);
    const next = await ticks.start("trader-tick");
    expect(next.work.account).toMatchObject({ day_notional: "19.9998", daily_notional_left: "30.0002" });
    const [held] = next.work.positions as { opening_lot: string }[];
    expect(next.work.positions).toEqual([
      expect.objectContaining({
        symbol: "BTC-USD",
        engine: "trader",
        qty: "0.00033333",
        free_qty: "0.00033333",
        trail_armed: false,
      }),
    ]);
    await ticks.commit(next, {
      exit_states: [
        {
          symbol: "BTC-USD",
          opening_lot: held?.opening_lot,
          stop_price: "59000",
          high_water: "60100",
          trail_armed: true,
        },
      ],
    });
    await ticks.finish(next);
    const after = await ticks.start("trader-tick");
    expect(after.work.positions).toEqual([
      expect.objectContaining({ stop_price: "59000", high_water: "60100", trail_armed: true }),
    ]);
  });

  it("that a crashed trader left behind is only queried by the reposition tick, never sent again", async () => {
    const crashed = await ticks.start("trader-tick");
    const { orders } = await ticks.commit(crashed, { intents: [entry("left behind")] });
    expect(orders[0]).toMatchObject({ action: "send" });
    await db.advanceClock(130);
    const run = await ticks.start("reposition-tick");
    expect(run.work.orders).toEqual([
      expect.objectContaining({ id: orders[0]?.id, action: "query", unresolved: true }),
    ]);
    await ticks.finish(run);
    const trader = await ticks.start("trader-tick");
    expect(trader.work.orders).toEqual([]);
    expect(trader.work.open_orders).toEqual([expect.objectContaining({ id: orders[0]?.id, unresolved: true })]);
  });

  it("makes finish_tick answer again while work is due", async () => {
    const trader = await ticks.start("trader-tick");
    const reposition = await ticks.start("reposition-tick");
    expect(reposition.work.orders).toEqual([]);
    await ticks.sql`select public.submit_intent(${ticks.sql.json(entry("meanwhile") as never)})`;
    expect((await ticks.finish(reposition)).again).toBe(true);
    const next = await ticks.start("reposition-tick");
    expect(next.work.orders).toEqual([expect.objectContaining({ action: "send" })]);
    await ticks.finish(trader);
  });
});
