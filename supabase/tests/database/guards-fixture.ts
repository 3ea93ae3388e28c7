import type postgres from "postgres";
import { type TestDatabase, testDatabase } from "../support/database.ts";

export const NOON = "2026-03-01T12:00:00Z";
export const ARMING_PHRASE = "I UNDERSTAND THIS IS REAL MONEY";

export interface Answer {
  status: "accepted" | "denied";
  intent_id?: string;
  order_id?: string;
  code?: string;
  message?: string;
  evidence?: Record<string, unknown>;
}
export type Intent = Record<string, unknown>;
type Sql = postgres.TransactionSql;

/** A market of five instruments with fresh quotes at noon, 2,000 USD in both modes, and the trader at work on paper. */
export async function openMarket(): Promise<TestDatabase> {
  const db = await testDatabase();
  await db.setClock(NOON);
  await quoteAll(db);
  await asEngine(db, async (sql) => {
    await sql`select private.lock_account(mode) from public.accounts`;
    await sql`update public.accounts set cash = 2000, opened_at = private.clock() where true`;
  });
  return db;
}

/** Runs statements as the engine's role, as its functions do. */
export function asEngine<Result>(db: TestDatabase, work: (sql: Sql) => Result | Promise<Result>) {
  return db.sql.begin(async (sql) => {
    await sql`set local role zoe_engine`;
    return await work(sql);
  });
}

/** Puts a fresh quote of 99.99 / 100.01 on every instrument (the price does not matter to the guards). */
export async function quoteAll(db: TestDatabase): Promise<void> {
  await asEngine(
    db,
    (sql) => sql`
      insert into public.quotes (symbol, bid, ask, source, observed_at)
      select symbol, 99.99, 100.01, 'test', private.clock() from public.instruments
      on conflict (symbol) do update set bid = 99.99, ask = 100.01, observed_at = excluded.observed_at`,
  );
}

/** Gives the clock's next moments a fresh quote as well. */
export async function passTime(db: TestDatabase, seconds: number): Promise<void> {
  await db.advanceClock(seconds);
  await quoteAll(db);
}

let keys = 0;

/** An entry of 25 USD in BTC-USD that every guard lets pass. */
export const entry = (change: Intent = {}): Intent => ({
  engine: "trader",
  mode: "paper",
  symbol: "BTC-USD",
  side: "buy",
  purpose: "entry",
  notional: "25",
  limit_price: "100",
  idempotency_key: `key-${++keys}`,
  ...change,
});

/** An exit of 0.1 in BTC-USD; pass what is held with `hold` first. */
export function exit(change: Intent = {}): Intent {
  const { notional: _, ...rest } = entry({ side: "sell", purpose: "exit", qty: "0.1", ...change });
  return rest;
}

/** Submits an intent with the secret key's role, or on the given connection. */
export async function submit(db: TestDatabase, intent: unknown, sql: postgres.Sql = service(db)): Promise<Answer> {
  const [row] = await sql<
    { answer: Answer }[]
  >`select public.submit_intent(${sql.json(intent as postgres.JSONValue)}) as answer`;
  if (!row) throw new Error("submit_intent answered nothing");
  return row.answer;
}

const services = new WeakMap<TestDatabase, postgres.Sql>();

/** One client of the role service_role for each database. */
export function service(db: TestDatabase): postgres.Sql {
  const sql = services.get(db) ?? db.as("service_role");
  services.set(db, sql);
  return sql;
}

/** Changes a knob as the SQL editor does. */
export async function setKnob(db: TestDatabase, key: string, value: string): Promise<void> {
  await db.sql`update public.config set value = ${value} where key = ${key}`;
}

/** Books a position without the story of how it came about. */
export async function hold(db: TestDatabase, symbol: string, qty: string, engine = "trader", mode = "paper") {
  await asEngine(
    db,
    (sql) => sql`
      insert into public.positions (mode, symbol, engine, qty, cost_basis, average_price, opened_at)
      values (${mode}, ${symbol}, ${engine}, ${qty}, 0, 100, private.clock())
      on conflict (mode, symbol) do update set qty = excluded.qty, engine = excluded.engine`,
  );
}

/** Moves an order to a status along legal steps only, as reports of the broker would. */
export async function moveOrder(db: TestDatabase, id: string, ...statuses: string[]): Promise<void> {
  for (const status of statuses) {
    await asEngine(
      db,
      (sql) => sql`
        update public.crypto_orders
        set status = ${status}, unresolved = ${status === "submitted"},
            cancel_reason_code = case when ${status} = 'cancel_pending' then 'test' else cancel_reason_code end,
            filled_qty = case when ${status} = 'filled' then qty else filled_qty end
        where id = ${id}`,
    );
  }
}

/** Reads one order's row. */
export async function order(db: TestDatabase, id: string | undefined) {
  const [row] = await db.sql`select * from public.crypto_orders where id = ${id ?? null}`;
  if (!row) throw new Error(`no order ${id}`);
  return row;
}

/** Submits an intent that must be accepted, and returns its order's id. */
export async function accepted(db: TestDatabase, intent: Intent): Promise<string> {
  const answer = await submit(db, intent);
  if (answer.status !== "accepted" || !answer.order_id) throw new Error(`not accepted: ${JSON.stringify(answer)}`);
  return answer.order_id;
}
