import fc from "fast-check";
import { decimal, toAmount } from "../../../shared/money/decimal.ts";
import type { TestDatabase } from "../support/database.ts";
import { asEngine } from "./money-fixture.ts";

/** A number of the database as an amount in its one plain form. */
export const plain = (value: unknown): string => toAmount(decimal(String(value)));

/** Amounts above zero of at most so many units of the last place. */
export const amount = (max: number, places: number) =>
  fc.integer({ min: 1, max }).map((units) => toAmount(decimal(String(units)).div(decimal(String(10 ** places)))));

/** Lists a symbol whose grid and minima are in nobody's way, and returns it. */
export async function listSymbol(db: TestDatabase, symbol: string): Promise<string> {
  await asEngine(
    db,
    (sql) => sql`
      insert into public.instruments (symbol, price_increment, qty_increment, min_qty, min_notional, enabled)
      values (${symbol}, 0.001, 0.000001, 0.000001, 0.000001, false)`,
  );
  return symbol;
}
