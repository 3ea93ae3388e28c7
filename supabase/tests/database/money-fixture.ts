import type postgres from "postgres";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { asEngine, NOON, service } from "./guards-fixture.ts";

export { asEngine, NOON, service } from "./guards-fixture.ts";

export type Report = Record<string, unknown>;
export interface ReportAnswer {
  order_id: string;
  result: "applied" | "unchanged" | "lease_lost" | "unknown_order" | "invalid";
  status?: string;
  child_order_id?: string;
}
export interface Verdict {
  mode: string;
  status: "ok" | "suspect" | "degraded" | "skipped";
  reason?: string;
}

/** Books opened at noon with 2,000 USD in both modes, quotes of 99.99 / 100.01, and limits out of the way. */
export async function openBooks(): Promise<TestDatabase> {
  const db = await testDatabase();
  await db.setClock(NOON);
  await quote(db, "99.99", "100.01");
  await db.sql`
    update public.config set value = '1000000'
    where key in ('MAX_NOTIONAL_PER_TRADE', 'MAX_DAILY_NOTIONAL')`;
  await db.sql`update public.config set value = '1000' where key = 'MAX_OPEN_POSITIONS'`;
  for (const mode of ["paper", "live"]) await reconcile(db, { cash: "2000" }, mode);
  return db;
}

/** Puts the same fresh quote on every instrument. */
export async function quote(db: TestDatabase, bid: string, ask: string): Promise<void> {
  await asEngine(
    db,
    (sql) => sql`
      insert into public.quotes (symbol, bid, ask, source, observed_at)
      select symbol, ${bid}, ${ask}, 'test', private.clock() from public.instruments
      on conflict (symbol) do update set bid = excluded.bid, ask = excluded.ask, observed_at = excluded.observed_at`,
  );
}

export interface Wish {
  symbol?: string;
  side?: "buy" | "sell";
  qty?: string;
  price?: string;
  notional?: string;
  mode?: string;
  engine?: string;
  urgency?: string;
  strategy?: string;
  metadata?: Record<string, string>;
}

let keys = 0;

/** An intent with an order that was handed to the broker and not answered yet; returns the order's id. */
export function handOver(db: TestDatabase, wish: Wish = {}): Promise<string> {
  const { symbol = "BTC-USD", side = "buy", qty = "0.25", price = "100", mode = "paper", engine = "trader" } = wish;
  const purpose = side === "buy" ? "entry" : "exit";
  return asEngine(db, async (sql) => {
    await sql`select private.lock_accounts()`;
    const [intent] = await sql<{ id: string }[]>`
      insert into public.order_intents (
        engine, mode, symbol, side, purpose, urgency, target_notional, target_qty, limit_price, strategy, metadata, idempotency_key, payload,
        status
      )
      values (
        ${engine}, ${mode}, ${symbol}, ${side}, ${purpose}, ${wish.urgency ?? "passive"},
        ${side === "buy" ? sql`coalesce(${wish.notional ?? null}::numeric, ${qty}::numeric * ${price}::numeric)` : null},
        ${side === "sell" ? qty : null}, ${price}, ${wish.strategy ?? "test"}, ${sql.json(wish.metadata ?? {})},
        ${`money-${++keys}`}, '{}', 'active'
      )
      returning id`;
    const [row] = await sql<{ id: string }[]>`
      insert into public.crypto_orders (
        intent_group_id, engine, mode, symbol, side, purpose, urgency, qty, limit_price, ttl_seconds, next_action_at, requested_at
      )
      values (
        ${intent?.id ?? null}, ${engine}, ${mode}, ${symbol}, ${side}, ${purpose}, ${wish.urgency ?? "passive"}, ${qty}, ${price},
        ${side === "buy" ? 60 : 30}, private.clock(), private.clock()
      )
      returning id`;
    if (!row) throw new Error("no order was made");
    await sql`
      update public.crypto_orders set status = 'submitted', unresolved = true, submitted_at = private.clock() where id = ${row.id}`;
    return row.id;
  });
}

let moments = 0;

/** A report of an order as it stands, observed a moment after every report made before. */
export function report(orderId: string, change: Report = {}): Report {
  moments += 1;
  const observed = new Date(Date.parse(NOON) + moments).toISOString();
  return {
    order_id: orderId,
    kind: "report",
    state: "working",
    filled_qty: "0",
    fee: "0",
    observed_at: observed,
    ...change,
  };
}

/** Applies reports as the engine's functions do. */
export async function apply(db: TestDatabase, ...reports: Report[]): Promise<ReportAnswer[]> {
  const sql = service(db);
  const [row] = await sql<{ answer: ReportAnswer[] }[]>`
    select public.apply_execution_reports(${sql.json(reports as unknown as postgres.JSONValue)}) as answer`;
  return row?.answer ?? [];
}

/** Applies one report that stands alone, and returns its answer. */
export async function applyOne(db: TestDatabase, orderId: string, change: Report = {}): Promise<ReportAnswer> {
  const [answer] = await apply(db, report(orderId, change));
  if (!answer) throw new Error("no answer");
  return answer;
}

/** A broker's fill as reports carry it. */
export const brokerFill = (id: string, qty: string, price: string, fee = "0") => ({
  fill_id: id,
  qty,
  price,
  fee,
  executed_at: NOON,
});

/** Compares the broker's books with ours, read at the clock's present unless said otherwise. */
export async function reconcile(db: TestDatabase, book: Report, mode = "paper"): Promise<Verdict> {
  return asEngine(db, async (sql) => {
    const [now] = await sql<{ now: Date }[]>`select private.clock() as now`;
    const whole = { holdings: {}, open_orders: [], observed_at: now?.now.toISOString(), ...book };
    const [row] = await sql<{ verdict: Verdict }[]>`
      select private.reconcile(${mode}, ${sql.json(whole as postgres.JSONValue)}) as verdict`;
    if (!row) throw new Error("no verdict");
    return row.verdict;
  });
}

/** One order's row. */
export async function orderOf(db: TestDatabase, id: string | undefined) {
  const [row] = await db.sql`select * from public.crypto_orders where id = ${id ?? null}`;
  if (!row) throw new Error(`no order ${id}`);
  return row;
}

/** The status of the intent behind an order. */
export async function intentOf(db: TestDatabase, orderId: string) {
  const [row] = await db.sql`
    select i.* from public.order_intents as i join public.crypto_orders as o on o.intent_group_id = i.id where o.id = ${orderId}`;
  if (!row) throw new Error(`no intent of ${orderId}`);
  return row;
}

/** One position's row. */
export async function positionOf(db: TestDatabase, symbol = "BTC-USD", mode = "paper") {
  const [row] = await db.sql`select * from public.positions where symbol = ${symbol} and mode = ${mode}`;
  return row;
}

/** An account's cash as plain text, and the ledger's sum beside it. */
export async function cashOf(db: TestDatabase, mode = "paper"): Promise<{ cash: string; ledger: string }> {
  const [row] = await db.sql<{ cash: string; ledger: string }[]>`
    select trim_scale(a.cash)::text as cash, (select trim_scale(sum(l.amount))::text from public.cash_ledger as l where l.mode = a.mode) as ledger
    from public.accounts as a where a.mode = ${mode}`;
  if (!row) throw new Error(`no account ${mode}`);
  return row;
}

/** The kinds of the open alerts, in alphabetical order. */
export async function openAlerts(db: TestDatabase): Promise<string[]> {
  const rows = await db.sql<{ kind: string }[]>`select kind from public.alerts where resolved_at is null order by kind`;
  return rows.map((row) => row.kind);
}

/** The event types of an order, oldest first. */
export async function eventsOf(db: TestDatabase, orderId: string): Promise<string[]> {
  const rows = await db.sql<{ event_type: string }[]>`
    select event_type from public.order_events where order_id = ${orderId} order by id`;
  return rows.map((row) => row.event_type);
}

/** How many invariants are broken now. */
export async function brokenInvariants(db: TestDatabase): Promise<number> {
  const [row] = await db.sql<{ count: number }[]>`select private.check_invariants() as count`;
  return row?.count ?? -1;
}
