import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { applyOne, handOver, openAlerts, openBooks, orderOf, positionOf, quote, reconcile } from "./money-fixture.ts";
import { applyNow, proveAbsent, secondsAhead } from "./reports-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

const exitOf = (symbol: string, qty: string) => handOver(db, { symbol, side: "sell", qty, price: "100" });
const events = () => db.sql`select * from public.crypto_reconciliation_events where mode = 'paper' order by id`;

describe("a reconciliation", () => {
  beforeEach(async () => {
    await db.advanceClock(60);
    await quote(db, "99.99", "100.01");
  });

  it("shows orders and holdings at the broker that are not ours, and takes the alerts back when they are gone", async () => {
    const stranger = { client_order_id: "someone-else", symbol: "BTC-USD", side: "buy", qty: "1", filled_qty: "0" };
    const holdings = { "BTC-USD": "0.4" };
    expect((await reconcile(db, { cash: "2000", holdings, open_orders: [stranger] })).status).toBe("suspect");
    expect((await events()).at(-1)?.unknown_orders).toEqual([{ ...stranger, our_status: null }]);
    expect(await openAlerts(db)).toEqual(expect.arrayContaining(["unknown_broker_order", "unknown_holding"]));
    expect(await positionOf(db, "BTC-USD")).toBeUndefined();
    await db.advanceClock(1);
    await reconcile(db, { cash: "2000" });
    expect(await openAlerts(db)).toEqual([]);
  });

  it("calls nothing not ours that our own order may have bought, before its fill is told", async () => {
    const id = await handOver(db, { symbol: "SOL-USD", qty: "0.1", price: "1" });
    await reconcile(db, { cash: "2000", holdings: { "SOL-USD": "0.1" } });
    expect(await openAlerts(db)).not.toContain("unknown_holding");
    await applyOne(db, id, { state: "canceled" });
    await reconcile(db, { cash: "2000", holdings: { "SOL-USD": "0.1" } });
    expect(await openAlerts(db)).toContain("unknown_holding");
    await reconcile(db, { cash: "2000" });
    expect(await openAlerts(db)).toEqual([]);
  });

  it("knows its own open order, and finds one that is open at the broker though it is closed here", async () => {
    const id = await handOver(db, { symbol: "DOGE-USD", qty: "10", price: "1" });
    await applyOne(db, id);
    const open = { client_order_id: id, symbol: "DOGE-USD", side: "buy", qty: "10", filled_qty: "0" };
    await reconcile(db, { cash: "2000", open_orders: [open] });
    expect((await events()).at(-1)?.unknown_orders).toEqual([]);
    await applyOne(db, id, { state: "canceled" });
    await db.advanceClock(5);
    await reconcile(db, { cash: "2000", open_orders: [open] });
    expect((await events()).at(-1)?.unknown_orders).toEqual([{ ...open, our_status: "canceled" }]);
    await reconcile(db, { cash: "2000" });
  });

  it("that does not agree has orders looked at which the broker no longer lists", async () => {
    const id = await handOver(db, { symbol: "DOGE-USD", qty: "10", price: "1" });
    await applyOne(db, id);
    await db.advanceClock(5);
    await reconcile(db, { cash: "1990" });
    const [due] =
      await db.sql`select next_action_at <= private.clock() as due from public.crypto_orders where id = ${id}`;
    expect(due?.due).toBe(true);
    await applyOne(db, id, { state: "canceled" });
    await reconcile(db, { cash: "2000" });
  });

  it("that finds more held than there should be asks once more about the day's closed orders of that symbol, and books what they tell", async () => {
    const id = await handOver(db, { symbol: "AVAX-USD", qty: "0.2", price: "100" });
    const other = await handOver(db, { symbol: "ETH-USD", qty: "0.2", price: "100" });
    for (const order of [id, other]) await proveAbsent(db, order);
    await db.advanceClock(400);
    for (const order of [id, other]) await applyNow(db, order, { kind: "not_found" });
    expect(await secondsAhead(db, id)).toBeNull();
    const held = { cash: "1980", holdings: { "AVAX-USD": "0.2" } };
    await db.advanceClock(299);
    await reconcile(db, held);
    expect(await secondsAhead(db, id), "so soon after the last look").toBeNull();
    await db.advanceClock(2);
    await reconcile(db, held);
    expect([await secondsAhead(db, id), await secondsAhead(db, other)]).toEqual([0, null]);
    await applyNow(db, id, { state: "filled", filled_qty: "0.2", average_price: "100" });
    expect((await reconcile(db, held)).status).toBe("ok");
    await applyNow(db, await exitOf("AVAX-USD", "0.2"), { state: "filled", filled_qty: "0.2", average_price: "100" });
    await reconcile(db, { cash: "2000" });
  });

  it("that lists an order of ours which is closed here has it looked at", async () => {
    const id = await handOver(db, { symbol: "SOL-USD", qty: "0.2", price: "100" });
    await proveAbsent(db, id);
    await db.advanceClock(700);
    await applyNow(db, id, { kind: "not_found" });
    await db.advanceClock(301);
    const open = { client_order_id: id, symbol: "SOL-USD", side: "buy", qty: "0.2", filled_qty: "0" };
    await reconcile(db, { cash: "2000", open_orders: [open] });
    expect(await secondsAhead(db, id)).toBe(0);
    expect(await applyNow(db, id)).toMatchObject({ status: "working" });
    await db.advanceClock(1);
    await applyNow(db, id, { state: "canceled" });
    await reconcile(db, { cash: "2000" });
  });

  it("that agrees explains a closed order whose last words made no sense, once its watch is over", async () => {
    const id = await handOver(db, { symbol: "DOGE-USD", qty: "10", price: "1" });
    await applyOne(db, id, { state: "canceled" });
    await applyOne(db, id, { state: "working" });
    await db.advanceClock(100);
    await reconcile(db, { cash: "2000" });
    expect((await orderOf(db, id)).unresolved).toBe(true);
    await db.advanceClock(300);
    await reconcile(db, { cash: "2000" });
    expect(await orderOf(db, id)).toMatchObject({ unresolved: false, next_action_at: null });
  });
});
