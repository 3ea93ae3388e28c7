import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { addUp, dayNotional, days, deal, look } from "./midnight-fixture.ts";
import { apply, asEngine, brokenInvariants, handOver, openBooks, quote, reconcile, report } from "./money-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openBooks();
});
afterEach(() => db.drop());

describe("midnight", () => {
  it("does not tear a sale of 23:59:58 that is told at 00:00:20 from its day", async () => {
    await db.setClock("2026-03-01T23:59:00Z");
    await deal(db, { qty: "2", fee: "0", executed: "23:59:00Z" });
    await db.setClock("2026-03-01T23:59:55Z");
    await deal(db, { side: "sell", fee: "0.95", executed: "23:59:55Z" });
    const id = await handOver(db, { symbol: "SOL-USD", side: "sell", qty: "1", price: "101" });
    await db.setClock("2026-03-02T00:00:20Z");
    await deal(db, { id, side: "sell", price: "101", fee: "0.96", executed: "23:59:58Z" });
    expect((await addUp(db)).fees).toBeCloseTo(1.91, 8);
    // The close of the first is what it would have been: the coin was sold for 101 then, and was not worth 100 any more.
    expect(await days(db)).toEqual([
      ["01", 1999.09, -0.91, -0.91, 0, 1.91, Math.round((0.91 / 2000) * 1e6) / 1e6],
      ["02", 1999.09, 0, 0, 0, 0, Math.round((0.91 / 2000) * 1e6) / 1e6],
    ]);
  });

  it("counts once, when it is told, what is told at 23:59:58 and timed 00:00:01", async () => {
    await db.setClock("2026-03-01T23:59:58Z");
    await deal(db, { fee: "0.95", executed: "2026-03-02T00:00:01Z" });
    expect(await brokenInvariants(db)).toBe(0);
    expect((await days(db)).map((day) => day[5])).toEqual([0.95]);
    expect(await dayNotional(db)).toBe(100);
    for (const [day, fees] of [
      ["02", [0.95, 0]],
      ["03", [0.95, 0, 0]],
    ] as const) {
      await db.setClock(`2026-03-${day}T00:00:05Z`);
      await look(db);
      expect(await dayNotional(db)).toBe(0);
      expect((await days(db)).map((row) => row[5])).toEqual(fees);
    }
    await addUp(db);
  });

  it("counts what is dated three days ahead once, as of when it is told", async () => {
    await deal(db, { fee: "0.95", executed: "2026-03-04T12:00:00Z" });
    await db.setClock("2026-03-06T12:00:00Z");
    await look(db);
    expect((await days(db)).map((day) => [day[0], day[5]])).toEqual([
      ["01", 0.95],
      ["06", 0],
    ]);
    await addUp(db);
  });

  it("writes days that nobody looked at when they are told later, several at once", async () => {
    await deal(db, { qty: "2", fee: "1", executed: "12:00:00Z" });
    const id = await handOver(db, { symbol: "SOL-USD", side: "sell", qty: "2", price: "110" });
    await db.setClock("2026-03-06T12:00:00Z");
    await quote(db, "119.99", "120.01");
    const sale = (name: string, price: string, day: string) => ({
      fill_id: name,
      qty: "1",
      price,
      fee: "0.5",
      executed_at: `2026-03-${day}T12:00:00Z`,
    });
    const fills = [sale("third", "110", "03"), sale("fourth", "115", "04")];
    const told = { state: "filled", filled_qty: "2", average_price: "112.5", fee: "1", fills };
    await apply(db, report(id, { ...told, observed_at: "2026-03-06T12:00:00Z" }));
    expect(
      (await days(db)).map(([day, equity, , realized, unrealized, fees]) => [day, equity, realized, unrealized, fees]),
    ).toEqual([
      ["01", 1999, 0, 0, 1],
      // The last price that anybody saw before was 100.
      ["03", 2008.5, 9, 0, 0.5],
      ["04", 2023, 14, 0, 0.5],
      ["06", 2023, 0, 0, 0],
    ]);
    await addUp(db);
  });

  it("keeps both modes apart", async () => {
    const id = await handOver(db, { symbol: "SOL-USD", qty: "1", price: "100", mode: "live" });
    await db.setClock("2026-03-02T00:00:20Z");
    await deal(db, { id, fee: "0.95", executed: "23:59:58Z", mode: "live" });
    await look(db);
    expect((await days(db, "live")).map((day) => day[5])).toEqual([0.95, 0]);
    expect((await days(db, "paper")).map((day) => day[5])).toEqual([0, 0]);
    expect(await dayNotional(db, "live")).toBe(0);
    await addUp(db);
  });

  it("makes no day of its own of a fill dated 1970: it is of the day of its order", async () => {
    await db.setClock("2026-03-02T12:00:00Z");
    await look(db);
    await deal(db, { fee: "0.95", executed: "1970-01-01T00:00:00Z" });
    expect((await days(db)).map((day) => [day[0], day[5]])).toEqual([
      ["01", 0],
      ["02", 0.95],
    ]);
    await addUp(db);
  });

  it("leaves a deposit that was booked at 23:59:59 and looked at after midnight to its day", async () => {
    await db.setClock("2026-03-01T23:59:59Z");
    await asEngine(db, async (sql) => {
      await sql`select private.lock_accounts()`;
      await sql`
        insert into public.cash_ledger (mode, kind, amount, reason, actor) values ('paper', 'deposit', 500, 'top-up', 'test')`;
      await sql`update public.accounts set cash = cash + 500, equity_high_water = equity_high_water + 500 where mode = 'paper'`;
    });
    await db.setClock("2026-03-02T00:00:01Z");
    await reconcile(db, { cash: "2500" });
    expect(await days(db)).toEqual([
      ["01", 2500, 0, 0, 0, 0, 0],
      ["02", 2500, 0, 0, 0, 0, 0],
    ]);
    await addUp(db);
  });
});
