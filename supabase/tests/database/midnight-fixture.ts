import { expect } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { apply, asEngine, brokenInvariants, handOver, report } from "./money-fixture.ts";

const at = (time: string) => (time.includes("T") ? time : `2026-03-01T${time}`);

interface Deal {
  id?: string;
  side?: "buy" | "sell";
  qty?: string;
  price?: string;
  fee: string;
  executed: string;
  mode?: string;
}

let deals = 0;

/** An order that is filled at once by one execution at a time of its own, told at the clock's present; returns the order's id. */
export async function deal(
  db: TestDatabase,
  { side = "buy", qty = "1", price = "100", fee, executed, mode = "paper", id: known }: Deal,
): Promise<string> {
  deals += 1;
  const id = known ?? (await handOver(db, { symbol: "SOL-USD", side, qty, price, mode }));
  const [now] = await db.sql<{ now: Date }[]>`select private.clock() as now`;
  await apply(
    db,
    report(id, {
      state: "filled",
      filled_qty: qty,
      average_price: price,
      fee,
      fills: [{ fill_id: `night-${deals}`, qty, price, fee, executed_at: at(executed) }],
      observed_at: now?.now.toISOString(),
    }),
  );
  return id;
}

/** Each day's number, equity, P&L, realized, unrealized, fees and drawdown. */
export const days = async (db: TestDatabase, mode = "paper") => {
  const rows = await db.sql`
    select to_char(date, 'DD') as day, equity, daily_pnl, realized_pnl, unrealized_pnl, fees, drawdown from public.pnl_daily
    where mode = ${mode} order by date`;
  return rows.map(({ day, ...figures }) => [
    day,
    ...Object.values(figures).map((value) => Math.round(Number(value) * 1e6) / 1e6),
  ]);
};

/** What the days add up to, and what the book says. */
const sums = async (db: TestDatabase) => {
  const [row] = await db.sql`
    select (select sum(fees) from public.pnl_daily where mode = 'paper') as days_fees,
      (select sum(fee) from public.crypto_fills where mode = 'paper') as fees,
      (select sum(realized_pnl) from public.pnl_daily where mode = 'paper') as days_realized,
      (select coalesce(sum(realized_pnl), 0) from public.lot_closures where mode = 'paper') as realized,
      (select sum(daily_pnl) from public.pnl_daily where mode = 'paper') as made,
      (select equity from public.pnl_daily where mode = 'paper' order by date desc limit 1) as equity,
      private.flows_between('paper', '-infinity', '2027-01-01') as flows`;
  return Object.fromEntries(Object.entries(row ?? {}).map(([key, value]) => [key, Number(value)]));
};

/** Demands that the days add up to the book, and returns the sums. */
export const addUp = async (db: TestDatabase) => {
  const s = await sums(db);
  expect(s.days_fees).toBeCloseTo(s.fees ?? Number.NaN, 8);
  expect(s.days_realized).toBeCloseTo(s.realized ?? Number.NaN, 8);
  expect(s.made).toBeCloseTo((s.equity ?? Number.NaN) - (s.flows ?? Number.NaN), 8);
  expect(await brokenInvariants(db)).toBe(0);
  return s;
};

/** Whatever reads the books next: it writes today's row, too. */
export const look = (db: TestDatabase) =>
  asEngine(
    db,
    (sql) => sql`select private.lock_accounts(), private.take_snapshots('paper'), private.take_snapshots('live')`,
  );

/** What counts against the limit of the clock's day. */
export const dayNotional = async (db: TestDatabase, mode = "paper") => {
  const [row] = await asEngine(db, (sql) => sql`select day_notional from private.lock_account(${mode})`);
  return Number(row?.day_notional);
};
