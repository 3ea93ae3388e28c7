import type postgres from "postgres";
import type { TestDatabase } from "../support/database.ts";
import { apply, asEngine, brokerFill, cashOf, handOver, openBooks, report } from "./money-fixture.ts";

/** Books with coins enough that each story has its own. */
export async function booksToCorrect(): Promise<TestDatabase> {
  const db = await openBooks();
  await asEngine(
    db,
    (sql) => sql`
      insert into public.instruments (symbol, price_increment, qty_increment, min_qty, min_notional, enabled)
      select s, 0.01, 0.000001, 0.000001, 1, false from unnest('{LTC-USD,LINK-USD,DOT-USD,UNI-USD,NEAR-USD,FIL-USD}'::text[]) as s`,
  );
  return db;
}

type Figure = string | null;

/** How an operator corrects an order; returns what the order is then. */
export const corrector =
  (operator: postgres.Sql) =>
  async (id: string, filled: string, price: Figure, fee: Figure, why = "seen", fillId: Figure = null) =>
    (await operator`select public.correct_order(${id}, ${filled}, ${price}, ${fee}, ${why}, ${fillId}) as answer`)[0]
      ?.answer;

/** Everything that is booked of an order, revisions apart. */
export const fillsOf = (db: TestDatabase, id: string) =>
  db.sql`
    select fill_id, revision, trim_scale(qty)::text as qty, trim_scale(price)::text as price, trim_scale(fee)::text as fee
    from public.crypto_fills where order_id = ${id} order by seq`;

let names = 0;

/** A buy of 0.6 at 100 with a fee of 0.57, filled by one execution; returns the order, the report that told it, and the cash before. */
export const told = async (db: TestDatabase, symbol: string) => {
  const { cash } = await cashOf(db);
  const id = await handOver(db, { symbol, qty: "0.6", price: "100", metadata: { stop_price: "95" } });
  names += 1;
  const fill = brokerFill(`x${names}`, "0.6", "100", "0.57");
  const old = report(id, {
    state: "filled",
    filled_qty: "0.6",
    average_price: "100",
    fee: "0.57",
    fills: [fill],
  });
  await apply(db, old);
  return { id, old, fill, cash };
};
