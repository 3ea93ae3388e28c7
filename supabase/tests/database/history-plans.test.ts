import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { accepted, entry, hold, openMarket, setKnob } from "./guards-fixture.ts";

const ORDERS = 30_000;
const CHAIN = 5_000;
const LARGE = ["crypto_orders", "order_intents", "order_events", "crypto_fills", "cash_ledger", "audit_seals"];
const LONG_EXIT = "00000000-0000-4000-8001-000000000000";
const LONG_ENTRY = "00000000-0000-4000-8002-000000000000";

let db: TestDatabase;
let owner: postgres.Sql;
beforeAll(async () => {
  db = await openMarket();
  await setKnob(db, "MAX_DAILY_NOTIONAL", "1000");
  await hold(db, "DOGE-USD", "100000");
  await db.admin.begin(async (sql) => {
    const written = ["crypto_orders", "order_intents", "order_events", "crypto_fills", "cash_ledger"];
    for (const table of written) await sql.unsafe(`alter table public.${table} disable trigger all`);
    await sql.unsafe(`
      insert into public.order_intents (id, engine, mode, symbol, side, purpose, target_notional, target_qty, limit_price, idempotency_key, payload, status)
      values
        ('${LONG_EXIT}', 'trader', 'paper', 'DOGE-USD', 'sell', 'exit', null, 100000, 100, 'long-exit', '{}', 'active'),
        ('${LONG_ENTRY}', 'trader', 'paper', 'SOL-USD', 'buy', 'entry', 25, null, 100, 'long-entry', '{}', 'active');
      insert into public.order_intents (engine, mode, symbol, side, purpose, target_notional, limit_price, idempotency_key, payload, status,
        filled_qty, filled_notional)
      select 'trader', 'paper', (array['BTC-USD', 'ETH-USD', 'SOL-USD', 'AVAX-USD'])[n % 4 + 1], 'buy', 'entry', 25, 100, 'old-' || n, '{}', 'filled', 0.25, 25
      from generate_series(1, ${ORDERS}) as n;
      insert into public.crypto_orders (intent_group_id, engine, mode, symbol, side, purpose, status, qty, filled_qty, average_price, limit_price, ttl_seconds,
        closed_at)
      select id, engine, mode, symbol, side, purpose, 'filled', 0.25, 0.25, 100, 100, 60, private.clock()
      from public.order_intents where idempotency_key like 'old-%';
      insert into public.crypto_fills (order_id, mode, fill_id, symbol, side, qty, price, executed_at)
      select id, mode, id, symbol, side, qty, 100, private.clock() from public.crypto_orders;
      insert into public.cash_ledger (mode, kind, amount, fill_id, actor) select mode, 'fill', -25, id, 'broker' from public.crypto_fills;
      insert into public.crypto_orders (intent_group_id, chain_position, engine, mode, symbol, side, purpose, status, qty, limit_price, ttl_seconds,
        replace_count, cancel_reason_code, reject_reason, closed_at)
      select i.id, n, i.engine, i.mode, i.symbol, i.side, i.purpose, case when n % 2 = 0 then 'rejected' else 'canceled' end, 1, 100, 30, least(n, 3),
        case when n % 2 = 1 then 'reprice' end, case when n % 2 = 0 then 'TOO_MANY' end, private.clock()
      from public.order_intents as i, generate_series(0, ${CHAIN - 1}) as n where i.idempotency_key like 'long-%';
      insert into public.order_events (order_id, intent_group_id, mode, symbol, event_type, to_status, actor)
      select id, intent_group_id, mode, symbol, 'created', 'new', 'trader-tick' from public.crypto_orders`);
    for (const table of written) await sql.unsafe(`alter table public.${table} enable trigger all`);
  });
  await db.sql`select private.seal_audit(200) from generate_series(1, 200)`;
  await db.sql`select public.verify_audit_log()`;
  await db.admin`vacuum analyze`;
  await db.sql`select private.check_invariants()`;
  owner = db.connect("postgres", { max: 1 });
}, 240_000);
afterAll(() => db.drop());

type Reads = { rows: number; scans: number };

/** What this session has read of the large tables and not handed in to the shared statistics yet. */
const readSoFar = async (sql: postgres.TransactionSql): Promise<Reads> => {
  const [row] = await sql<[Reads]>`
    select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int as rows, coalesce(sum(seq_scan), 0)::int as scans
    from pg_stat_xact_user_tables where schemaname = 'public' and relname in ${sql(LARGE)}`;
  return row;
};

/** What one statement reads of the large tables: rows, and scans from end to end. It is undone afterwards. */
async function reads(statement: string): Promise<Reads> {
  class Undo extends Error {}
  let read: Reads | undefined;
  const attempt = owner.begin(async (sql) => {
    const before = await readSoFar(sql);
    await sql.unsafe(statement);
    const after = await readSoFar(sql);
    read = { rows: after.rows - before.rows, scans: after.scans - before.scans };
    throw new Undo();
  });
  await expect(attempt).rejects.toBeInstanceOf(Undo);
  if (!read) throw new Error("nothing was read");
  return read;
}

const asEngine = (call: string) => `set local role zoe_engine; select ${call}`;

describe("after thousands of orders, in one chain and in all", () => {
  it.each([
    ["what is left of a chain", `select private.chain_of('${LONG_EXIT}')`, 10],
    ["the order that waits", `select private.waiting_order('${LONG_EXIT}')`, 10],
    ["when a refused exit is tried again", `select private.retry_at('${LONG_EXIT}')`, 20],
    ["the settling of an exit", `select private.settle_intent('${LONG_EXIT}')`, 60],
    ["the settling of an entry", `select private.settle_intent('${LONG_ENTRY}')`, 60],
    ["the search for intents without an order", "select private.orphan_intents()", 40],
    ["the recovery of intents", "select private.recover_intents()", 150],
    ["the money guard of an entry", asEngine("private.check_entry_money('paper', 'BTC-USD', 25, null, 0)"), 10],
    [
      "the money guard of a chain's next order",
      `select private.check_money_guards('paper', 'trader', 'SOL-USD', 0.1, 100, '${LONG_ENTRY}')`,
      10,
    ],
    ["the quantity guard of an exit", asEngine("private.check_exit_quantity('paper', 'DOGE-USD', 1)"), 10],
    ["the check of the accounts", "select private.find_broken_accounts()", 10],
    ["the check of the positions", "select private.find_broken_positions()", 10],
    [
      "the check of one order and its intent",
      `select private.find_broken_orders(array[id]), private.find_broken_intents(array[id])
       from (select id from public.crypto_orders where intent_group_id = '${LONG_EXIT}' order by chain_position limit 1) as o`,
      20,
    ],
    ["the minute's check of the book", "select private.check_invariants()", 5000],
    ["the verification of the log", "select public.verify_audit_log()", 10],
  ])("%s reads few rows and no large table from end to end", async (_, statement, most) => {
    const { rows, scans } = await reads(statement);
    expect(scans).toBe(0);
    expect(rows).toBeLessThanOrEqual(most);
  });

  it("the nightly look at old seals reads a slice, whatever there is", async () => {
    const few = await reads("select private.check_audit(2000)");
    const more = await reads("select private.check_audit(4000)");
    expect(few.rows).toBeLessThan(6000);
    expect(more.rows).toBeGreaterThan(few.rows + 1500);
  });

  it("and still finds what an intent's own open entry holds back, and what others do", async () => {
    await accepted(db, entry({ symbol: "BTC-USD", notional: "25" }));
    const [row] = await db.sql<{ own: string; others: string }[]>`
      select trim_scale(private.open_notional('paper', 'BTC-USD', (select intent_group_id from public.crypto_orders where status = 'new'))) as own,
        private.open_notional('paper', 'BTC-USD', ${LONG_ENTRY}) as others`;
    expect(row).toEqual({ own: "25", others: "0" });
  });
});
