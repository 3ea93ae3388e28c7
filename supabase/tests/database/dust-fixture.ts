import { expect } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { applyOne, asEngine, brokerFill, handOver, openBooks, positionOf, quote } from "./money-fixture.ts";

export const BTC = "BTC-USD";

/** Books with every price at 19,400. */
export async function booksAt19400(): Promise<TestDatabase> {
  const db = await openBooks();
  await quote(db, "19400", "19402");
  return db;
}

/** Buys or sells at once and returns the order's id. */
export async function trade(db: TestDatabase, side: "buy" | "sell", qty: string, price: string, more: object = {}) {
  const id = await handOver(db, { side, symbol: BTC, qty, price, ...more });
  const fills = [brokerFill(`${id}-f`, qty, price)];
  await applyOne(db, id, { state: "filled", filled_qty: qty, average_price: price, fills });
  return id;
}

/** The wishes of an entry whose position becomes dust. */
export const OLD = {
  strategy: "old",
  metadata: { stop_price: "19700", target_price: "20400", exit_by: "2026-03-01T14:00:00Z" },
};

/** The wishes of the entry after it. */
export const NEW = {
  strategy: "new",
  metadata: { stop_price: "19012", target_price: "19788", exit_by: "2026-03-01T18:00:00Z" },
};

/** The trader's position, sold down to 0.00004 BTC: 0.776 USD, below the minimum of 1 USD though above that of quantity. */
export async function leaveDust(db: TestDatabase): Promise<void> {
  await trade(db, "buy", "0.001", "20000", OLD);
  await asEngine(
    db,
    (sql) => sql`update public.positions set trail_armed = true, high_water = 20500 where symbol = ${BTC}`,
  );
  await trade(db, "sell", "0.00096", "19700");
  expect(await positionOf(db)).toMatchObject({ qty: "0.00004", stop_price: "19700", engine: "trader" });
}
