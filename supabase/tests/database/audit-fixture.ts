import type postgres from "postgres";
import { expect } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { applyOne, handOver, openBooks } from "./money-fixture.ts";

/** What a verification answers. */
export interface Verdict {
  ok: boolean;
  first_bad: { table: string; row_id: number; seal_id: number; problem: string } | null;
  seals: number;
  verified_rows: number;
  head: string;
  message: string;
}

/** Books with four orders, each sealed by itself. */
export async function openSealedBooks(): Promise<TestDatabase> {
  const db = await openBooks();
  for (let n = 0; n < 4; n++) {
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100" });
    await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100", fee: "0.1" });
    await seal(db);
  }
  return db;
}

/** Seals what was written since the last seal, and returns how many rows that were. */
export async function seal(db: TestDatabase): Promise<number | undefined> {
  const [row] = await db.sql<{ rows: number }[]>`select private.seal_audit() as rows`;
  return row?.rows;
}

/** Verifies as a viewer's button does: what is new since the last time. */
export async function verify(db: TestDatabase): Promise<Verdict> {
  const [row] = await db.sql<{ verdict: Verdict }[]>`select public.verify_audit_log() as verdict`;
  if (!row) throw new Error("no verdict");
  return row.verdict;
}

class Undo extends Error {}

/** Switches the triggers of the sealed tables off and does the work; all of it is undone afterwards. */
export async function undone(db: TestDatabase, work: (sql: postgres.TransactionSql) => Promise<void>): Promise<void> {
  const attempt = db.admin.begin(async (sql) => {
    for (const table of ["order_events", "crypto_fills", "cash_ledger", "audit_seals"]) {
      await sql.unsafe(`alter table public.${table} disable trigger all`);
    }
    await work(sql);
    throw new Undo();
  });
  await expect(attempt).rejects.toBeInstanceOf(Undo);
}

/** What is found after a superuser switched the triggers off and did this; all of it is undone afterwards. */
export async function afterTampering(db: TestDatabase, ...statements: string[]): Promise<Verdict> {
  let verdict: Verdict | undefined;
  await undone(db, async (sql) => {
    for (const statement of statements) await sql.unsafe(statement);
    [{ verdict }] = await sql<[{ verdict: Verdict }]>`select private.check_audit() as verdict`;
    expect(await sql`select 1 from public.alerts where kind = 'audit' and resolved_at is null`).toHaveLength(1);
  });
  if (!verdict) throw new Error("no verdict");
  return verdict;
}
