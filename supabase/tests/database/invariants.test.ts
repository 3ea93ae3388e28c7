import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { applyOne, brokenInvariants, handOver, openBooks, orderOf } from "./money-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
  const bought = await handOver(db, { symbol: "ETH-USD", qty: "2", price: "100" });
  await applyOne(db, bought, { state: "filled", filled_qty: "2", average_price: "100", fee: "1" });
  const sold = await handOver(db, { symbol: "ETH-USD", side: "sell", qty: "0.5", price: "110" });
  await applyOne(db, sold, { state: "filled", filled_qty: "0.5", average_price: "110", fee: "0.5" });
});

afterAll(async () => {
  await db.drop();
});

const BOOK = [
  "crypto_orders",
  "crypto_fills",
  "cash_ledger",
  "positions",
  "position_lots",
  "accounts",
  "order_intents",
];

/** Does what only the owner of the database can do: writes with every trigger off. */
const tamper = (work: (sql: postgres.TransactionSql) => Promise<unknown>) =>
  db.admin.begin(async (sql) => {
    for (const table of BOOK) {
      await sql.unsafe(`alter table public.${table} disable trigger all`);
    }
    await work(sql);
    for (const table of BOOK) {
      await sql.unsafe(`alter table public.${table} enable trigger all`);
    }
  });

const named = async () => {
  const rows = await db.sql<{ key: string }[]>`
    select key from public.alerts where kind = 'invariant' and resolved_at is null order by key`;
  return rows.map((row) => row.key);
};

/** Breaks a row, expects the alert that names it, mends it, and expects the alert to be gone. */
async function breakAndMend(name: string, breakIt: string, mendIt: string) {
  await tamper((sql) => sql.unsafe(breakIt));
  expect(await brokenInvariants(db)).toBeGreaterThan(0);
  expect(await named()).toContain(name);
  expect(await brokenInvariants(db)).toBeGreaterThan(0);
  await tamper((sql) => sql.unsafe(mendIt));
  expect(await brokenInvariants(db)).toBe(0);
  expect(await named()).toEqual([]);
}

describe("the invariant job", () => {
  it("finds nothing in books that were written by the engine", async () => {
    await handOver(db, { symbol: "SOL-USD", qty: "1", price: "100" });
    expect(await brokenInvariants(db)).toBe(0);
    expect(await named()).toEqual([]);
  });

  it("names an account whose cash is not the ledger's sum", () =>
    breakAndMend(
      "accounts paper cash",
      "update public.accounts set cash = cash + 0.01 where mode = 'paper'",
      "update public.accounts set cash = cash - 0.01 where mode = 'paper'",
    ));

  it("names an account whose reserved cash is not what open buys hold back", () =>
    breakAndMend(
      "accounts paper reserved_cash",
      "update public.accounts set reserved_cash = 0 where mode = 'paper'",
      "update public.accounts set reserved_cash = 100 where mode = 'paper'",
    ));

  it("names a position that holds something else than its lots", () =>
    breakAndMend(
      "positions paper ETH-USD",
      "update public.positions set qty = qty + 1 where symbol = 'ETH-USD' and mode = 'paper'",
      "update public.positions set qty = qty - 1 where symbol = 'ETH-USD' and mode = 'paper'",
    ));

  it("names a lot of which more is gone than was closed", async () => {
    const [lot] = await db.sql<{ id: string }[]>`select id from public.position_lots where symbol = 'ETH-USD'`;
    await breakAndMend(
      `position_lots ${lot?.id}`,
      `update public.position_lots set qty = qty + 1 where id = ${lot?.id}`,
      `update public.position_lots set qty = qty - 1 where id = ${lot?.id}`,
    );
  });

  it("names an order whose filled quantity is not the sum of its fills", async () => {
    const [order] = await db.sql<
      { id: string }[]
    >`select id from public.crypto_orders where symbol = 'ETH-USD' and side = 'sell'`;
    await breakAndMend(
      `crypto_orders ${order?.id}`,
      `update public.crypto_orders set filled_qty = 0.6 where id = '${order?.id}'`,
      `update public.crypto_orders set filled_qty = 0.5 where id = '${order?.id}'`,
    );
  });

  it("names an order one of whose fills never reached the cash ledger as it should", async () => {
    const [order] = await db.sql<
      { id: string }[]
    >`select id from public.crypto_orders where symbol = 'ETH-USD' and side = 'buy'`;
    await tamper((sql) => sql`update public.crypto_fills set price = 99 where order_id = ${order?.id ?? null}`);
    await brokenInvariants(db);
    expect(await named()).toEqual([`crypto_orders ${order?.id}`]);
    await tamper((sql) => sql`update public.crypto_fills set price = 100 where order_id = ${order?.id ?? null}`);
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("names an order without an intent", async () => {
    const [order] = await db.sql<{ id: string; intent_group_id: string }[]>`
      select id, intent_group_id from public.crypto_orders where symbol = 'SOL-USD'`;
    await breakAndMend(
      `crypto_orders ${order?.id}`,
      `update public.crypto_orders set intent_group_id = '${randomUUID()}' where id = '${order?.id}'`,
      `update public.crypto_orders set intent_group_id = '${order?.intent_group_id}' where id = '${order?.id}'`,
    );
  });

  it("names two live orders of one symbol and side, even when the index that forbids them is gone", async () => {
    const id = await handOver(db, { symbol: "AVAX-USD" });
    await db.admin`drop index public.crypto_orders_one_live_per_purpose`;
    const other = await handOver(db, { symbol: "AVAX-USD" });
    expect(await brokenInvariants(db)).toBe(1);
    expect(await named()).toEqual(["crypto_orders paper AVAX-USD buy"]);
    await applyOne(db, other, { kind: "refused" });
    await applyOne(db, id, { kind: "refused" });
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("names an intent whose kept sums are not what its orders filled", async () => {
    const [intent] = await db.sql<{ id: string }[]>`
      select i.id from public.order_intents as i join public.crypto_orders as o on o.intent_group_id = i.id
      where o.filled_qty > 0 and i.filled_qty = o.filled_qty limit 1`;
    await breakAndMend(
      `order_intents ${intent?.id}`,
      `update public.order_intents set filled_notional = filled_notional + 0.00000001 where id = '${intent?.id}'`,
      `update public.order_intents set filled_notional = filled_notional - 0.00000001 where id = '${intent?.id}'`,
    );
  });

  it("comes round to every order in slices, the old and closed ones too", async () => {
    const [old] = await db.sql<
      { id: string; intent_group_id: string }[]
    >`select id, intent_group_id from public.crypto_orders where status = 'filled' order by id limit 1`;
    const broken = [`crypto_orders ${old?.id}`, `order_intents ${old?.intent_group_id}`];
    await tamper(
      (sql) => sql`
        insert into public.order_intents (engine, mode, symbol, side, purpose, target_qty, limit_price, idempotency_key, payload, status)
        select 'trader', 'live', 'BTC-USD', 'sell', 'exit', 1, 1, 'slice-' || n, '{}', 'canceled' from generate_series(1, 1500) as n`,
    );
    await tamper(
      (sql) => sql`
      insert into public.crypto_orders (intent_group_id, engine, mode, symbol, side, purpose, qty, limit_price, ttl_seconds, status)
      select id, 'trader', 'live', 'BTC-USD', 'sell', 'exit', 1, 1, 30, 'canceled' from public.order_intents
      where idempotency_key like 'slice-%'`,
    );
    await brokenInvariants(db);
    await tamper(
      (sql) => sql`update public.crypto_orders set filled_qty = filled_qty + 1 where id = ${old?.id ?? null}`,
    );
    let runs = 0;
    while ((await named()).length === 0 && runs < 10) {
      await brokenInvariants(db);
      runs += 1;
    }
    expect((await named()).sort()).toEqual(broken);
    expect(runs).toBeLessThanOrEqual(5);
    await brokenInvariants(db);
    expect((await named()).sort()).toEqual(broken);
    await tamper(
      (sql) => sql`update public.crypto_orders set filled_qty = filled_qty - 1 where id = ${old?.id ?? null}`,
    );
    expect(await brokenInvariants(db)).toBe(0);
    expect((await orderOf(db, old?.id)).status).toBe("filled");
  });
});
