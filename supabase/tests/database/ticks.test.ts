import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { entry, quoteAt, tickRpc } from "../support/tick-rpc.ts";

const NOON = "2026-03-01T12:00:00Z";

describe("a tick", () => {
  let db: TestDatabase;
  let ticks: ReturnType<typeof tickRpc>;
  beforeEach(async () => {
    db = await testDatabase();
    ticks = tickRpc(db);
    await db.setClock(NOON);
    return () => db.drop();
  });

  it("starts with everything it decides from, as text", async () => {
    const first = await ticks.start("trader-tick", { slot: NOON, trigger: "cron" });
    expect(first.now).toBe("2026-03-01T12:00:00.000000Z");
    await ticks.commit(first, { quotes: [quoteAt(NOON)] });
    await ticks.finish(first);
    const { work } = await ticks.start("trader-tick");
    expect(work.config.MAX_NOTIONAL_PER_TRADE).toBe("25");
    expect(work.quotes).toEqual([{ ...quoteAt(NOON), observed_at: "2026-03-01T12:00:00.000000Z" }]);
    expect(work.instruments).toContainEqual(
      expect.objectContaining({ symbol: "BTC-USD", price_increment: "0.01", enabled: true }),
    );
    expect(work).toMatchObject({
      mode: "paper",
      account: { cash: "0", reserved_cash: "0", free_cash: "0", opened: false },
      trading_state: { state: "active", reasons: [] },
      positions: [],
      open_orders: [],
      latest_candles: {},
      orders: [],
    });
  });

  it("runs once a slot, whatever cron does", async () => {
    const run = await ticks.start("trader-tick", { slot: NOON, trigger: "cron" });
    await ticks.finish(run);
    const again = { slot: "2026-03-01T12:00:30Z", trigger: "cron" };
    await db.advanceClock(31);
    expect(await ticks.begin("trader-tick", again)).toEqual({ outcome: "skipped", reason: "slot_taken" });
    expect(await db.sql`select slot from public.tick_runs`).toEqual([{ slot: new Date(NOON) }]);
  });

  it("is not run for a slot that is long gone, or still to come", async () => {
    for (const slot of ["2026-03-01T11:56:00Z", "2026-03-01T12:01:00Z"]) {
      expect(await ticks.begin("trader-tick", { slot, trigger: "cron" })).toEqual({
        outcome: "skipped",
        reason: "not_due",
      });
    }
    expect(await db.sql`select from public.tick_runs`).toHaveLength(0);
  });

  it("does nothing beside another run, which then goes round again", async () => {
    const run = await ticks.start("trader-tick");
    expect(await ticks.begin("trader-tick", { slot: NOON, trigger: "cron" })).toEqual({
      outcome: "skipped",
      reason: "overlap",
    });
    expect((await ticks.finish(run)).again).toBe(true);
    const next = await ticks.start("trader-tick", { slot: NOON, trigger: "cron" });
    expect((await ticks.finish(next)).again).toBe(false);
  });

  it("is won by exactly one of many callers at once", async () => {
    const callers = db.as("service_role", {}, { max: 16 });
    const answers = await Promise.all(
      Array.from(
        { length: 16 },
        () => callers`select public.begin_tick('trader-tick', ${NOON}, 'cron', null) as answer`,
      ),
    );
    const outcomes = answers.map(([row]) => row?.answer.outcome);
    expect(outcomes.filter((outcome) => outcome === "running")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "skipped")).toHaveLength(15);
  });

  it("loses its lease after two minutes of silence, and can commit nothing then", async () => {
    const stalled = await ticks.start("trader-tick");
    await db.advanceClock(121);
    const next = await ticks.start("trader-tick");
    expect(Number(next.token)).toBeGreaterThan(Number(stalled.token));
    const payload = { quotes: [quoteAt(NOON)] };
    await expect(ticks.commit(stalled, payload)).rejects.toMatchObject({ code: "PT409", message: "lease_lost" });
    await expect(ticks.finish(stalled)).rejects.toMatchObject({ code: "PT409", message: "lease_lost" });
    expect(await db.sql`select from public.quotes`).toHaveLength(0);
    expect(await db.sql`select outcome from public.tick_runs where id = ${stalled.run_id}`).toEqual([
      { outcome: "error" },
    ]);
  });

  it("can't commit with an expired lease even when nobody took over", async () => {
    const run = await ticks.start("trader-tick");
    await db.advanceClock(121);
    await expect(ticks.commit(run, {})).rejects.toMatchObject({ code: "PT409", message: "lease_lost" });
  });

  it("keeps its lease as long as it commits", async () => {
    const run = await ticks.start("trader-tick");
    for (let minute = 0; minute < 4; minute++) {
      await db.advanceClock(90);
      await ticks.commit(run, {});
    }
    expect(await ticks.begin("trader-tick")).toEqual({ outcome: "skipped", reason: "overlap" });
  });

  it("can't commit or finish twice after its end, nor with another's token", async () => {
    const run = await ticks.start("trader-tick");
    await expect(ticks.commit({ ...run, token: Number(run.token) + 1 }, {})).rejects.toMatchObject({ code: "PT409" });
    await ticks.finish(run);
    await expect(ticks.commit(run, {})).rejects.toMatchObject({ code: "PT409" });
    await expect(ticks.finish(run)).rejects.toMatchObject({ code: "PT409" });
  });

  it("of a disabled engine records a skipped run that says why", async () => {
    const slot = { slot: NOON, trigger: "cron" };
    expect(await ticks.begin("edge-factory-tick", slot)).toEqual({ outcome: "skipped", reason: "disabled" });
    expect(await ticks.begin("edge-factory-tick", slot)).toEqual({ outcome: "skipped", reason: "slot_taken" });
    expect(await db.sql`select name, outcome, reason, mode, duration_ms from public.tick_runs`).toEqual([
      {
        name: "edge-factory-tick",
        outcome: "skipped",
        reason: "EDGE_FACTORY_MODE is disabled",
        mode: "disabled",
        duration_ms: 0,
      },
    ]);
  });

  it("writes the knobs of its environment before it decides", async () => {
    const env = { EDGE_FACTORY_MODE: "paper", MAX_DAILY_NOTIONAL: "40" };
    const run = await ticks.start("edge-factory-tick", { env });
    expect(run.work.config.MAX_DAILY_NOTIONAL).toBe("40");
    await ticks.finish(run);
    expect(await ticks.begin("edge-factory-tick", { env: {} })).toEqual({ outcome: "skipped", reason: "disabled" });
    expect(await db.sql`select value from public.config where key = 'MAX_DAILY_NOTIONAL'`).toEqual([{ value: "50" }]);
  });

  it("with an unknown name is refused with the names there are", async () => {
    await expect(ticks.begin("lunch-tick")).rejects.toMatchObject({
      code: "PT404",
      message: "unknown_tick",
      detail: expect.stringContaining("trader-tick, edge-factory-tick and reposition-tick"),
    });
  });

  it("keeps how it ended, what it counted and how long it took", async () => {
    const good = await ticks.start("trader-tick", { slot: NOON, trigger: "cron" });
    await db.advanceClock(2);
    await ticks.finish(good, { outcome: "ok", counts: { scans: 5 } });
    const bad = await ticks.start("trader-tick", { trigger: "manual" });
    await ticks.finish(bad, { outcome: "error", error: "the market is closed" });
    expect(
      await db.sql`select trigger, mode, outcome, counts, error, duration_ms from public.tick_runs order by started_at`,
    ).toEqual([
      { trigger: "cron", mode: "paper", outcome: "ok", counts: { scans: 5 }, error: null, duration_ms: 2000 },
      { trigger: "manual", mode: "paper", outcome: "error", counts: {}, error: "the market is closed", duration_ms: 0 },
    ]);
    const [beat] = await db.sql`select status, details from public.health_heartbeat where component = 'trader-tick'`;
    expect(beat).toEqual({ status: "error", details: { error: "the market is closed" } });
  });

  it("stops a replay's clock while it works", async () => {
    await db.setClock(NOON, 1000);
    const run = await ticks.start("trader-tick");
    const clock = async () => (await db.sql<{ at: Date }[]>`select private.clock() as at`)[0]?.at.getTime() ?? 0;
    expect(await clock()).toBe(await clock());
    await ticks.finish(run);
    const [before, after] = [await clock(), await clock()];
    expect(after).toBeGreaterThan(before);
  });

  it("keeps a replay's clock held until the last of two runs is done", async () => {
    await db.setClock(NOON, 1000);
    const trader = await ticks.start("trader-tick");
    const reposition = await ticks.start("reposition-tick");
    await ticks.finish(trader);
    const held = await db.sql`select private.clock() as at`;
    expect(await db.sql`select private.clock() as at`).toEqual(held);
    await ticks.finish(reposition);
  });
});

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
      exit_states: [{ symbol: "BTC-USD", stop_price: "59000", high_water: "60100", trail_armed: true }],
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
