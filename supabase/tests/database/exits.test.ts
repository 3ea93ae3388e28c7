import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { tickRpc } from "../support/tick-rpc.ts";
import { exit, submit } from "./guards-fixture.ts";
import { applyOne, asEngine, handOver, openBooks, orderOf, reconcile } from "./money-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openBooks();
  const id = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100" });
  await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100" });
});
afterEach(() => db.drop());

/** What the trader is told it may sell. */
const freeQty = async () => {
  const ticks = tickRpc(db);
  const run = await ticks.start("trader-tick");
  await ticks.finish(run);
  const [position] = run.work.positions as { free_qty: string }[];
  return position?.free_qty;
};

describe("an engine's exit while the books disagree", () => {
  it("asks for what the broker confirms, so that a stop is carried out and not denied", async () => {
    expect(await freeQty()).toBe("1");
    for (const status of ["suspect", "degraded"]) {
      await db.advanceClock(10);
      expect((await reconcile(db, { cash: "1900", holdings: { "ETH-USD": "0.9" } })).status).toBe(status);
    }
    const qty = await freeQty();
    expect(qty).toBe("0.9");
    expect(await submit(db, exit({ symbol: "ETH-USD", qty }))).toMatchObject({ status: "accepted" });
    expect(Number(await freeQty())).toBe(0);
  });
});

describe("a passive exit whose stop is hit while its reprice is under way", () => {
  it("goes on as a marketable order, and not at the passive price that was worked out before", async () => {
    const id = await handOver(db, { symbol: "ETH-USD", side: "sell", qty: "1", price: "101" });
    await applyOne(db, id);
    await asEngine(db, async (sql) => {
      await sql`select private.cancel_orders(array[${id}::uuid], 'reprice', 'reposition-tick')`;
      await sql`select private.escalate_exit(${id})`;
    });
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "100.01" });
    expect(await orderOf(db, answer.child_order_id)).toMatchObject({ urgency: "stop_loss", limit_price: "99.8" });
  });
});
