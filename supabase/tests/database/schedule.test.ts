import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";

describe("the schedule", () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.drop());

  it("has one job for each duty, all of postgres, and no more than eight", async () => {
    const jobs = await db.sql`select jobname, schedule from cron.job where username = 'postgres' order by jobname`;
    expect(jobs).toEqual([
      { jobname: "zoe-audit", schedule: "47 3 * * *" },
      { jobname: "zoe-cron-log", schedule: "41 * * * *" },
      { jobname: "zoe-dispatch", schedule: "5 seconds" },
      { jobname: "zoe-invariants", schedule: "* * * * *" },
      { jobname: "zoe-retention", schedule: "17 3 * * *" },
      { jobname: "zoe-seals", schedule: "* * * * *" },
      { jobname: "zoe-watchdog", schedule: "* * * * *" },
    ]);
  });

  it("runs commands that work, as the role that runs them", async () => {
    const jobs = await db.sql<{ command: string }[]>`select command from cron.job`;
    for (const { command } of jobs) await db.sql.unsafe(command);
  });

  it("keeps a day of pg_cron's own log", async () => {
    await db.admin`
      insert into cron.job_run_details (jobid, username, status, end_time)
      values (1, 'postgres', 'succeeded', now() - interval '25 hours'), (1, 'postgres', 'succeeded', now() - interval '23 hours')`;
    const [job] = await db.sql<{ command: string }[]>`select command from cron.job where jobname = 'zoe-cron-log'`;
    await db.sql.unsafe(job?.command ?? "");
    expect(await db.sql`select end_time > now() - interval '1 day' as recent from cron.job_run_details`).toEqual([
      { recent: true },
    ]);
  });
});

describe("the nightly retention", () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
    await db.setClock("2026-03-01T03:17:00Z");
  });
  afterAll(() => db.drop());

  const days = (count: number) =>
    `2026-03-01T03:17:00Z`.replace("2026-03-01", new Date(Date.UTC(2026, 2, 1 - count)).toISOString().slice(0, 10));

  it("deletes each kind of history after its own days, and says how much", async () => {
    for (const at of [days(15), days(13)]) {
      await db.sql`insert into public.candidate_scans (mode, symbol, score, created_at) values ('paper', 'BTC-USD', 50, ${at})`;
      await db.sql`insert into public.tick_runs (name, trigger, token, outcome, started_at) values ('trader-tick', 'cron', 1, 'ok', ${at})`;
    }
    for (const at of [days(91), days(89)]) {
      await db.sql`
        insert into public.crypto_candles (symbol, timeframe, open_time, open, high, low, close, volume)
        values ('BTC-USD', '1m', ${at}, 1, 1, 1, 1, 1)`;
    }
    await db.sql`
      insert into public.alerts (kind, mode, severity, title, detail, action, opened_at, resolved_at)
      values ('rejections', 'paper', 'info', 'old', '', '', ${days(400)}, ${days(200)}),
        ('audit', 'paper', 'info', 'old but open', '', '', ${days(400)}, null)`;
    const [row] = await db.sql`select private.run_retention() as deleted`;
    expect(row?.deleted).toMatchObject({ candidate_scans: 1, tick_runs: 1, crypto_candles: 1, alerts: 1, thoughts: 0 });
    expect(await db.sql`select title from public.alerts`).toEqual([{ title: "old but open" }]);
    expect(await db.sql`select created_at from public.candidate_scans`).toEqual([{ created_at: new Date(days(13)) }]);
  });

  it("obeys its knobs", async () => {
    await db.sql`update public.config set value = '10' where key = 'RETENTION_DAYS_SCANS'`;
    await db.sql`select private.run_retention()`;
    expect(await db.sql`select from public.candidate_scans`).toHaveLength(0);
  });

  it("keeps the last snapshot of each quarter of an hour after a week, and every one before that", async () => {
    await db.sql`
      insert into public.crypto_cash_snapshots (mode, cash_available, buying_power, equity, source, taken_at)
      select 'paper', n, n, n, 'test', at + make_interval(mins => n)
      from (values (${days(8)}::timestamptz), (${days(6)}::timestamptz)) as t (at)
      cross join generate_series(0, 29) as n`;
    await db.sql`select private.run_retention()`;
    const [left] = await db.sql<{ old: number; recent: number }[]>`
      select count(*) filter (where taken_at < ${days(7)})::integer as old, count(*) filter (where taken_at > ${days(7)})::integer as recent
      from public.crypto_cash_snapshots`;
    expect(left).toEqual({ old: 3, recent: 30 });
  });

  it("keeps each symbol's last scan of each quarter of an hour after a day", async () => {
    await db.sql`delete from public.candidate_scans where true`;
    await db.sql`
      insert into public.candidate_scans (mode, symbol, score, created_at)
      select 'paper', symbol, 50, at + make_interval(mins => n)
      from (values (${days(2)}::timestamptz), (${days(1)}::timestamptz)) as t (at)
      cross join (values ('BTC-USD'), ('ETH-USD')) as s (symbol) cross join generate_series(0, 12) as n`;
    await db.sql`select private.run_retention()`;
    const left = await db.sql`
      select symbol, count(*) filter (where created_at < ${days(1)})::integer as old, count(*) filter (where created_at >= ${days(1)})::integer as recent
      from public.candidate_scans group by symbol order by symbol`;
    expect([...left]).toEqual(["BTC-USD", "ETH-USD"].map((symbol) => ({ symbol, old: 1, recent: 13 })));
  });

  it("may not touch what is kept for ever", async () => {
    const kept = ["crypto_orders", "order_intents", "order_events", "crypto_fills", "cash_ledger"];
    for (const table of kept) {
      const [right] = await db.sql`select has_table_privilege('zoe_engine', ${`public.${table}`}, 'delete') as allowed`;
      expect({ table, ...right }).toEqual({ table, allowed: false });
    }
  });
});
