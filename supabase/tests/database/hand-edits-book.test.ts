import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { accepted, entry, openMarket, service } from "./guards-fixture.ts";

const BOOK = [
  "order_intents",
  "crypto_orders",
  "order_events",
  "trade_locks",
  "crypto_fills",
  "position_lots",
  "lot_closures",
  "positions",
  "cash_ledger",
  "accounts",
  "config_events",
];

let db: TestDatabase;
let people: postgres.Sql[];
beforeAll(async () => {
  db = await openMarket();
  await accepted(db, entry());
  people = [(await db.person("viewer")).sql, (await db.person("operator")).sql, db.as("anon"), service(db)];
});
afterAll(() => db.drop());

describe("a hand edit", () => {
  it.each(BOOK)(
    "of %s is refused: insert, update, delete and truncate, for the owner and the superuser",
    async (table) => {
      for (const sql of [db.sql, db.admin]) {
        for (const statement of [
          `insert into public.${table} default values`,
          `delete from public.${table}`,
          `truncate public.${table} cascade`,
        ]) {
          expect((await refused(sql.unsafe(statement))).code, statement).toMatch(/^PT40[39]$/);
        }
        if (table === "crypto_orders") continue;
        const [column] = await sql`
        select column_name as name from information_schema.columns
        where table_schema = 'public' and table_name = ${table} and is_identity = 'NO' order by ordinal_position limit 1`;
        const update = sql.unsafe(`update public.${table} set ${column?.name} = ${column?.name}`);
        expect((await refused(update)).code).toMatch(/^PT40[39]$/);
      }
    },
  );

  it.each(BOOK)("of %s is impossible for every role of the API, service_role included", async (table) => {
    for (const sql of people) {
      for (const statement of [
        `insert into public.${table} default values`,
        `delete from public.${table}`,
        `truncate public.${table}`,
      ]) {
        expect((await refused(sql.unsafe(statement))).code).toBe("42501");
      }
    }
  });
});

async function refused(attempt: PromiseLike<unknown>): Promise<postgres.PostgresError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof postgres.PostgresError) return error;
    throw error;
  }
  throw new Error("the statement was not refused");
}
