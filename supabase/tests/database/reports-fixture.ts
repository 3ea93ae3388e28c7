import type { TestDatabase } from "../support/database.ts";
import {
  apply,
  applyOne,
  asEngine,
  handOver,
  NOON,
  orderOf,
  quote,
  type Report,
  type ReportAnswer,
  report,
  type Wish,
} from "./money-fixture.ts";

/** Asks for the cancel of an order as the engine does. */
export const askForCancel = (db: TestDatabase, id: string, reason = "reprice") =>
  asEngine(db, (sql) => sql`select private.cancel_orders(array[${id}::uuid], ${reason}, 'test')`);

/** Hands a new order over to the broker, as a claim for sending does. */
export const send = (db: TestDatabase, id: string | undefined) =>
  asEngine(
    db,
    (sql) => sql`
      update public.crypto_orders set status = 'submitted', unresolved = true, submitted_at = private.clock() where id = ${id ?? null}`,
  );

/** Lets a worker hold the order's lease for a minute. */
export const lease = (db: TestDatabase, id: string, token: number) =>
  asEngine(
    db,
    (sql) => sql`
      update public.crypto_orders set lease_owner = gen_random_uuid(), lease_token = ${token}, claimed_for = 'query',
        lease_expires_at = private.clock() + interval '1 minute' where id = ${id}`,
  );

/** Gives active intents their missing order, as every reposition tick does first. */
export const recover = (db: TestDatabase) => asEngine(db, (sql) => sql`select private.recover_intents()`);

/** The order that took another one's place. */
export async function childOf(db: TestDatabase, id: string) {
  const [row] = await db.sql`select * from public.crypto_orders where parent_order_id = ${id}`;
  return row;
}

/** A working order whose cancel for a reprice is under way; returns its id. */
export async function repricing(db: TestDatabase, wish: Wish, filled?: [qty: string, price: string]): Promise<string> {
  const id = await handOver(db, wish);
  await applyOne(db, id, filled ? { state: "partially_filled", filled_qty: filled[0], average_price: filled[1] } : {});
  await askForCancel(db, id);
  return id;
}

/** Buys 1 of a symbol at 100, and hands over an exit of it at 101 unless the wish says otherwise; returns the exit's id. */
export async function exitOfOne(db: TestDatabase, symbol: string, wish: Wish = {}): Promise<string> {
  const entry = await handOver(db, { symbol, qty: "1", price: "100", mode: wish.mode ?? "paper" });
  await applyOne(db, entry, { state: "filled", filled_qty: "1", average_price: "100" });
  return handOver(db, { symbol, side: "sell", qty: "1", price: "101", ...wish });
}

/** Lets the broker answer "not found" until the order is proven absent. */
export async function proveAbsent(db: TestDatabase, id: string): Promise<void> {
  for (let n = 0; n < 4; n++) {
    await applyNow(db, id, { kind: "not_found" });
    await db.advanceClock(10);
  }
}

/** Cancels everything that is live, and has the broker prove it. */
export async function closeAll(db: TestDatabase): Promise<void> {
  const live = await db.sql`
    select id, filled_qty, average_price from public.crypto_orders
    where status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')`;
  for (const row of live) {
    await askForCancel(db, row.id, "operator");
    if ((await orderOf(db, row.id)).status === "canceled") continue;
    await applyOne(db, row.id, { state: "canceled", filled_qty: row.filled_qty, average_price: row.average_price });
  }
}

/** Applies a report that is observed at the database's own present. */
export async function applyNow(db: TestDatabase, id: string, change: Report = {}): Promise<ReportAnswer | undefined> {
  const [row] = await db.sql<{ now: Date }[]>`select private.clock() as now`;
  const [answer] = await apply(db, report(id, { observed_at: row?.now.toISOString(), ...change }));
  return answer;
}

/** The seconds until an order's next action; null when none is due any more. */
export async function secondsAhead(db: TestDatabase, id: string): Promise<number | null | undefined> {
  const [row] = await db.sql<{ seconds: number | null }[]>`
    select extract(epoch from next_action_at - private.clock())::integer as seconds from public.crypto_orders where id = ${id}`;
  return row?.seconds;
}

/** Resolves every open alert. */
export const clearAlerts = (db: TestDatabase) =>
  asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);

/** Puts back what a test may have moved: kill switch, clock and quotes. */
export async function backToNoon(db: TestDatabase): Promise<void> {
  await asEngine(db, (sql) => sql`update public.config set value = default_value where key = 'kill_switch'`);
  await db.setClock(NOON);
  await quote(db, "99.99", "100.01");
}

/** Puts back what a test may have moved, with nothing live and nobody alerted. */
export async function startAfresh(db: TestDatabase): Promise<void> {
  await backToNoon(db);
  await closeAll(db);
  await clearAlerts(db);
}
