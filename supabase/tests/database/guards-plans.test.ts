import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { accepted, asEngine, entry, exit, hold, openMarket, service, setKnob, submit } from "./guards-fixture.ts";

const ORDERS = 60_000;
const LARGE = ["crypto_orders", "order_intents", "order_events"];

let db: TestDatabase;
beforeAll(async () => {
  db = await openMarket();
  await setKnob(db, "MAX_DAILY_NOTIONAL", "1000");
  await db.admin.begin(async (sql) => {
    for (const table of LARGE) await sql.unsafe(`alter table public.${table} disable trigger user`);
    await sql`
      insert into public.order_intents (engine, mode, symbol, side, purpose, target_notional, limit_price, idempotency_key, payload, status)
      select 'trader', 'paper', (array['BTC-USD', 'ETH-USD', 'SOL-USD', 'AVAX-USD'])[n % 4 + 1], 'buy', 'entry', 25, 100, 'old-' || n, '{}',
        'filled'
      from generate_series(1, ${ORDERS}) as n`;
    await sql`
      insert into public.crypto_orders
        (intent_group_id, engine, mode, symbol, side, purpose, status, qty, filled_qty, limit_price, ttl_seconds, closed_at)
      select id, engine, mode, symbol, side, purpose, 'filled', 0.25, 0.25, 100, 60, private.clock() from public.order_intents`;
    await sql`
      insert into public.order_events (order_id, intent_group_id, mode, symbol, event_type, to_status, actor)
      select id, intent_group_id, mode, symbol, 'filled', 'filled', 'trader-tick' from public.crypto_orders`;
    for (const table of LARGE) await sql.unsafe(`alter table public.${table} enable trigger user`);
  });
  await db.admin`vacuum analyze`;
}, 240_000);
afterAll(() => db.drop());

/** The processes that serve somebody in this database; one writes its counts before it leaves the list. */
const backends = async () =>
  (
    await db.admin<{ pid: number }[]>`
      select pid from pg_stat_activity where datname = current_database() and usename <> 'supabase_admin'`
  ).map(({ pid }) => pid);

/** How often each large table was read from end to end by the given work; counts are complete once its connections have ended. */
async function sequentialScans(work: (own: TestDatabase) => Promise<unknown>): Promise<Record<string, number>> {
  const read = () =>
    db.admin`select relname, seq_scan::int as scans from pg_stat_user_tables where relname in ${db.admin(LARGE)}`;
  const before = new Map((await read()).map((row) => [row.relname, row.scans]));
  const others = new Set(await backends());
  const own = { ...db, sql: db.connect() };
  await work(own);
  await Promise.all([own.sql.end(), service(own).end()]);
  while ((await backends()).some((pid) => !others.has(pid))) await new Promise((resolve) => setTimeout(resolve, 20));
  return Object.fromEntries((await read()).map((row) => [row.relname, row.scans - before.get(row.relname)]));
}

describe("with many closed orders the guards and the lifecycle", () => {
  it("read no large table from end to end, however often their plans are reused", async () => {
    await hold(db, "DOGE-USD", "100000");
    const scans = await sequentialScans(async (own) => {
      for (let round = 0; round < 12; round++) {
        const id = await accepted(own, entry({ notional: "5" }));
        await submit(own, entry());
        await submit(own, entry({ symbol: "ETH-USD", notional: "26" }));
        await submit(own, exit({ symbol: "DOGE-USD", qty: "1000000" }));
        await own.sql`select private.work_is_due()`;
        await asEngine(own, async (sql) => {
          await sql`select private.claim_orders(gen_random_uuid(), ${round}, 100)`;
          await sql`select private.request_cancel(${id}, 'test', 'test')`;
          await sql`update public.crypto_orders set status = 'canceled', unresolved = false, next_action_at = null where id = ${id}`;
          await sql`update public.order_intents set status = 'canceled' where status = 'active'`;
        });
        await setKnob(own, "kill_switch", "true");
        await setKnob(own, "kill_switch", "false");
      }
    });
    expect(scans).toEqual({ crypto_orders: 0, order_intents: 0, order_events: 0 });
  });

  it("would be caught if they did", async () => {
    const scans = await sequentialScans(async (own) => {
      await submit(own, 42);
      await own.sql`select from public.order_events where actor = 'nobody'`;
    });
    expect(scans).toMatchObject({ crypto_orders: 0, order_events: 1 });
  });
});
