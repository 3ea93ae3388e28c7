import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  applyOne,
  asEngine,
  brokenInvariants,
  cashOf,
  handOver,
  openAlerts,
  openBooks,
  positionOf,
  quote,
  reconcile,
} from "./money-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

beforeEach(async () => {
  await db.advanceClock(30);
  await quote(db, "99.99", "100.01");
});

const record = (kind: string | null, amount: string | null, reason: string | null = "bank transfer", mode = "paper") =>
  asEngine(db, async (sql) => {
    const [row] =
      await sql`select private.record_cash_event(${mode}, ${kind}, ${amount}, ${reason}, 'operator:o@example.test') as answer`;
    return row?.answer;
  });

const adopt = (confirm: string | null, mode = "paper") =>
  asEngine(db, async (sql) => {
    const [row] =
      await sql`select private.adopt_broker_books(${mode}, ${confirm}, 'operator:o@example.test') as answer`;
    return row?.answer;
  });

describe("record_cash_event", () => {
  it("books deposits, withdrawals and signed adjustments, and the broker's books agree again", async () => {
    expect(await record("deposit", "100.50")).toEqual({
      mode: "paper",
      kind: "deposit",
      amount: "100.5",
      cash: "2100.5",
    });
    expect(await record("withdrawal", "50")).toMatchObject({ amount: "-50", cash: "2050.5" });
    expect(await record("adjustment", "-0.5", "rounding at the broker")).toMatchObject({ cash: "2050" });
    expect(await cashOf(db)).toEqual({ cash: "2050", ledger: "2050" });
    expect((await reconcile(db, { cash: "2050" })).status).toBe("ok");
    const [row] = await db.sql`select actor, reason from public.cash_ledger where kind = 'deposit'`;
    expect(row).toEqual({ actor: "operator:o@example.test", reason: "bank transfer" });
  });

  it("refuses what is no amount, no kind, no reason, no mode, or more than there is", async () => {
    for (const [kind, amount, reason, mode] of [
      ["deposit", "-5", "r", "paper"],
      ["deposit", "0", "r", "paper"],
      ["deposit", "NaN", "r", "paper"],
      ["deposit", "Infinity", "r", "paper"],
      ["deposit", "ten", "r", "paper"],
      ["deposit", null, "r", "paper"],
      ["adjustment", "0", "r", "paper"],
      ["gift", "5", "r", "paper"],
      [null, "5", "r", "paper"],
      ["deposit", "5", " ", "paper"],
      ["deposit", "5", null, "paper"],
      ["deposit", "5", "r", "demo"],
    ] as const) {
      await expect(record(kind, amount, reason, mode), `${kind} ${amount}`).rejects.toMatchObject({ code: "PT400" });
    }
    await expect(record("withdrawal", "2050.01")).rejects.toMatchObject({
      code: "PT409",
      message: "cash_would_be_negative",
    });
    expect((await cashOf(db)).cash).toBe("2050");
  });

  it("moves the high-water mark with the money: a withdrawal is no drawdown", async () => {
    const [before] =
      await db.sql`select drawdown from public.pnl_daily where mode = 'paper' order by date desc limit 1`;
    await record("withdrawal", "1000");
    const [after] = await db.sql`select drawdown from public.pnl_daily where mode = 'paper' order by date desc limit 1`;
    expect([Number(before?.drawdown), Number(after?.drawdown)]).toEqual([0, 0]);
    await record("deposit", "1000");
  });
});

describe("adopt_broker_books", () => {
  it("needs the words, recent books, and no order open", async () => {
    await expect(adopt("yes")).rejects.toMatchObject({ code: "PT400" });
    await expect(adopt("ADOPT LIVE")).rejects.toMatchObject({ code: "PT400" });
    await db.advanceClock(600);
    await expect(adopt("ADOPT PAPER")).rejects.toMatchObject({ message: "no_recent_reconciliation" });
    await reconcile(db, { cash: "2000" });
    const id = await handOver(db);
    await expect(adopt("ADOPT PAPER")).rejects.toMatchObject({ message: "orders_open" });
    await applyOne(db, id, { kind: "refused" });
  });

  it("makes the books equal to the broker's: cash by an adjustment, coins as lots at the mark, less at cost", async () => {
    const id = await handOver(db, { symbol: "ETH-USD", qty: "2", price: "100" });
    await applyOne(db, id, { state: "filled", filled_qty: "2", average_price: "100", fee: "1" });
    await db.advanceClock(700);
    await quote(db, "99.99", "100.01");
    const books = { cash: "1700", holdings: { "ETH-USD": "1.5", "BTC-USD": "0.3", "XYZ-USD": "7" } };
    expect((await reconcile(db, books)).status).toBe("suspect");
    await db.advanceClock(10);
    expect((await reconcile(db, books)).status).toBe("degraded");
    expect(await adopt("ADOPT PAPER")).toMatchObject({ status: "ok", cash_adjustment: "-149" });
    expect(await cashOf(db)).toEqual({ cash: "1700", ledger: "1700" });
    expect((await positionOf(db, "ETH-USD"))?.qty).toBe("1.5");
    expect(await positionOf(db, "BTC-USD")).toMatchObject({ qty: "0.3", engine: "manual" });
    expect(await positionOf(db, "XYZ-USD")).toBeUndefined();
    expect(await openAlerts(db)).not.toContain("degraded");
    const [closure] = await db.sql`select realized_pnl, fill_id from public.lot_closures where symbol = 'ETH-USD'`;
    expect(closure).toMatchObject({ realized_pnl: "0", fill_id: null });
    expect(await brokenInvariants(db)).toBe(0);
    await db.advanceClock(60);
    expect((await reconcile(db, books)).status).toBe("ok");
  });

  it("neither gains nor loses by adopting", async () => {
    const [row] =
      await db.sql`select daily_pnl, realized_pnl from public.pnl_daily where mode = 'paper' order by date desc limit 1`;
    expect(Number(row?.realized_pnl)).toBe(0);
    expect(Math.abs(Number(row?.daily_pnl))).toBeLessThan(1.01);
  });
});
