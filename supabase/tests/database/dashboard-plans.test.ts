import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BusyDay, busyDay } from "../support/busy-day.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

const NOON = "2026-03-01T12:00:00Z";
const LARGE = [
  "crypto_orders",
  "order_events",
  "crypto_fills",
  "crypto_cash_snapshots",
  "candidate_scans",
  "tick_runs",
  "thoughts",
];

/** The statements inside the dashboard's reads that meet large tables. */
const CALLS = [
  "dashboard_header('paper')",
  "dashboard_alerts('paper')",
  "dashboard_positions('paper')",
  "dashboard_orders('paper')",
  "dashboard_fills('paper')",
  "dashboard_scan('paper')",
  "dashboard_equity('paper', 365)",
  "dashboard_runs(50)",
  "dashboard_thoughts(50)",
];

describe("with many rows, as a viewer under row level security", () => {
  let db: TestDatabase;
  let day: BusyDay;
  let viewer: postgres.Sql;

  beforeAll(async () => {
    db = await testDatabase();
    day = await busyDay(db);
    viewer = (await db.person("viewer")).sql;
    await db.admin.begin(async (sql) => {
      // Many rows at once, past the triggers, which are not what is tested here.
      for (const table of LARGE) await sql.unsafe(`alter table public.${table} disable trigger user`);
      await sql.unsafe(`
        create temporary table made on commit drop as
          select gen_random_uuid() as id, '${NOON}'::timestamptz - make_interval(mins => n) as at from generate_series(1, 20000) as n;
        insert into public.crypto_orders (id, intent_group_id, engine, mode, symbol, side, purpose, status, qty, limit_price, filled_qty, ttl_seconds, requested_at, closed_at)
          select id, '${day.bought.intent}', 'trader', 'paper', 'BTC-USD', 'buy', 'entry', 'filled', 1, 1, 1, 60, at, at from made;
        insert into public.order_events (order_id, intent_group_id, mode, symbol, event_type, actor, ts)
          select id, gen_random_uuid(), 'paper', 'BTC-USD', 'filled', 'broker', at from made;
        insert into public.crypto_fills (order_id, mode, fill_id, symbol, side, qty, price, executed_at)
          select id, 'paper', id, 'BTC-USD', 'buy', 1, 1, at from made;
        insert into public.crypto_cash_snapshots (mode, cash_available, buying_power, equity, source, taken_at) select 'paper', 1, 1, 1, 'test', at from made;
        insert into public.candidate_scans (mode, symbol, score, created_at) select 'paper', 'BTC-USD', 1, at from made;
        insert into public.tick_runs (name, trigger, token, outcome, started_at) select 'trader-tick', 'cron', 1, 'ok', at from made;
        insert into public.thoughts (mode, engine, type, content, created_at) select 'paper', 'trader', 'scan', 'x', at from made`);
    });
    // A session hands in its last statistics when it ends.
    await db.admin`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
    await db.admin.unsafe(`analyze ${LARGE.map((table) => `public.${table}`).join(", ")}`);
  });
  afterAll(() => db.drop());

  /** How many rows of each large table were looked at so far, by anybody, in the table or by an index. */
  const rowsRead = async () => {
    await db.admin`select pg_stat_force_next_flush(), pg_stat_clear_snapshot()`;
    const rows = await db.admin<{ table: string; read: string }[]>`
      select relname as table, seq_tup_read + coalesce(idx_tup_fetch, 0) as read from pg_stat_user_tables
      where schemaname = 'public' and relname = any (${LARGE}) order by 1`;
    return rows.map(({ table, read }) => ({ table, read: Number(read) }));
  };
  /** The large tables of which a good part was looked at in between. */
  const walked = async (before: { table: string; read: number }[]) => {
    const after = await rowsRead();
    return after.filter(({ read }, index) => read - (before[index]?.read ?? 0) > 2000).map(({ table }) => table);
  };
  const flushed = (sql: postgres.Sql | postgres.TransactionSql) => sql`select pg_stat_force_next_flush()`;

  const timeline = () => `order_timeline('${day.working.intent}')`;
  it.each([...CALLS, "order_timeline"])("%s looks at few rows of the large tables", async (call) => {
    const before = await rowsRead();
    const [row] = await viewer.begin(async (sql) => {
      await flushed(sql);
      return sql.unsafe(`select public.${call === "order_timeline" ? timeline() : call} as answer`);
    });
    expect(row?.answer).toBeTruthy();
    await flushed(viewer);
    expect(await walked(before)).toEqual([]);
  });

  it("and neither does the watchdog, the dispatch, or a tick", async () => {
    const before = await rowsRead();
    await db.sql.begin(async (sql) => {
      await sql`select private.run_watchdog(), private.dispatch_ticks()`;
      await flushed(sql);
    });
    await flushed(db.sql);
    expect(await walked(before)).toEqual([]);
  });
});
