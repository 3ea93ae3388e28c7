import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  apply,
  eventsOf,
  handOver,
  intentOf,
  NOON,
  openAlerts,
  openBooks,
  orderOf,
  type Report,
  report,
} from "./money-fixture.ts";
import { applyNow, clearAlerts, lease, proveAbsent, secondsAhead } from "./reports-fixture.ts";

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

describe("an answer that proves nothing", () => {
  it("leaves the order as it is and asks again later, ever more slowly", async () => {
    await entryIn(symbols[0]);
    const waits: unknown[] = [];
    for (const kind of ["unavailable", "unavailable", "unavailable", "unavailable", "unavailable"]) {
      expect(await now({ kind, reason: "timeout" })).toMatchObject({ result: "unchanged", status: "submitted" });
      waits.push(await secondsAhead(db, id));
    }
    expect(waits).toEqual([5, 10, 20, 30, 30]);
    const row = await orderOf(db, id);
    expect([row.unresolved, row.attempts, row.last_error, row.not_found_count]).toEqual([
      true,
      5,
      "unavailable: timeout",
      0,
    ]);
    expect((await eventsOf(db, id)).filter((type) => type === "unavailable")).toHaveLength(1);
    await now({ kind: "throttled" });
    expect(await secondsAhead(db, id)).toBe(60);
    await now({ state: "canceled" });
  });

  it("never counts as not found, however often it comes", async () => {
    await entryIn(symbols[0]);
    for (let n = 0; n < 10; n++) {
      await db.advanceClock(10);
      await now({ kind: n % 2 ? "unavailable" : "throttled" });
    }
    expect(await orderOf(db, id)).toMatchObject({ status: "submitted", unresolved: true, not_found_count: 0 });
    await now({ kind: "refused", reason: "minimum" });
    await db.setClock(NOON);
  });
});

describe("a report that can't be read or is about another order than ours", () => {
  it("books nothing, tells a person once, and the order is looked at ever more slowly", async () => {
    await entryIn(symbols[0]);
    await lease(db, id, 3);
    const waits: unknown[] = [];
    const filled = { state: "filled", filled_qty: "0.25", average_price: "100", lease_token: 3 };
    for (const wrong of [{ symbol: "ETH-USD" }, { symbol: "ETH-USD" }, { filled_qty: "abc" }]) {
      expect(await now({ ...filled, ...wrong })).toMatchObject({ result: "invalid", status: "submitted" });
      waits.push(await secondsAhead(db, id));
    }
    expect(waits).toEqual([5, 10, 20]);
    expect(await now({ ...filled, side: "sell", lease_token: null })).toMatchObject({ result: "invalid" });
    expect(await secondsAhead(db, id)).toBe(20);
    expect(await orderOf(db, id)).toMatchObject({
      filled_qty: "0",
      unresolved: true,
      last_error: "unusable report: it says sell BTC-USD",
    });
    expect((await eventsOf(db, id)).filter((type) => type === "contradictory_report")).toHaveLength(3);
    expect(await openAlerts(db)).toEqual(["contradictory_report"]);
    expect(await now({ ...filled, symbol: "BTC-USD", side: "buy" })).toMatchObject({ status: "filled" });
  });

  it("changes nothing for a worker that lost its lease, whatever can't be read in it", async () => {
    await entryIn(symbols[0]);
    expect(await now({ symbol: "ETH-USD", lease_token: 99 })).toMatchObject({ result: "lease_lost" });
    expect(await now({ filled_qty: "abc", lease_token: 99 })).toMatchObject({ result: "lease_lost" });
    expect(await orderOf(db, id)).toMatchObject({ last_error: null });
    expect(await openAlerts(db)).toEqual([]);
    await now({ state: "canceled" });
  });
});

describe("proof of absence", () => {
  it("needs three answers not found over thirty seconds; then the order never reached the broker", async () => {
    await entryIn(symbols[1]);
    await now({ kind: "not_found" });
    await db.advanceClock(10);
    await now({ kind: "not_found" });
    await db.advanceClock(10);
    await now({ kind: "not_found" });
    expect(await orderOf(db, id)).toMatchObject({ status: "submitted", unresolved: true, not_found_count: 3 });
    await db.advanceClock(10);
    expect(await now({ kind: "not_found" })).toMatchObject({ status: "rejected" });
    const row = await orderOf(db, id);
    expect(row).toMatchObject({ unresolved: false, reject_reason: "never_reached_broker" });
    expect(row.watch_until).not.toBeNull();
    expect((await intentOf(db, id)).status).toBe("failed");
  });

  it("counts one observation once, however often it is told", async () => {
    await entryIn(symbols[2]);
    const said = report(id, { kind: "not_found" });
    await apply(db, said);
    await db.advanceClock(40);
    await apply(db, said, said, said, said);
    expect(await orderOf(db, id)).toMatchObject({ status: "submitted", not_found_count: 1 });
    await now({ kind: "refused" });
  });

  it("starts again when the order is seen", async () => {
    await entryIn(symbols[3]);
    for (let n = 0; n < 3; n++) {
      await now({ kind: "not_found" });
      await db.advanceClock(5);
    }
    await now({});
    expect(await orderOf(db, id)).toMatchObject({ status: "working", not_found_count: 0, not_found_since: null });
    await now({ state: "canceled" });
  });

  it("is not possible for an order that the broker once acknowledged: it stays unresolved and a person is told", async () => {
    await entryIn(symbols[3]);
    await now({});
    for (let n = 0; n < 5; n++) {
      await db.advanceClock(20);
      await now({ kind: "not_found" });
    }
    expect(await orderOf(db, id)).toMatchObject({ status: "working", unresolved: true });
    expect(await openAlerts(db)).toContain("contradictory_report");
    await now({ state: "canceled" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", unresolved: false });
  });

  it("is no last word on a canceled order either: it is asked about for as long again, and its late fill is booked", async () => {
    await entryIn(symbols[3]);
    await now({ state: "canceled" });
    await db.advanceClock(301);
    await now({ kind: "not_found" });
    expect(await secondsAhead(db, id)).toBeGreaterThan(0);
    await db.advanceClock(60);
    await now({ state: "canceled", filled_qty: "0.1", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", filled_qty: "0.1", next_action_at: null });
  });

  it("ends the watch of a canceled order only when three of them over thirty seconds agree", async () => {
    await entryIn(symbols[3]);
    await now({ state: "canceled" });
    await db.advanceClock(601);
    for (const seconds of [15, 14, 1]) {
      await now({ kind: "not_found" });
      expect(await secondsAhead(db, id)).toBeGreaterThan(0);
      await db.advanceClock(seconds);
    }
    await now({ kind: "not_found" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", next_action_at: null });
  });

  it("that turns out wrong brings the order back to life, with an alert, and its intent with it", async () => {
    await entryIn(symbols[1]);
    await proveAbsent(db, id);
    expect((await orderOf(db, id)).status).toBe("rejected");
    expect(await now({})).toMatchObject({ result: "applied", status: "working" });
    expect(await orderOf(db, id)).toMatchObject({
      closed_at: null,
      watch_until: null,
      reject_reason: null,
      unresolved: false,
    });
    expect((await intentOf(db, id)).status).toBe("active");
    expect(await openAlerts(db)).toContain("back_from_absent");
    await now({ state: "filled", filled_qty: "0.25", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("that turns out wrong when another order took its place waits until that one is proven canceled", async () => {
    await entryIn(symbols[2]);
    await proveAbsent(db, id);
    const lost = id;
    const other = await entryIn(symbols[2]);
    await now({});
    id = lost;
    expect(await now({})).toMatchObject({ status: "rejected" });
    expect(await orderOf(db, lost)).toMatchObject({ unresolved: true });
    expect(await orderOf(db, other)).toMatchObject({
      status: "cancel_pending",
      cancel_reason_code: "back_from_absent",
    });
    id = other;
    await db.advanceClock(1);
    await now({ state: "canceled" });
    id = lost;
    await db.advanceClock(1);
    expect(await now({})).toMatchObject({ status: "working" });
    await now({ state: "canceled" });
  });
});
