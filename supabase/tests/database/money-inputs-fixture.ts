import type { TestDatabase } from "../support/database.ts";
import { asEngine, cashOf, NOON, openAlerts, orderOf, positionOf } from "./money-fixture.ts";

/** Whether a person hears of an order: it is unresolved with the reason, or an alert names it. */
export async function isToldOf(db: TestDatabase, id: string): Promise<boolean> {
  const { unresolved, last_error } = await orderOf(db, id);
  const alerts = await db.sql`select from public.alerts where key = ${id} and resolved_at is null`;
  return (unresolved && last_error !== null) || alerts.length > 0;
}

/** What was booked of an order, one row an entry, in the order of booking. */
export const bookedOf = (db: TestDatabase, id: string) => db.sql`
  select fill_id, revision, trim_scale(qty)::text as qty, trim_scale(price)::text as price, trim_scale(fee)::text as fee,
    fee_currency, trim_scale(fee_qty)::text as fee_qty, executed_at
  from public.crypto_fills where order_id = ${id} order by seq`;

/** Cash as a number, the ledger agreeing. */
export async function cash(db: TestDatabase): Promise<number> {
  const { cash: is, ledger } = await cashOf(db);
  if (is !== ledger) throw new Error(`cash is ${is}, the ledger says ${ledger}`);
  return Number(is);
}

/** What is held of a symbol, as a number. */
export const held = async (db: TestDatabase, symbol = "SOL-USD") => Number((await positionOf(db, symbol))?.qty ?? 0);

/** What an ordinary day looks like for an order: explained, and nobody alerted. */
export async function standing(db: TestDatabase, id: string) {
  const { status, unresolved } = await orderOf(db, id);
  return { status, unresolved, alerts: await openAlerts(db) };
}

/** Sells nothing and tells nobody: empties all positions at cost, and puts the clock back to noon. */
export async function emptyBooks(db: TestDatabase): Promise<void> {
  await db.setClock(NOON);
  await asEngine(db, async (sql) => {
    await sql`select private.lock_accounts()`;
    await sql`
      select private.give_up_lots(p.mode, p.symbol, p.qty, private.clock()), private.refresh_position(p.mode, p.symbol)
      from public.positions as p where p.qty > 0`;
  });
}
