import type postgres from "postgres";
import type { TestDatabase } from "../tests/support/test-database.ts";
import { emit } from "./emit.ts";
import { openBenchMarket } from "./market.ts";

const EVENTS_PER_ORDER = 10;
const INSTRUMENTS = 20;
const LARGE = ["order_events", "crypto_orders", "order_intents", "audit_seals"];
const WRITTEN = ["order_intents", "crypto_orders", "order_events", "positions", "position_lots"];
const TIMES = 5;
const CHAIN = 5_000;
const LONG_CHAIN = "00000000-0000-4000-8001-000000000000";

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
  chain_of: { as: "owner", sql: `select private.chain_of('${LONG_CHAIN}')` },
  waiting_order: { as: "owner", sql: `select private.waiting_order('${LONG_CHAIN}')` },
  settle_intent: { as: "owner", sql: `select private.settle_intent('${LONG_CHAIN}')` },
  orphan_intents: { as: "owner", sql: "select private.orphan_intents()" },
  check_entry_money: {
    as: "owner",
    sql: "set local role zoe_engine; select private.check_entry_money('paper', 'B0000-USD', 25, null, 0)",
  },
  check_exit_quantity: {
    as: "owner",
    sql: "set local role zoe_engine; select private.check_exit_quantity('paper', 'B0001-USD', 1)",
  },
  find_broken_accounts: { as: "owner", sql: "select private.find_broken_accounts()" },
  find_broken_positions: { as: "owner", sql: "select private.find_broken_positions()" },
  find_broken_orders: {
    as: "owner",
    sql: "select private.find_broken_orders(array(select private.orders_to_check()))",
  },
  find_broken_intents: {
    as: "owner",
    sql: "select private.find_broken_intents(array(select private.orders_to_check()))",
  },
  verify_audit_log: { as: "owner", sql: "select public.verify_audit_log()" },
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
  emit("large_seal", (await timed(() => sealAll(db))) / 1000, "s");
  emit("large_full_verification", (await timed(() => db.sql`select public.verify_audit_log(true)`)) / 1000, "s");
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

/** Seals everything; a pass takes ten thousand rows of each table. */
async function sealAll(db: TestDatabase): Promise<void> {
  for (;;) {
    const [row] = await db.sql<{ sealed: number }[]>`select private.seal_audit() as sealed`;
    if (!row?.sealed) return;
  }
}

async function measure(name: string, sql: postgres.Sql, statement: string): Promise<number> {
  const times: number[] = [];
  let scanned: Record<string, number> = {};
  let rows = 0;
  for (let time = 0; time < TIMES; time += 1) {
    await sql.unsafe("begin");
    const before = await readsOf(sql);
    times.push(await timed(() => sql.unsafe(statement)));
    const after = await readsOf(sql);
    scanned = Object.fromEntries(LARGE.map((table) => [table, after.scans(table) - before.scans(table)]));
    rows = after.rows - before.rows;
    await sql.unsafe("rollback");
  }
  const total = Object.values(scanned).reduce((sum, count) => sum + count, 0);
  emit(`large_${name}`, Math.min(...times), "ms", {
    first: Math.round(times[0] ?? 0),
    sequential_scans: total,
    rows_of_large_tables: rows,
    ...(total > 0 ? { scanned } : {}),
  });
  return total;
}

/** What this session has read of the large tables and not yet handed in to the shared statistics. */
async function readsOf(sql: postgres.Sql): Promise<{ scans(table: string): number; rows: number }> {
  const reads = await sql<{ relname: string; scans: number; rows: number }[]>`
    select relname, seq_scan::int as scans, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as rows
    from pg_stat_xact_user_tables where schemaname = 'public' and relname in ${sql(LARGE)}`;
  const scans = new Map(reads.map((read) => [read.relname, read.scans]));
  return { scans: (table) => scans.get(table) ?? 0, rows: reads.reduce((sum, read) => sum + read.rows, 0) };
}

const timed = async (work: () => PromiseLike<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

/** An exit that was re-pegged for days: a chain of thousands of canceled orders, whose rest is still to be ordered. */
const LONG_CHAIN_ROWS = `
  insert into public.positions (mode, symbol, engine, qty, average_price, entry_price, cost_basis, opened_at)
  values ('paper', 'B0001-USD', 'trader', 1, 100, 100, 100, private.clock());
  insert into public.position_lots (mode, symbol, qty, remaining_qty, price, fee, remaining_fee, opened_at)
  values ('paper', 'B0001-USD', 1, 1, 100, 0, 0, private.clock());
  insert into public.order_intents (id, engine, mode, symbol, side, purpose, target_qty, limit_price, idempotency_key, payload, status, created_at, updated_at)
  values ('${LONG_CHAIN}', 'trader', 'paper', 'B0001-USD', 'sell', 'exit', 1, 99.99, 'long chain', '{}', 'active', private.clock(), private.clock());
  insert into public.crypto_orders (id, intent_group_id, parent_order_id, chain_position, engine, mode, symbol, side, purpose, status, qty, limit_price,
    ttl_seconds, replace_count, cancel_reason_code, requested_at, closed_at, updated_at)
  select ('00000000-0000-4000-8001-' || lpad(to_hex(i), 12, '0'))::uuid, '${LONG_CHAIN}',
    case when i > 1 then ('00000000-0000-4000-8001-' || lpad(to_hex(i - 1), 12, '0'))::uuid end, i - 1, 'trader', 'paper', 'B0001-USD', 'sell', 'exit',
    'canceled', 1, 99.99, 30, least(i - 1, 3), 'reprice', t.at, t.at, t.at
  from generate_series(1, ${CHAIN}) as i, lateral (select private.clock() - (${CHAIN} - i) * interval '30 seconds' as at) as t`;

/** Canceled entries of the last year, each with its intent and ten events, written past triggers and keys. */
async function load(db: TestDatabase, orders: number): Promise<void> {
  await db.admin.begin(async (sql) => {
    for (const table of WRITTEN) await sql.unsafe(`alter table public.${table} disable trigger all`);
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
    await sql.unsafe(LONG_CHAIN_ROWS);
    for (const table of WRITTEN) {
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
