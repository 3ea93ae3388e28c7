import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  applyOne,
  asEngine,
  handOver,
  intentOf,
  openAlerts,
  openBooks,
  orderOf,
  quote,
  type Report,
} from "./money-fixture.ts";
import { applyNow, askForCancel, clearAlerts, lease, secondsAhead } from "./reports-fixture.ts";

let db: TestDatabase;
let id: string;
const symbols = ["BTC-USD", "ETH-USD", "SOL-USD", "AVAX-USD"];

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

beforeEach(() => clearAlerts(db));

const entryIn = async (symbol: string | undefined) => {
  id = await handOver(db, { symbol: symbol ?? "BTC-USD" });
  return id;
};

/** A report on the order at hand, observed at the database's own present. */
const now = (change: Report = {}) => applyNow(db, id, change);

describe("a refusal", () => {
  it("of the placement rejects the order and fails the entry", async () => {
    await entryIn(symbols[0]);
    expect(await now({ kind: "refused", reason: "insufficient buying power" })).toMatchObject({ status: "rejected" });
    const row = await orderOf(db, id);
    expect([row.unresolved, row.reject_reason, row.next_action_at]).toEqual([false, "insufficient buying power", null]);
    expect((await intentOf(db, id)).status).toBe("failed");
    expect((await now({ kind: "refused" }))?.result).toBe("unchanged");
  });

  it("of the placement that comes when the order works already is told and changes nothing", async () => {
    await entryIn(symbols[0]);
    await now({});
    await db.advanceClock(1);
    expect(await now({ kind: "refused" })).toMatchObject({ result: "unchanged", status: "working" });
    expect(await openAlerts(db)).toContain("contradictory_report");
    await db.advanceClock(1);
    await now({ state: "canceled" });
  });

  it("of the placement also ends an order whose cancel was asked for meanwhile", async () => {
    await entryIn(symbols[0]);
    await askForCancel(db, id, "operator");
    expect(await now({ kind: "refused" })).toMatchObject({ status: "rejected" });
    expect((await intentOf(db, id)).status).toBe("canceled");
  });

  it("of a cancel puts the order back to work, partially filled if it was", async () => {
    await entryIn(symbols[0]);
    await now({});
    await askForCancel(db, id, "reprice");
    expect(await now({ kind: "cancel_refused", reason: "too late" })).toMatchObject({ status: "working" });
    expect(await secondsAhead(db, id)).toBe(60);
    await askForCancel(db, id, "operator");
    await db.advanceClock(1);
    await now({ state: "partially_filled", filled_qty: "0.1", average_price: "100" });
    expect(await now({ kind: "cancel_refused" })).toMatchObject({ status: "partially_filled" });
    expect(await secondsAhead(db, id)).toBe(5);
    expect((await orderOf(db, id)).cancel_reason_code).toBeNull();
    expect((await now({ kind: "cancel_refused" }))?.result).toBe("unchanged");
    await db.advanceClock(1);
    await now({ state: "canceled", filled_qty: "0.1", average_price: "100" });
  });
});

describe("a cancel", () => {
  it("is pending until proven: an accepted request and a report that it still works prove nothing", async () => {
    await quote(db, "99.99", "100.01");
    await entryIn(symbols[0]);
    await now({});
    await askForCancel(db, id, "operator");
    expect(await now({ kind: "cancel_requested" })).toMatchObject({ result: "unchanged", status: "cancel_pending" });
    await db.advanceClock(2);
    expect(await now({})).toMatchObject({ status: "cancel_pending" });
    for (let n = 0; n < 8; n++) await now({ kind: "unavailable" });
    expect(await orderOf(db, id)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "operator" });
    await db.advanceClock(2);
    expect(await now({ state: "canceled" })).toMatchObject({ status: "canceled" });
    expect((await intentOf(db, id)).status).toBe("canceled");
  });

  it.each([
    ["asked for", (order: string) => askForCancel(db, order, "operator")],
    [
      "written by hand",
      (order: string) => db.sql`update public.crypto_orders set status = 'canceled' where id = ${order}`,
    ],
  ])("%s, that the broker accepts and does not carry out, is asked for again with back-off", async (_, cancel) => {
    await entryIn(symbols[0]);
    await now({});
    for (let n = 0; n < 4; n++) await now({ kind: "unavailable" });
    await cancel(id);
    await lease(db, id, 5);
    const waits: unknown[] = [];
    for (let n = 0; n < 6; n++) {
      await db.advanceClock(1);
      await now({ lease_token: 5 });
      await now({ kind: "cancel_requested", lease_token: 5 });
      waits.push(await secondsAhead(db, id));
    }
    expect(waits).toEqual([2, 4, 8, 16, 30, 30]);
    await db.advanceClock(1);
    await now({ state: "canceled" });
  });

  it("that the broker does not answer is asked for again with back-off, and stays pending", async () => {
    await entryIn(symbols[0]);
    await now({});
    await askForCancel(db, id, "operator");
    const waits = [await secondsAhead(db, id)];
    for (let n = 0; n < 5; n++) {
      expect(await now({ kind: "unavailable", reason: "timeout" })).toMatchObject({ status: "cancel_pending" });
      waits.push(await secondsAhead(db, id));
    }
    expect(waits).toEqual([0, 5, 10, 20, 30, 30]);
    await db.advanceClock(30);
    const [due] = await asEngine(
      db,
      (sql) => sql`select private.claim_orders(gen_random_uuid(), 1, 10, '{cancel}') ->> 'id' as id`,
    );
    expect(due?.id).toBe(id);
    await now({ state: "canceled" });
  });

  it("that loses the race against a fill books the fill", async () => {
    await entryIn(symbols[0]);
    await applyOne(db, id);
    await askForCancel(db, id, "kill_switch");
    expect(await now({ state: "filled", filled_qty: "0.25", average_price: "100" })).toMatchObject({
      status: "filled",
    });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("with a part filled ends its intent partially filled, and for want of attempts exhausted", async () => {
    await entryIn(symbols[0]);
    await now({ state: "partially_filled", filled_qty: "0.1", average_price: "100" });
    await askForCancel(db, id, "liquidity_guard");
    await db.advanceClock(1);
    await now({ state: "canceled", filled_qty: "0.1", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("partially_filled");
    await entryIn(symbols[0]);
    await now({});
    await askForCancel(db, id, "max_reprices");
    await db.advanceClock(1);
    await now({ state: "canceled" });
    expect((await intentOf(db, id)).status).toBe("exhausted");
  });
});
