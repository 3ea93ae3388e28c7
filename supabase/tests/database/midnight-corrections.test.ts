import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { addUp, dayNotional, days, deal, look } from "./midnight-fixture.ts";
import { asEngine, brokenInvariants, openBooks, quote } from "./money-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openBooks();
});
afterEach(() => db.drop());

describe("a correction of an old day", () => {
  const correct = (id: string, filled: string, price: string, fee: string) =>
    asEngine(
      db,
      (sql) => sql`select private.correct_order(${id}, ${filled}, ${price}, ${fee}, 'seen', null, 'operator:o')`,
    );

  it("moves that day and every close since by what it changes, and no other day's P&L", async () => {
    const bought = await deal(db, { qty: "2", fee: "1", executed: "12:00:00Z" });
    for (const [day, bid] of [
      ["02", "101.99"],
      ["03", "104.99"],
    ] as const) {
      await db.setClock(`2026-03-${day}T12:00:00Z`);
      await quote(db, bid, String(Number(bid) + 0.02));
      await look(db);
    }
    await deal(db, { side: "sell", price: "105", fee: "1", executed: "2026-03-03T12:00:00Z" });
    const before = await days(db);
    await db.setClock("2026-03-04T12:00:00Z");
    await correct(bought, "2", "103", "1.5");
    const after = await days(db);
    const moved = after
      .slice(0, 3)
      .map((day, index) => [
        day[0],
        ...day
          .slice(1, 6)
          .map((value, column) => Math.round((Number(value) - Number(before[index]?.[column + 1])) * 1e6) / 1e6),
      ]);
    // Six more paid and half a dollar more of fees; half of that lot was sold on the third.
    expect(moved).toEqual([
      ["01", -6.5, -6.5, 0, -6, 0.5],
      ["02", -6.5, 0, 0, -6, 0],
      ["03", -6.5, 0, -3.25, -3, 0],
    ]);
    await addUp(db);
    await correct(bought, "1.5", "103", "1.5");
    await correct(bought, "0", "0", "0");
    await addUp(db);
  });

  it("that is yesterday's takes nothing from today's notional", async () => {
    const bought = await deal(db, { qty: "2", fee: "1", executed: "12:00:00Z" });
    await db.setClock("2026-03-02T12:00:00Z");
    await deal(db, { qty: "1", fee: "1", executed: "2026-03-02T11:59:00Z" });
    await correct(bought, "1", "100", "1");
    expect(await dayNotional(db)).toBe(100);
    await addUp(db);
  });
});

describe("the invariant of the days", () => {
  const tamper = (statement: string) => db.admin.unsafe(statement);
  const named = async () =>
    (await db.sql`select key from public.alerts where kind = 'invariant' and resolved_at is null order by key`).map(
      ({ key }) => key,
    );

  it("names a day whose fees, realized or P&L are not its own, and the mode whose days don't add up", async () => {
    await deal(db, { qty: "2", fee: "1", executed: "12:00:00Z" });
    await deal(db, { side: "sell", price: "105", fee: "1", executed: "13:00:00Z" });
    for (const column of ["fees", "realized_pnl", "daily_pnl"]) {
      expect(await brokenInvariants(db)).toBe(0);
      await tamper(`update public.pnl_daily set ${column} = ${column} + 1 where mode = 'paper'`);
      expect(await brokenInvariants(db)).toBe(column === "daily_pnl" ? 1 : 2);
      expect(await named()).toContain("pnl_daily paper 2026-03-01");
      if (column !== "daily_pnl") expect(await named()).toContain("pnl_daily paper");
      await tamper(`update public.pnl_daily set ${column} = ${column} - 1 where mode = 'paper'`);
    }
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("comes round to every day in slices", async () => {
    await deal(db, { qty: "2", fee: "1", executed: "12:00:00Z" });
    await tamper(
      `insert into public.pnl_daily (date, mode, equity, daily_pnl, drawdown, high_water, realized_pnl, unrealized_pnl, fees, updated_at)
       select date '2026-03-01' + n, m, d.equity, 0, 0, 2000, 0, 0, 0, '2020-01-01' from generate_series(1, 60) as n, unnest('{paper,live}'::text[]) as m
       join public.pnl_daily as d on d.mode = m`,
    );
    await db.setClock("2026-04-30T12:00:00Z");
    for (let run = 0; run < 2; run++) expect(await brokenInvariants(db)).toBe(0);
    await tamper("update public.pnl_daily set fees = 5 where mode = 'paper' and date = '2026-03-20'");
    await tamper("update public.pnl_daily set fees = -4 where mode = 'paper' and date = '2026-03-01'");
    let runs = 0;
    while ((await named()).length < 2 && runs < 30) {
      await brokenInvariants(db);
      runs += 1;
    }
    expect(await named()).toEqual(["pnl_daily paper 2026-03-01", "pnl_daily paper 2026-03-20"]);
    expect(runs).toBeLessThan(20);
  });
});
