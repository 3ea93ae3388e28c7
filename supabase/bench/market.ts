import type { TestDatabase } from "../tests/support/test-database.ts";

/** The clock of every benchmark stands here. */
export const NOON = "2026-03-01T12:00:00Z";

/** The symbol of the n-th instrument of a benchmark. */
export const symbolOf = (index: number): string => `B${String(index).padStart(4, "0")}-USD`;

/** Fills a database with instruments, fresh quotes, cash and limits that are not in the way. */
export async function openBenchMarket(db: TestDatabase, instruments: number): Promise<void> {
  await db.setClock(NOON);
  const knobs = { MAX_DAILY_NOTIONAL: "10000000", MAX_OPEN_POSITIONS: "1000", TRADER_ENTRY_SCORE: "100" };
  for (const [key, value] of Object.entries(knobs))
    await db.sql`update public.config set value = ${value} where key = ${key}`;
  await db.admin`
    insert into public.instruments (symbol, price_increment, qty_increment, min_qty, min_notional)
    select 'B' || lpad(i::text, 4, '0') || '-USD', 0.01, 0.00000001, 0.0001, 1
    from generate_series(0, ${instruments - 1}::int) as i`;
  await db.sql.begin(async (sql) => {
    await sql`set local role zoe_engine`;
    await sql`
      insert into public.quotes (symbol, bid, ask, source, observed_at)
      select symbol, 99.99, 100.01, 'bench', private.clock() from public.instruments`;
    await sql`select private.lock_account(mode) from public.accounts`;
    await sql`update public.accounts set cash = 10000000, opened_at = private.clock() where true`;
  });
}

/** Lets a benchmark's database go by the real time, as a hosted one does: a replay's clock costs a look at every reading. */
export async function goByRealTime(db: TestDatabase): Promise<void> {
  await db.admin`delete from private.replay_clock`;
  await db.sql`update public.config set value = '3600' where key = 'QUOTE_MAX_AGE_SECONDS'`;
  await db.sql.begin(async (sql) => {
    await sql`set local role zoe_engine`;
    await sql`update public.quotes set observed_at = private.clock() where true`;
  });
}
