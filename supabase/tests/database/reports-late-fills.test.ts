import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  applyOne,
  asEngine,
  eventsOf,
  handOver,
  intentOf,
  openAlerts,
  openBooks,
  orderOf,
  positionOf,
  quote,
} from "./money-fixture.ts";
import { backToNoon, childOf, closeAll, exitOfOne, recover, repricing, secondsAhead, send } from "./reports-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

afterEach(() => backToNoon(db));

describe("recovery", () => {
  it("gives an exit its missing order once a price is there, and counts nothing twice", async () => {
    const id = await exitOfOne(db, "BTC-USD", { mode: "live" });
    await db.admin`alter table public.quotes disable trigger user`;
    await db.admin`delete from public.quotes where symbol = 'BTC-USD'`;
    expect((await applyOne(db, id, { state: "canceled" })).child_order_id).toBeUndefined();
    expect((await intentOf(db, id)).status).toBe("active");
    await recover(db);
    expect(await childOf(db, id)).toBeUndefined();
    await quote(db, "99.99", "100.01");
    await recover(db);
    await recover(db);
    const children = await db.sql`select * from public.crypto_orders where parent_order_id = ${id}`;
    expect(children).toHaveLength(1);
    expect(children[0]).toMatchObject({ limit_price: "100.01", qty: "1", status: "new" });
  });

  it("ends an entry that was to be repriced when no fresh quote is there", async () => {
    await closeAll(db);
    await asEngine(
      db,
      (sql) =>
        sql`update public.accounts set degraded = false, degraded_reason = null, degraded_since = null where true`,
    );
    const id = await repricing(db, { symbol: "DOGE-USD", qty: "25", price: "1" });
    await db.advanceClock(120);
    expect((await applyOne(db, id, { state: "canceled" })).child_order_id).toBeUndefined();
    expect((await intentOf(db, id)).status).toBe("canceled");
  });
});

describe("a late fill", () => {
  it("that comes when all before it is sold opens the position anew, for the engine and with the exits of its intent", async () => {
    await closeAll(db);
    const metadata = { stop_price: "98", target_price: "104" };
    const id = await handOver(db, { symbol: "SOL-USD", qty: "1", metadata, strategy: "score" });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.4", average_price: "100" });
    await applyOne(db, id, { state: "canceled", filled_qty: "0.4", average_price: "100" });
    const exit = await handOver(db, { symbol: "SOL-USD", side: "sell", qty: "0.4", price: "101" });
    await applyOne(db, exit, { state: "filled", filled_qty: "0.4", average_price: "101" });
    expect(await positionOf(db, "SOL-USD")).toMatchObject({ qty: "0", engine: null });
    await applyOne(db, id, { state: "canceled", filled_qty: "1", average_price: "100" });
    const held = { qty: "0.6", engine: "trader", strategy: "score", stop_price: "98", target_price: "104" };
    expect(await positionOf(db, "SOL-USD")).toMatchObject(held);
    const rest = await handOver(db, { symbol: "SOL-USD", side: "sell", qty: "0.6", price: "100" });
    await applyOne(db, rest, { state: "filled", filled_qty: "0.6", average_price: "100" });
  });

  it("of a buy covers the sell that was told before it: the position is what was bought less what was sold", async () => {
    const entry = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100" });
    await applyOne(db, entry, { state: "canceled" });
    const exit = await handOver(db, { symbol: "ETH-USD", side: "sell", qty: "0.4", price: "110" });
    await applyOne(db, exit, { state: "filled", filled_qty: "0.4", average_price: "110", fee: "0.4" });
    expect(await eventsOf(db, exit)).toContain("overfill");
    await applyOne(db, entry, { state: "filled", filled_qty: "1", average_price: "100", fee: "1" });
    expect(await positionOf(db, "ETH-USD")).toMatchObject({ qty: "0.6", realized_pnl: "3.20000000" });
    expect(await db.admin`select from private.uncovered_sells`).toHaveLength(0);
  });

  it("is booked, told, and shrinks a child that was not handed over yet", async () => {
    const id = await repricing(db, { symbol: "AVAX-USD", qty: "0.25", price: "100" });
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "100" });
    expect((await orderOf(db, answer.child_order_id)).qty).toBe("0.25");
    await applyOne(db, id, { state: "canceled", filled_qty: "0.1", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", filled_qty: "0.1" });
    expect((await orderOf(db, answer.child_order_id)).qty).toBe("0.15");
    expect(await openAlerts(db)).toContain("late_fill");
    expect(await eventsOf(db, id)).toContain("late_fill");
    const [fill] = await db.sql`select late from public.crypto_fills where order_id = ${id}`;
    expect(fill?.late).toBe(true);
    await closeAll(db);
  });

  it("of everything fills the order and cancels the child on the spot", async () => {
    const id = await repricing(db, { symbol: "AVAX-USD", qty: "0.25", price: "100" });
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "100" });
    expect((await applyOne(db, id, { state: "filled", filled_qty: "0.25", average_price: "100" })).status).toBe(
      "filled",
    );
    expect(await orderOf(db, answer.child_order_id)).toMatchObject({
      status: "canceled",
      cancel_reason_code: "late_fill",
    });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("cancels a child that was handed over, and orders the rest when that is proven", async () => {
    const id = await repricing(db, { symbol: "AVAX-USD", qty: "0.25", price: "100" });
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "100" });
    const child = answer.child_order_id ?? "";
    await send(db, child);
    await applyOne(db, child);
    await applyOne(db, id, { state: "canceled", filled_qty: "0.1", average_price: "100" });
    expect(await orderOf(db, child)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "late_fill" });
    const second = await applyOne(db, child, { state: "canceled", filled_qty: "0.05", average_price: "100" });
    expect((await orderOf(db, second.child_order_id)).qty).toBe("0.1");
    await closeAll(db);
    expect((await intentOf(db, id)).status).toBe("partially_filled");
  });

  it("of an intent that had ended raises its status", async () => {
    const id = await handOver(db, { symbol: "AVAX-USD" });
    await applyOne(db, id, { state: "canceled" });
    expect((await intentOf(db, id)).status).toBe("canceled");
    await applyOne(db, id, { state: "canceled", filled_qty: "0.1", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("partially_filled");
    await applyOne(db, id, { state: "filled", filled_qty: "0.25", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("is looked for with back-off as long as LATE_FILL_WATCH_SECONDS, and no longer once the broker has answered after that", async () => {
    const id = await handOver(db, { symbol: "AVAX-USD" });
    await applyOne(db, id, { state: "canceled" });
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      const seconds = await secondsAhead(db, id);
      if (seconds == null) break;
      waits.push(seconds);
      await db.advanceClock(seconds);
      await applyOne(db, id, { state: "canceled" });
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 120, 25]);
    expect(waits.reduce((sum, wait) => sum + wait)).toBe(300);
  });
});
