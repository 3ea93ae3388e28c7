import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  apply,
  applyOne,
  asEngine,
  brokenInvariants,
  brokerFill,
  cashOf,
  handOver,
  intentOf,
  openBooks,
  orderOf,
  positionOf,
  quote,
  reconcile,
  report,
} from "./money-fixture.ts";
import { askForCancel, childOf, exitOfOne, proveAbsent, recover, send } from "./reports-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

/** An exit of 1 in a symbol that holds 1, proven absent, with the child that took its place. */
async function lostExit(symbol: string) {
  const id = await exitOfOne(db, symbol, { price: "100" });
  await proveAbsent(db, id);
  await quote(db, "99.99", "100.01");
  const child = await childOf(db, id);
  if (!child) throw new Error("no child");
  return { id, child: child.id };
}

describe("the same report from many sides at once", () => {
  it("is booked once", async () => {
    const before = Number((await cashOf(db)).cash);
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100" });
    const said = report(id, {
      state: "filled",
      filled_qty: "1",
      average_price: "100",
      fee: "1",
      fills: [brokerFill("race", "1", "100", "1")],
    });
    const answers = await Promise.all(Array.from({ length: 24 }, () => apply(db, said)));
    expect(answers.flat().filter((answer) => answer.result === "applied")).toHaveLength(1);
    expect(Number((await cashOf(db)).cash)).toBe(before - 101);
    expect(await db.sql`select id from public.crypto_fills where fill_id = 'race'`).toHaveLength(1);
  });

  it("neither deadlocks with reconciliations, seals, checks and cancels, nor leaves a cent behind", async () => {
    const symbols = ["BTC-USD", "SOL-USD", "AVAX-USD", "DOGE-USD"];
    const trader = async (symbol: string, mode: string) => {
      for (let n = 0; n < 6; n++) {
        const id = await handOver(db, { symbol, mode, qty: "2", price: "10" });
        await applyOne(db, id, { state: "partially_filled", filled_qty: "1", average_price: "10", fee: "0.01" });
        await askForCancel(db, id, "operator");
        await applyOne(db, id, { state: "canceled", filled_qty: "1", average_price: "10", fee: "0.01" });
      }
    };
    const keeper = async () => {
      for (let n = 0; n < 12; n++) {
        await reconcile(db, { cash: "1" });
        await db.sql`select private.check_invariants()`;
        await db.sql`select private.seal_audit()`;
      }
    };
    await Promise.all([
      ...symbols.flatMap((symbol) => [trader(symbol, "paper"), trader(symbol, "live")]),
      keeper(),
      keeper(),
    ]);
    expect(await brokenInvariants(db)).toBe(0);
    expect((await cashOf(db, "live")).cash).toBe(String(2000 - 24 * 10 - 0.24));
  });
});

describe("an exit that was proven absent and is alive after all", () => {
  it("takes the place of a child that was not handed over yet", async () => {
    const { id, child } = await lostExit("ETH-USD");
    expect((await applyOne(db, id)).status).toBe("working");
    expect(await orderOf(db, child)).toMatchObject({ status: "canceled", cancel_reason_code: "back_from_absent" });
    expect((await intentOf(db, id)).status).toBe("active");
    await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("waits for the proof that a child at the broker is canceled, and sells no more than is left", async () => {
    const before = Number((await positionOf(db, "ETH-USD"))?.qty);
    const { id, child } = await lostExit("ETH-USD");
    await send(db, child);
    await applyOne(db, child);
    expect((await applyOne(db, id)).status).toBe("rejected");
    expect(await orderOf(db, id)).toMatchObject({ unresolved: true });
    expect((await orderOf(db, child)).status).toBe("cancel_pending");
    await applyOne(db, child, { state: "canceled", filled_qty: "0.4", average_price: "100" });
    expect((await applyOne(db, id)).status).toBe("working");
    expect(await orderOf(db, id)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "late_fill" });
    const last = await applyOne(db, id, { state: "canceled" });
    expect((await orderOf(db, last.child_order_id)).qty).toBe("0.6");
    await send(db, last.child_order_id);
    await applyOne(db, last.child_order_id ?? "", { state: "filled", filled_qty: "0.6", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("filled");
    expect(Number((await positionOf(db, "ETH-USD"))?.qty)).toBe(before);
    expect(await brokenInvariants(db)).toBe(0);
  });
});

describe("an intent that can't go on now", () => {
  it("is no work for the tick until it can", async () => {
    const orphans = async () =>
      (await asEngine(db, (sql) => sql`select intent_id from private.orphan_intents()`)).length;
    const id = await exitOfOne(db, "ETH-USD");
    await applyOne(db, id, { kind: "refused", reason: "not now" });
    expect(await orphans()).toBe(0);
    await db.advanceClock(15);
    expect(await orphans()).toBe(1);
  });

  it("ends as soon as another exit has sold everything, however long its back-off still is", async () => {
    const symbol = "ETH-USD";
    const qty = (await positionOf(db, symbol))?.qty ?? "";
    const refused = await handOver(db, { symbol, side: "sell", qty, price: "100" });
    await applyOne(db, refused, { kind: "refused", reason: "not now" });
    const other = await handOver(db, { symbol, side: "sell", qty, price: "100" });
    await applyOne(db, other, { state: "filled", filled_qty: qty, average_price: "100" });
    await recover(db);
    expect((await intentOf(db, refused)).status).toBe("failed");
  });
});
