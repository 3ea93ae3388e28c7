import { beforeEach, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { quoteAt, type StartedRun, tickRpc } from "../support/tick-rpc.ts";

const NOON = "2026-03-01T12:00:00Z";
let db: TestDatabase;
let ticks: ReturnType<typeof tickRpc>;
let run: StartedRun;

const open = async () =>
  (await db.sql`select kind from public.alerts where resolved_at is null order by kind`).map(({ kind }) => kind);
const account = async () =>
  (await db.sql`select safe_mode, safe_mode_reason, safe_mode_until from public.accounts where mode = 'paper'`)[0];
const broker = async () =>
  (
    await db.sql`select status, errors_in_a_row, latency_ms, details from public.health_heartbeat where component = 'broker_api' and mode = 'paper'`
  )[0];
const answer = (ok: boolean) =>
  ticks.commit(run, {
    heartbeats: [
      {
        component: "broker_api",
        ok,
        latency_ms: 120,
        ...(!ok && { status: "error", details: { detail: "503 from the broker" } }),
      },
    ],
  });
const scan = (score: number | null) =>
  ticks.commit(run, { scans: [{ symbol: "BTC-USD", score, ...(score === null && { no_data_reason: "no candles" }) }] });

beforeEach(async () => {
  db = await testDatabase();
  ticks = tickRpc(db);
  await db.setClock(NOON);
  run = await ticks.start("trader-tick");
  await ticks.commit(run, { quotes: [quoteAt(NOON)] });
  return () => db.drop();
});

describe("the broker's API", () => {
  it("is degraded after three errors in a row, and halts entries", async () => {
    await answer(false);
    await answer(false);
    expect(await broker()).toMatchObject({ status: "warning", errors_in_a_row: 2 });
    expect(await account()).toMatchObject({ safe_mode: false });
    await answer(false);
    expect(await broker()).toMatchObject({
      status: "error",
      errors_in_a_row: 3,
      latency_ms: 120,
      details: { detail: "503 from the broker" },
    });
    expect(await account()).toMatchObject({
      safe_mode: true,
      safe_mode_reason: "broker_errors",
      safe_mode_until: null,
    });
    expect(await open()).toEqual(["api_degraded", "safe_mode"]);
    const [alert] = await db.sql`select title, detail from public.alerts where kind = 'api_degraded'`;
    expect(alert?.title).toContain("System degraded");
    expect(alert?.detail).toContain("503 from the broker");
  });

  it("is well again after three good answers in a row, not before", async () => {
    for (const ok of [false, false, false, true, true, false, true, true]) await answer(ok);
    expect(await broker()).toMatchObject({ status: "error" });
    expect(await account()).toMatchObject({ safe_mode: true });
    await answer(true);
    expect(await broker()).toMatchObject({ status: "ok", errors_in_a_row: 0 });
    expect(await account()).toMatchObject({ safe_mode: false });
    expect(await open()).toEqual([]);
  });

  it("is not degraded by errors that good answers interrupt", async () => {
    for (const ok of [false, false, true, false, false, true, false]) await answer(ok);
    expect(await account()).toMatchObject({ safe_mode: false });
    expect(await open()).toEqual([]);
  });

  it("that recovers does not end a safe mode an operator began", async () => {
    await db.sql`select public.set_safe_mode(true, 60)`;
    for (const ok of [false, false, false, true, true, true]) await answer(ok);
    expect(await account()).toMatchObject({ safe_mode: true, safe_mode_reason: "operator" });
  });

  it("obeys its knob", async () => {
    await db.sql`update public.config set value = '1' where key = 'SAFE_MODE_BROKER_ERRORS'`;
    await answer(false);
    expect(await account()).toMatchObject({ safe_mode: true });
    await answer(true);
    expect(await account()).toMatchObject({ safe_mode: false });
  });
});

describe("empty scans", () => {
  it("begin safe mode for five minutes when three come in a row, and say so", async () => {
    await scan(null);
    await scan(null);
    expect(await account()).toMatchObject({ safe_mode: false });
    await scan(null);
    expect(await account()).toEqual({
      safe_mode: true,
      safe_mode_reason: "empty_scans",
      safe_mode_until: new Date("2026-03-01T12:05:00Z"),
    });
    expect(await open()).toEqual(["empty_scans", "safe_mode"]);
    expect(await db.sql`select count from public.alerts where kind = 'empty_scans'`).toEqual([{ count: 3 }]);
  });

  it("are forgotten when one symbol can be scored, but the five minutes last", async () => {
    for (const score of [null, null, null, 40]) await scan(score);
    expect(await open()).toEqual(["safe_mode"]);
    expect(await account()).toMatchObject({ safe_mode: true });
    await db.advanceClock(301);
    await db.sql`select private.run_watchdog()`;
    expect(await account()).toMatchObject({ safe_mode: false });
    expect(await open()).not.toContain("safe_mode");
  });

  it("that are interrupted begin nothing: low scores are no empty scan", async () => {
    for (const score of [null, null, 0, null, null]) await scan(score);
    expect(await account()).toMatchObject({ safe_mode: false });
  });

  it("of no symbol at all count too", async () => {
    for (let n = 0; n < 3; n++) await ticks.commit(run, { scans: [] });
    expect(await account()).toMatchObject({ safe_mode: true, safe_mode_reason: "empty_scans" });
  });

  it("do not shorten the safe mode of a broker that is down", async () => {
    for (let n = 0; n < 3; n++) await answer(false);
    for (let n = 0; n < 3; n++) await scan(null);
    expect(await account()).toMatchObject({ safe_mode_reason: "broker_errors", safe_mode_until: null });
  });
});

describe("what the state says", () => {
  it("is told by alerts in the very transaction that changes it, also from the SQL editor", async () => {
    await db.sql`UPDATE config SET value = 'true' WHERE key = 'kill_switch';`;
    expect(await open()).toContain("kill_switch");
    await db.sql`UPDATE config SET value = 'false' WHERE key = 'kill_switch';`;
    expect(await open()).not.toContain("kill_switch");
    await db.sql`select private.enter_degraded('paper', 'cash differs by 5 USD')`;
    const [alert] =
      await db.sql`select mode, title, detail from public.alerts where kind = 'degraded' and resolved_at is null`;
    expect(alert).toMatchObject({
      mode: "paper",
      title: expect.stringContaining("System degraded"),
      detail: expect.stringContaining("cash differs by 5 USD"),
    });
    await db.sql`select private.leave_degraded('paper')`;
    expect(await open()).not.toContain("degraded");
  });
});

describe("a heartbeat", () => {
  it("keeps since when a component is as it is, and its errors in a row", async () => {
    const beat = (ok: boolean) =>
      ticks.commit(run, {
        heartbeats: [{ component: "market_data", ok, latency_ms: 50, details: { source: "test" } }],
      });
    await beat(true);
    await db.advanceClock(30);
    await beat(true);
    const read = () =>
      db.sql`select status, since, last_heartbeat, errors_in_a_row from public.health_heartbeat where component = 'market_data' and mode = 'paper'`;
    const later = new Date("2026-03-01T12:00:30Z");
    expect(await read()).toEqual([{ status: "ok", since: new Date(NOON), last_heartbeat: later, errors_in_a_row: 0 }]);
    await beat(false);
    await beat(false);
    expect(await read()).toEqual([{ status: "error", since: later, last_heartbeat: later, errors_in_a_row: 2 }]);
  });

  it("of a tick that serves both modes is told to both", async () => {
    await ticks.finish(await ticks.start("reposition-tick"));
    expect(
      await db.sql`select mode from public.health_heartbeat where component = 'reposition-tick' order by mode`,
    ).toEqual([{ mode: "live" }, { mode: "paper" }]);
  });

  it("of Realtime names a table that is no longer published", async () => {
    const beat = async () =>
      (
        await db.sql`select status, details from public.health_heartbeat where component = 'realtime' and mode = 'paper'`
      )[0];
    await db.sql`select private.run_watchdog()`;
    expect(await beat()).toEqual({ status: "ok", details: { listening: false } });
    await db.sql`alter publication supabase_realtime drop table public.crypto_orders`;
    await db.sql`select private.run_watchdog()`;
    expect(await beat()).toEqual({ status: "error", details: { listening: false, not_published: ["crypto_orders"] } });
  });
});
