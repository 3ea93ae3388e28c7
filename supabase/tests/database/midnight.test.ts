import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { apply, asEngine, brokenInvariants, handOver, openBooks, quote, reconcile, report } from "./money-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openBooks();
});

afterEach(() => db.drop());

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
async function deal({
  side = "buy",
  qty = "1",
  price = "100",
  fee,
  executed,
  mode = "paper",
  id: known,
}: Deal): Promise<string> {
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

const days = async (mode = "paper") => {
  const rows = await db.sql`
    select to_char(date, 'DD') as day, equity, daily_pnl, realized_pnl, unrealized_pnl, fees, drawdown from public.pnl_daily
    where mode = ${mode} order by date`;
  return rows.map(({ day, ...figures }) => [
    day,
    ...Object.values(figures).map((value) => Math.round(Number(value) * 1e6) / 1e6),
  ]);
};

/** What the days add up to, and what the book says. */
const sums = async () => {
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
const addUp = async () => {
  const s = await sums();
  expect(s.days_fees).toBeCloseTo(s.fees ?? Number.NaN, 8);
  expect(s.days_realized).toBeCloseTo(s.realized ?? Number.NaN, 8);
  expect(s.made).toBeCloseTo((s.equity ?? Number.NaN) - (s.flows ?? Number.NaN), 8);
  expect(await brokenInvariants(db)).toBe(0);
  return s;
};
/** Whatever reads the books next: it writes today's row, too. */
const look = () =>
  asEngine(
    db,
    (sql) => sql`select private.lock_accounts(), private.take_snapshots('paper'), private.take_snapshots('live')`,
  );
const dayNotional = async (mode = "paper") => {
  const [row] = await asEngine(db, (sql) => sql`select day_notional from private.lock_account(${mode})`);
  return Number(row?.day_notional);
};

describe("midnight", () => {
  it("does not tear a sale of 23:59:58 that is told at 00:00:20 from its day", async () => {
    await db.setClock("2026-03-01T23:59:00Z");
    await deal({ qty: "2", fee: "0", executed: "23:59:00Z" });
    await db.setClock("2026-03-01T23:59:55Z");
    await deal({ side: "sell", fee: "0.95", executed: "23:59:55Z" });
    const id = await handOver(db, { symbol: "SOL-USD", side: "sell", qty: "1", price: "101" });
    await db.setClock("2026-03-02T00:00:20Z");
    await deal({ id, side: "sell", price: "101", fee: "0.96", executed: "23:59:58Z" });
    expect((await addUp()).fees).toBeCloseTo(1.91, 8);
    // The close of the first is what it would have been: the coin was sold for 101 then, and was not worth 100 any more.
    expect(await days()).toEqual([
      ["01", 1999.09, -0.91, -0.91, 0, 1.91, Math.round((0.91 / 2000) * 1e6) / 1e6],
      ["02", 1999.09, 0, 0, 0, 0, Math.round((0.91 / 2000) * 1e6) / 1e6],
    ]);
  });

  it("counts once, when it is told, what is told at 23:59:58 and timed 00:00:01", async () => {
    await db.setClock("2026-03-01T23:59:58Z");
    await deal({ fee: "0.95", executed: "2026-03-02T00:00:01Z" });
    expect(await brokenInvariants(db)).toBe(0);
    expect((await days()).map((day) => day[5])).toEqual([0.95]);
    expect(await dayNotional()).toBe(100);
    for (const [day, fees] of [
      ["02", [0.95, 0]],
      ["03", [0.95, 0, 0]],
    ] as const) {
      await db.setClock(`2026-03-${day}T00:00:05Z`);
      await look();
      expect(await dayNotional()).toBe(0);
      expect((await days()).map((row) => row[5])).toEqual(fees);
    }
    await addUp();
  });

  it("counts what is dated three days ahead once, as of when it is told", async () => {
    await deal({ fee: "0.95", executed: "2026-03-04T12:00:00Z" });
    await db.setClock("2026-03-06T12:00:00Z");
    await look();
    expect((await days()).map((day) => [day[0], day[5]])).toEqual([
      ["01", 0.95],
      ["06", 0],
    ]);
    await addUp();
  });

  it("writes days that nobody looked at when they are told later, several at once", async () => {
    await deal({ qty: "2", fee: "1", executed: "12:00:00Z" });
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
      (await days()).map(([day, equity, , realized, unrealized, fees]) => [day, equity, realized, unrealized, fees]),
    ).toEqual([
      ["01", 1999, 0, 0, 1],
      // The last price that anybody saw before was 100.
      ["03", 2008.5, 9, 0, 0.5],
      ["04", 2023, 14, 0, 0.5],
      ["06", 2023, 0, 0, 0],
    ]);
    await addUp();
  });

  it("keeps both modes apart", async () => {
    const id = await handOver(db, { symbol: "SOL-USD", qty: "1", price: "100", mode: "live" });
    await db.setClock("2026-03-02T00:00:20Z");
    await deal({ id, fee: "0.95", executed: "23:59:58Z", mode: "live" });
    await look();
    expect((await days("live")).map((day) => day[5])).toEqual([0.95, 0]);
    expect((await days("paper")).map((day) => day[5])).toEqual([0, 0]);
    expect(await dayNotional("live")).toBe(0);
    await addUp();
  });

  it("makes no day of its own of a fill dated 1970: it is of the day of its order", async () => {
    await db.setClock("2026-03-02T12:00:00Z");
    await look();
    await deal({ fee: "0.95", executed: "1970-01-01T00:00:00Z" });
    expect((await days()).map((day) => [day[0], day[5]])).toEqual([
      ["01", 0],
      ["02", 0.95],
    ]);
    await addUp();
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
    expect(await days()).toEqual([
      ["01", 2500, 0, 0, 0, 0, 0],
      ["02", 2500, 0, 0, 0, 0, 0],
    ]);
    await addUp();
  });
});

describe("a correction of an old day", () => {
  const correct = (id: string, filled: string, price: string, fee: string) =>
    asEngine(
      db,
      (sql) => sql`select private.correct_order(${id}, ${filled}, ${price}, ${fee}, 'seen', null, 'operator:o')`,
    );

  it("moves that day and every close since by what it changes, and no other day's P&L", async () => {
    const bought = await deal({ qty: "2", fee: "1", executed: "12:00:00Z" });
    for (const [day, bid] of [
      ["02", "101.99"],
      ["03", "104.99"],
    ] as const) {
      await db.setClock(`2026-03-${day}T12:00:00Z`);
      await quote(db, bid, String(Number(bid) + 0.02));
      await look();
    }
    await deal({ side: "sell", price: "105", fee: "1", executed: "2026-03-03T12:00:00Z" });
    const before = await days();
    await db.setClock("2026-03-04T12:00:00Z");
    await correct(bought, "2", "103", "1.5");
    const after = await days();
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
    await addUp();
    await correct(bought, "1.5", "103", "1.5");
    await correct(bought, "0", "0", "0");
    await addUp();
  });

  it("that is yesterday's takes nothing from today's notional", async () => {
    const bought = await deal({ qty: "2", fee: "1", executed: "12:00:00Z" });
    await db.setClock("2026-03-02T12:00:00Z");
    await deal({ qty: "1", fee: "1", executed: "2026-03-02T11:59:00Z" });
    await correct(bought, "1", "100", "1");
    expect(await dayNotional()).toBe(100);
    await addUp();
  });
});

describe("the invariant of the days", () => {
  const tamper = (statement: string) => db.admin.unsafe(statement);
  const named = async () =>
    (await db.sql`select key from public.alerts where kind = 'invariant' and resolved_at is null order by key`).map(
      ({ key }) => key,
    );

  it("names a day whose fees, realized or P&L are not its own, and the mode whose days don't add up", async () => {
    await deal({ qty: "2", fee: "1", executed: "12:00:00Z" });
    await deal({ side: "sell", price: "105", fee: "1", executed: "13:00:00Z" });
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
    await deal({ qty: "2", fee: "1", executed: "12:00:00Z" });
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
