import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { busyDay } from "../support/busy-day.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { entry, quoteAt } from "../support/tick-rpc.ts";

const NOON = "2026-03-01T12:00:00Z";

describe("everything at once", () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
    await busyDay(db);
    await db.sql`select vault.create_secret('http://127.0.0.1', 'project_url'), vault.create_secret('token', 'cron_token')`;
  });
  afterAll(() => db.drop());

  it("never deadlocks: ticks, submissions, the watchdog, the dispatch, kills, cancels and seals", async () => {
    const engine = db.as("service_role", {}, { max: 6 });
    const owner = db.connect("postgres", { max: 6 });
    const operator = await db.person("operator");
    const json = (value: unknown) => engine.json(value as never);
    const tick = async (name: string, payload: object) => {
      const [begun] = await engine`select public.begin_tick(${name}, null, 'wake', null) as run`;
      if (begun?.run.outcome === "skipped") return;
      const { run_id, token } = begun?.run ?? {};
      await engine`select public.commit_tick(${run_id}, ${token}, ${json(payload)})`;
      await engine`select public.finish_tick(${run_id}, ${token}, ${json({ outcome: "ok", heartbeats: [{ component: "broker_api", ok: true }] })})`;
    };
    const duties = [
      (n: number) =>
        tick("trader-tick", {
          quotes: [quoteAt(NOON, "ETH-USD", "2000", "2001"), quoteAt(NOON)],
          scans: [{ symbol: "BTC-USD", score: n % 2 ? null : 50, ...(n % 2 && { no_data_reason: "test" }) }],
          intents: [entry(`race ${n}`, { symbol: "SOL-USD", limit_price: "100" })],
        }),
      () =>
        tick("reposition-tick", {
          quotes: [quoteAt(NOON), quoteAt(NOON, "ETH-USD", "2000", "2001")],
          heartbeats: [{ component: "broker_api", ok: false }],
        }),
      (n: number) =>
        engine`select public.submit_intent(${json(entry(`intent ${n}`, { symbol: "ETH-USD", limit_price: "2000" }))})`,
      () => owner`select private.run_watchdog()`,
      () => owner`select private.dispatch_ticks()`,
      () => owner`select private.seal_audit(), private.check_invariants()`,
      (n: number) => owner`update public.config set value = ${n % 2 ? "true" : "false"} where key = 'kill_switch'`,
      () => owner`update public.crypto_orders set status = 'canceled' where status = 'working'`,
      (n: number) => operator.sql`select public.set_safe_mode(${n % 2 === 0}, 5)`,
      () =>
        operator.sql`select public.dashboard_header('paper'), public.dashboard_orders('paper'), public.dashboard_alerts('paper')`,
    ];
    const failures: string[] = [];
    await Promise.all(
      duties.map(async (duty, lane) => {
        for (let n = 0; n < 25; n++) {
          await duty(n).catch((error: { code?: string; message: string }) =>
            failures.push(`duty ${lane}: ${error.code} ${error.message}`),
          );
        }
      }),
    );
    expect(failures).toEqual([]);
    const [left] = await db.sql`
      select (select count(*)::integer from public.tick_runs where outcome = 'running') as running,
        (select count(*)::integer from public.alerts where kind = 'invariant') as broken`;
    expect(left).toEqual({ running: 0, broken: 0 });
  });

  it("lets the next run of a crashed tick begin beside the watchdog, which both say that it crashed", async () => {
    const [engine, owner] = [db.as("service_role"), db.connect("postgres")];
    const begin = () => engine`select public.begin_tick('reposition-tick', null, 'wake', null) as run`;
    await begin();
    await db.advanceClock(121);
    let next: ReturnType<typeof begin> | undefined;
    await owner.begin(async (sql) => {
      await sql`select private.lock_accounts()`;
      next = begin();
      next.catch(() => undefined);
      await vi.waitUntil(
        async () =>
          (await db.admin`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
            .length > 0,
      );
      await sql`select private.run_watchdog()`;
    });
    expect((await next)?.[0]?.run).toMatchObject({ outcome: "running" });
  });
});
