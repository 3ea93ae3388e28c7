import type postgres from "postgres";
import type { TestDatabase } from "../tests/support/test-database.ts";
import { emit } from "./emit.ts";
import { openBenchMarket } from "./market.ts";

const EVENTS_PER_ORDER = 10;
const INSTRUMENTS = 20;
const LARGE = ["order_events", "crypto_orders", "order_intents"];
const TIMES = 5;

/** What must stay fast whatever the book has grown to. Each statement runs in a transaction that is rolled back. */
const STATEMENTS: Readonly<Record<string, { readonly as: "engine" | "operator" | "owner"; readonly sql: string }>> = {
  submit_intent: {
    as: "engine",
    sql: `select public.submit_intent('{"engine": "trader", "mode": "paper", "symbol": "B0000-USD", "side": "buy", "purpose": "entry",
      "notional": "25", "limit_price": "99.99", "idempotency_key": "large"}')`,
  },
  begin_tick_reposition: { as: "engine", sql: "select public.begin_tick('reposition-tick')" },
  begin_tick_trader: { as: "engine", sql: "select public.begin_tick('trader-tick')" },
  dispatch_ticks: { as: "owner", sql: "select private.dispatch_ticks()" },
  run_watchdog: { as: "owner", sql: "select private.run_watchdog()" },
  check_invariants: { as: "owner", sql: "select private.check_invariants()" },
  seal_audit: { as: "owner", sql: "select private.seal_audit()" },
  dashboard_header: { as: "operator", sql: "select public.dashboard_header('paper')" },
  dashboard_alerts: { as: "operator", sql: "select public.dashboard_alerts('paper')" },
  dashboard_positions: { as: "operator", sql: "select public.dashboard_positions('paper')" },
  dashboard_orders: { as: "operator", sql: "select public.dashboard_orders('paper')" },
  dashboard_fills: { as: "operator", sql: "select public.dashboard_fills('paper')" },
  dashboard_scan: { as: "operator", sql: "select public.dashboard_scan('paper')" },
  dashboard_prices: { as: "operator", sql: "select public.dashboard_prices()" },
  dashboard_thoughts: { as: "operator", sql: "select public.dashboard_thoughts(50)" },
  dashboard_config: { as: "operator", sql: "select public.dashboard_config()" },
  dashboard_equity: { as: "operator", sql: "select public.dashboard_equity('paper', 30)" },
  dashboard_health: { as: "operator", sql: "select public.dashboard_health('paper')" },
  dashboard_runs: { as: "operator", sql: "select public.dashboard_runs(50)" },
  dashboard_reconciliations: { as: "operator", sql: "select public.dashboard_reconciliations('paper')" },
  order_timeline: {
    as: "operator",
    sql: "select public.order_timeline((select intent_group_id from public.crypto_orders where mode = 'paper' order by requested_at desc limit 1))",
  },
};

/** Loads a book of so many orders with ten events each, then times what reads it and counts sequential scans of the large tables. */
export async function benchLarge(db: TestDatabase, orders: number): Promise<void> {
  await openBenchMarket(db, INSTRUMENTS);
  const loaded = await timed(() => load(db, orders));
  const [counts] = await db.admin`
    select (select count(*) from public.order_events)::int as order_events, (select count(*) from public.crypto_orders)::int as crypto_orders`;
  emit("large_load", loaded / 1000, "s", { ...counts });
  emit("large_first_seal", (await timed(() => db.sql`select private.seal_audit()`)) / 1000, "s");
  const operator = await db.person("operator");
  const sessions = {
    owner: db.connect("postgres", { max: 1 }),
    engine: db.as("service_role", {}, { max: 1 }),
    operator: db.as("authenticated", { sub: operator.id }, { max: 1 }),
  };
  let scans = 0;
  for (const [name, { as, sql }] of Object.entries(STATEMENTS)) scans += await measure(name, sessions[as], sql);
  emit("large_sequential_scans", scans, "scans of a large table");
}

async function measure(name: string, sql: postgres.Sql, statement: string): Promise<number> {
  const times: number[] = [];
  let scanned: Record<string, number> = {};
  for (let time = 0; time < TIMES; time += 1) {
    await sql.unsafe("begin");
    const before = await scansOf(sql);
    times.push(await timed(() => sql.unsafe(statement)));
    const after = await scansOf(sql);
    scanned = Object.fromEntries(LARGE.map((table) => [table, (after[table] ?? 0) - (before[table] ?? 0)]));
    await sql.unsafe("rollback");
  }
  const total = Object.values(scanned).reduce((sum, count) => sum + count, 0);
  emit(`large_${name}`, Math.min(...times), "ms", {
    first: Math.round(times[0] ?? 0),
    sequential_scans: total,
    ...(total > 0 ? { scanned } : {}),
  });
  return total;
}

/** Sequential scans by this session that are not in the shared statistics yet. */
async function scansOf(sql: postgres.Sql): Promise<Record<string, number>> {
  const rows = await sql<{ relname: string; seq_scan: number }[]>`
    select relname, seq_scan::int from pg_stat_xact_user_tables where schemaname = 'public' and relname in ${sql(LARGE)}`;
  return Object.fromEntries(rows.map(({ relname, seq_scan }) => [relname, seq_scan]));
}

const timed = async (work: () => PromiseLike<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

/** Canceled entries of the last year, each with its intent and ten events, written past triggers and keys. */
async function load(db: TestDatabase, orders: number): Promise<void> {
  await db.admin.begin(async (sql) => {
    for (const table of ["order_intents", "crypto_orders", "order_events"])
      await sql.unsafe(`alter table public.${table} disable trigger all`);
    await sql.unsafe(`
      insert into public.order_intents (id, engine, mode, symbol, side, purpose, target_notional, limit_price, idempotency_key, payload, status, created_at, updated_at)
      select ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'trader', case i % 4 when 0 then 'live' else 'paper' end,
        'B' || lpad((i % ${INSTRUMENTS})::text, 4, '0') || '-USD', 'buy', 'entry', 25, 99.99, 'large ' || i, '{}', 'canceled', t.at, t.at
      from generate_series(1, ${orders}) as i, lateral (select private.clock() - (${orders} - i + 60) * interval '30 seconds' as at) as t;
      insert into public.crypto_orders (id, intent_group_id, engine, mode, symbol, side, purpose, status, qty, limit_price, ttl_seconds,
        cancel_reason_code, requested_at, submitted_at, acknowledged_at, closed_at, updated_at)
      select i.id, i.id, i.engine, i.mode, i.symbol, i.side, i.purpose, 'canceled', 0.25, 99.99, 60, 'max_reprices',
        i.created_at, i.created_at, i.created_at, i.created_at, i.created_at
      from public.order_intents as i where i.idempotency_key like 'large %';
      insert into public.order_events (order_id, intent_group_id, mode, symbol, event_type, from_status, to_status, price, qty, filled_qty, remaining_qty, actor, ts)
      select o.id, o.id, o.mode, o.symbol, s.status, s.before, s.status, 99.99, 0.25, 0, 0.25, 'bench', o.requested_at
      from public.crypto_orders as o, lateral (
        select k, case k when 1 then null when 2 then 'new' when 3 then 'submitted' when 10 then 'cancel_pending' else 'working' end as before,
          case k when 1 then 'new' when 2 then 'submitted' when 9 then 'cancel_pending' when 10 then 'canceled' else 'working' end as status
        from generate_series(1, ${EVENTS_PER_ORDER}) as k
      ) as s`);
    for (const table of ["order_intents", "crypto_orders", "order_events"]) {
      await sql.unsafe(`alter table public.${table} enable trigger all`);
      await alwaysAgain(sql, table);
    }
  });
  await db.admin.unsafe("vacuum analyze");
}

/** `enable trigger all` makes ordinary triggers of those that are always on. */
async function alwaysAgain(sql: postgres.TransactionSql, table: string): Promise<void> {
  const triggers = await sql`
    select tgname from pg_trigger where tgrelid = ${`public.${table}`}::regclass and not tgisinternal`;
  for (const { tgname } of triggers) await sql.unsafe(`alter table public.${table} enable always trigger ${tgname}`);
}
