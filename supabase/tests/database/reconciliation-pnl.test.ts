import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { applyOne, asEngine, brokenInvariants, handOver, openBooks, quote, reconcile } from "./money-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
  const id = await handOver(db, { symbol: "SOL-USD", qty: "0.2", price: "100" });
  await applyOne(db, id, { state: "filled", filled_qty: "0.2", average_price: "100" });
});

afterAll(async () => {
  await db.drop();
});

describe("snapshots and the day's P&L", () => {
  it("show equity as cash and holdings at mid, so that reserved cash is no loss", async () => {
    await db.advanceClock(60);
    await handOver(db, { symbol: "BTC-USD", qty: "1", price: "100" });
    await quote(db, "109.99", "110.01");
    await reconcile(db, { cash: "1980", holdings: { "SOL-USD": "0.2" } });
    const [cash] =
      await db.sql`select * from public.crypto_cash_snapshots where mode = 'paper' order by taken_at desc, id desc limit 1`;
    expect([cash?.cash_available, cash?.buying_power, Number(cash?.equity)].map(Number)).toEqual([1980, 1879.05, 2002]);
    const [holdings] =
      await db.sql`select * from public.crypto_holdings_snapshots where mode = 'paper' order by taken_at desc, id desc limit 1`;
    expect([holdings?.holdings, Number(holdings?.total_crypto_value)]).toEqual([{ "SOL-USD": "0.2" }, 22]);
  });

  it("are not written again while nothing changes", async () => {
    const count = async () => (await db.sql`select id from public.crypto_cash_snapshots`).length;
    const before = await count();
    await db.advanceClock(60);
    await reconcile(db, { cash: "1980", holdings: { "SOL-USD": "0.2" } });
    expect(await count()).toBe(before);
  });

  it("derive the day: P&L without flows, drawdown from the high-water mark, realized, unrealized, fees", async () => {
    const other = await openBooks();
    const day = async () => {
      const [row] = await other.sql`
        select equity, daily_pnl, drawdown, realized_pnl, unrealized_pnl, fees from public.pnl_daily where mode = 'paper' order by date desc limit 1`;
      return Object.values(row ?? {}).map((value) => Math.round(Number(value) * 1e6) / 1e6);
    };
    const deal = async (side: "buy" | "sell", qty: string, price: string, fee: string) => {
      const id = await handOver(other, { side, symbol: "BTC-USD", qty, price });
      await applyOne(other, id, { state: "filled", filled_qty: qty, average_price: price, fee });
    };
    expect(await day()).toEqual([2000, 0, 0, 0, 0, 0]);
    await deal("buy", "2", "100", "1");
    expect(await day()).toEqual([1999, -1, 0.0005, 0, 0, 1]);
    await quote(other, "119.99", "120.01");
    await deal("sell", "1", "120", "1");
    expect(await day()).toEqual([2038, 38, 0, 18.5, 20, 2]);
    await asEngine(
      other,
      (sql) => sql`select private.record_cash_event('paper', 'deposit', '1000', 'top-up', 'operator:o')`,
    );
    expect(await day()).toEqual([3038, 38, 0, 18.5, 20, 2]);
    await other.setClock("2026-03-02T12:00:00Z");
    await quote(other, "109.99", "110.01");
    await reconcile(other, { cash: "2918", holdings: { "BTC-USD": "1" } });
    expect(await day()).toEqual([3028, -10, Math.round((10 / 3038) * 1e6) / 1e6, 0, 10, 0]);
    expect(await brokenInvariants(other)).toBe(0);
    await other.drop();
  });
});
