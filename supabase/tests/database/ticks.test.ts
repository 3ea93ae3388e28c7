import { beforeEach, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { quoteAt, tickRpc } from "../support/tick-rpc.ts";

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
      account: {
        cash: "0",
        reserved_cash: "0",
        free_cash: "0",
        day_notional: "0",
        daily_notional_left: "50",
        opened: false,
      },
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

  it("is not run for a slot still to come, nor for one that a later slot has overtaken", async () => {
    const begin = (slot: string) => ticks.begin("trader-tick", { slot, trigger: "cron" });
    expect(await begin("2026-03-01T12:01:00Z")).toEqual({ outcome: "skipped", reason: "not_due" });
    await ticks.finish(await ticks.start("trader-tick", { slot: NOON, trigger: "cron" }));
    expect(await begin("2026-03-01T11:58:00Z")).toEqual({ outcome: "skipped", reason: "slot_taken" });
    expect(await db.sql`select slot from public.tick_runs`).toEqual([{ slot: new Date(NOON) }]);
  });

  it("is run for a slot whose call was late, as long as no later one was", async () => {
    const run = await ticks.start("trader-tick", { slot: "2026-03-01T11:55:30Z", trigger: "cron" });
    expect(run.now).toBe("2026-03-01T12:00:00.000000Z");
    expect(await db.sql`select slot from public.tick_runs`).toEqual([{ slot: new Date("2026-03-01T11:55:00Z") }]);
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
    expect(
      await db.sql`select status, details from public.health_heartbeat where component = 'edge-factory-tick'`,
    ).toEqual([{ status: "ok", details: { detail: "EDGE_FACTORY_MODE is disabled" } }]);
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
