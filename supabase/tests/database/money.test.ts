import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  applyOne,
  asEngine,
  brokenInvariants,
  brokerFill,
  cashOf,
  handOver,
  NOON,
  openAlerts,
  openBooks,
  orderOf,
  positionOf,
} from "./money-fixture.ts";
import { plain } from "./properties-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

/** Buys or sells at once and returns the order's id. */
async function trade(side: "buy" | "sell", symbol: string, qty: string, price: string, fee = "0", more: object = {}) {
  const id = await handOver(db, { side, symbol, qty, price, ...more });
  await applyOne(db, id, {
    state: "filled",
    filled_qty: qty,
    average_price: price,
    fee,
    fills: [brokerFill(`${id}-f`, qty, price, fee)],
  });
  return id;
}

describe("a position", () => {
  it("takes engine, strategy and exit state from its intent at the first fill, and loses them when flat", async () => {
    const id = await handOver(db, {
      symbol: "SOL-USD",
      qty: "1",
      price: "100",
      strategy: "momentum",
      metadata: { stop_price: "98.5", target_price: "102", exit_by: "2026-03-01T14:00:00Z" },
    });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.5", average_price: "99" });
    expect(await positionOf(db, "SOL-USD")).toMatchObject({
      engine: "trader",
      strategy: "momentum",
      stop_price: "98.5",
      target_price: "102",
      exit_by: new Date("2026-03-01T14:00:00Z"),
      high_water: "99",
      trail_armed: false,
    });
    await asEngine(
      db,
      (sql) =>
        sql`update public.positions set high_water = 105, trail_armed = true, stop_price = 104 where symbol = 'SOL-USD'`,
    );
    await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100" });
    const position = await positionOf(db, "SOL-USD");
    expect(position).toMatchObject({ qty: "1", high_water: "105", trail_armed: true, stop_price: "104" });
    expect(plain(position?.entry_price)).toBe("100");
    await trade("sell", "SOL-USD", "1", "103");
    expect(await positionOf(db, "SOL-USD")).toMatchObject({
      engine: null,
      strategy: null,
      entry_price: null,
      stop_price: null,
      target_price: null,
      exit_by: null,
      high_water: null,
      opened_at: null,
      average_price: null,
      trail_armed: false,
    });
  });

  it("books a fill whatever nonsense its intent's metadata hold", async () => {
    await trade("buy", "AVAX-USD", "1", "100", "0", {
      metadata: { stop_price: "low", target_price: "-3", exit_by: "soon" },
    });
    expect(await positionOf(db, "AVAX-USD")).toMatchObject({ stop_price: null, target_price: null, exit_by: null });
    await trade("sell", "AVAX-USD", "1", "100");
  });

  it("begins anew when all that was left is dust", async () => {
    await trade("buy", "AVAX-USD", "1.001", "100", "0", { strategy: "old" });
    await trade("sell", "AVAX-USD", "1", "100");
    await trade("buy", "AVAX-USD", "2", "110", "0", {
      strategy: "fresh",
      engine: "edge_factory",
      metadata: { stop_price: "90" },
    });
    expect(await positionOf(db, "AVAX-USD")).toMatchObject({
      engine: "edge_factory",
      strategy: "fresh",
      stop_price: "90",
    });
    await trade("sell", "AVAX-USD", "2.001", "110");
  });
});

describe("an account", () => {
  it("counts what entries filled on the UTC day, not exits, and not what belongs to yesterday", async () => {
    const spent = async () => {
      const [row] = await db.sql<
        { day_notional: string }[]
      >`select day_notional from public.accounts where mode = 'paper'`;
      return Number(row?.day_notional);
    };
    const before = await spent();
    await trade("buy", "ETH-USD", "0.5", "100");
    expect(await spent()).toBe(before + 50);
    await trade("sell", "ETH-USD", "0.5", "100");
    expect(await spent()).toBe(before + 50);
    const id = await handOver(db, { symbol: "ETH-USD", qty: "0.5" });
    await db.setClock("2026-03-02T00:00:30Z");
    await applyOne(db, id, {
      state: "partially_filled",
      filled_qty: "0.2",
      average_price: "100",
      fills: [{ ...brokerFill("eve", "0.2", "100"), executed_at: "2026-03-01T23:59:59Z" }],
    });
    expect(await spent()).toBe(0);
    await applyOne(db, id, {
      state: "filled",
      filled_qty: "0.5",
      average_price: "100",
      fills: [{ ...brokerFill("morning", "0.3", "100"), executed_at: "2026-03-02T00:00:10Z" }],
    });
    expect(await spent()).toBe(30);
    await db.setClock(NOON);
    await trade("sell", "ETH-USD", "0.5", "100");
  });

  it("keeps paper and live apart", async () => {
    const paper = await cashOf(db);
    await trade("buy", "DOGE-USD", "10", "1", "0.1", { mode: "live" });
    expect(await cashOf(db)).toEqual(paper);
    expect((await cashOf(db, "live")).cash).toBe("1989.9");
    expect((await positionOf(db, "DOGE-USD", "live"))?.qty).toBe("10");
    expect(await positionOf(db, "DOGE-USD", "paper")).toBeUndefined();
    await trade("sell", "DOGE-USD", "10", "1", "0", { mode: "live" });
  });
});

describe("what can't be right", () => {
  it("an overfill is booked in full, recorded and told", async () => {
    const id = await handOver(db, { symbol: "ETH-USD", qty: "0.5" });
    await applyOne(db, id, { state: "filled", filled_qty: "0.6", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", filled_qty: "0.6", remaining_qty: "0" });
    expect((await positionOf(db, "ETH-USD"))?.qty).toBe("0.6");
    expect(await openAlerts(db)).toContain("overfill");
    expect(await brokenInvariants(db)).toBe(0);
    await trade("sell", "ETH-USD", "0.6", "100");
  });

  it("a sell beyond what is held brings the cash, leaves nothing negative, and is told", async () => {
    await asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);
    await trade("buy", "ETH-USD", "0.5", "100");
    const { cash } = await cashOf(db);
    await trade("sell", "ETH-USD", "0.7", "100");
    expect(Number((await cashOf(db)).cash)).toBeCloseTo(Number(cash) + 70, 9);
    expect((await positionOf(db, "ETH-USD"))?.qty).toBe("0");
    expect(await openAlerts(db)).toEqual(["overfill"]);
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("figures that contradict the booked ones are not booked: the order stays unresolved and a person is told", async () => {
    await asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1" });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.5", average_price: "100" });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.6", average_price: "10" });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0.5", unresolved: true });
    expect(await openAlerts(db)).toEqual(["contradictory_report"]);
    await applyOne(db, id, { state: "filled", filled_qty: "0.6", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0.6", status: "partially_filled", unresolved: true });
    await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", unresolved: false });
    await trade("sell", "ETH-USD", "1", "100");
  });

  it("a fill's id with another quantity, or of another order, is told and books nothing", async () => {
    await asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1" });
    await applyOne(db, id, {
      state: "partially_filled",
      filled_qty: "0.2",
      average_price: "100",
      fills: [brokerFill("same", "0.2", "100")],
    });
    await applyOne(db, id, {
      state: "partially_filled",
      filled_qty: "0.2",
      average_price: "100",
      fills: [brokerFill("same", "0.3", "100")],
    });
    expect((await orderOf(db, id)).filled_qty).toBe("0.2");
    expect(await openAlerts(db)).toEqual(["contradictory_report"]);
    await applyOne(db, id, { state: "canceled", filled_qty: "0.2", average_price: "100" });
    await trade("sell", "ETH-USD", "0.2", "100");
  });

  it("an order that works after it was canceled is told and looked at until it is explained", async () => {
    await asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1" });
    await applyOne(db, id, { state: "canceled" });
    await applyOne(db, id, { state: "working" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", unresolved: true });
    expect(await openAlerts(db)).toEqual(["contradictory_report"]);
    await applyOne(db, id, { state: "canceled" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", unresolved: false });
  });
});
