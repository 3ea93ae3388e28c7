import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  applyOne,
  asEngine,
  brokerFill,
  cashOf,
  handOver,
  NOON,
  openAlerts,
  openBooks,
  orderOf,
  reconcile,
} from "./money-fixture.ts";
import { bookedOf, emptyBooks, isToldOf } from "./money-inputs-fixture.ts";
import { applyNow, askForCancel, lease, proveAbsent, secondsAhead, startAfresh } from "./reports-fixture.ts";

let db: TestDatabase;
let id: string;

beforeAll(async () => {
  db = await openBooks();
});
afterAll(() => db.drop());
beforeEach(async () => {
  await startAfresh(db);
  await emptyBooks(db);
  id = await handOver(db, { symbol: "SOL-USD", qty: "1", price: "100" });
});

const HOUR = 3600;
const watchdog = () => asEngine(db, (sql) => sql`select private.run_watchdog()`);

describe("a time that can't be", () => {
  it("of a report, six hours ahead, makes no later report look old: the order is explained by the next good ones", async () => {
    await applyNow(db, id, { observed_at: "2026-03-01T18:00:00Z" });
    expect(await isToldOf(db, id)).toBe(true);
    await db.advanceClock(5);
    await applyNow(db, id, { filled_qty: "n/a" });
    expect(await orderOf(db, id)).toMatchObject({ unresolved: true });
    for (let n = 0; n < 2; n++) {
      await db.advanceClock(5);
      await applyNow(db, id);
    }
    expect(await orderOf(db, id)).toMatchObject({ status: "working", unresolved: false, last_error: null });
  });

  it("of a report, some seconds ahead, is an ordinary clock and alarms nobody", async () => {
    await applyNow(db, id, { observed_at: "2026-03-01T12:00:20Z" });
    expect(await openAlerts(db)).toEqual([]);
  });

  it.each([
    ["1970-01-01T00:00:00Z", NOON],
    ["2026-03-04T12:00:00Z", "2026-03-01T12:10:00Z"],
  ])(
    "of a fill, %s, is not believed: it is booked within the order's life, what was said is kept, and it is told",
    async (said, booked) => {
      await db.advanceClock(600);
      await applyNow(db, id, {
        state: "filled",
        filled_qty: "1",
        average_price: "100",
        fills: [{ ...brokerFill(`t-${id}`, "1", "100"), executed_at: said }],
      });
      const [fill] = await bookedOf(db, id);
      expect(new Date(fill?.executed_at).toISOString()).toBe(new Date(booked).toISOString());
      expect(await openAlerts(db)).toEqual(["odd_report"]);
      const [event] = await db.sql`
      select metadata from public.order_events where order_id = ${id} and event_type = 'odd_report'`;
      expect(JSON.stringify(event?.metadata)).toContain(said);
    },
  );

  it("of a fill, three days ahead, is counted once in the daily notional and in one day's fees", async () => {
    const [before] = await db.sql`select day_notional from public.accounts where mode = 'paper'`;
    const [feesBefore] = await db.sql`select coalesce(sum(fees), 0) as fees from public.pnl_daily where mode = 'paper'`;
    const fill = { ...brokerFill("ahead", "1", "100", "0.95"), executed_at: "2026-03-04T12:00:00Z" };
    await applyNow(db, id, { state: "filled", filled_qty: "1", average_price: "100", fee: "0.95", fills: [fill] });
    const [after] = await db.sql`select day_notional from public.accounts where mode = 'paper'`;
    expect(Number(after?.day_notional) - Number(before?.day_notional)).toBe(100);
    for (let day = 0; day < 4; day++) {
      await db.advanceClock(24 * HOUR);
      await reconcile(db, { cash: (await cashOf(db)).cash, holdings: { "SOL-USD": "1" } });
    }
    const [{ fees } = { fees: 0 }] = await db.sql`select sum(fees) as fees from public.pnl_daily where mode = 'paper'`;
    expect(Number(fees) - Number(feesBefore?.fees)).toBeCloseTo(0.95, 9);
    const [{ used } = { used: 1 }] = await db.sql`
      select private.day_notional_used(a) as used from public.accounts as a where a.mode = 'paper'`;
    expect(Number(used)).toBe(0);
  });
});

describe("a closed order whose reports can't be used", () => {
  /** Asks whenever the order is due, until so long after now; returns when each question was asked, in seconds. */
  const askedUntil = async (seconds: number, answer: Record<string, unknown>): Promise<number[]> => {
    const asked: number[] = [];
    for (let at = 0; ; ) {
      const wait = await secondsAhead(db, id);
      if (wait === null || wait === undefined || at + Math.max(wait, 1) > seconds) return asked;
      await db.advanceClock(Math.max(wait, 1));
      at += Math.max(wait, 1);
      await lease(db, id, 9);
      await applyNow(db, id, { lease_token: 9, ...answer });
      asked.push(at);
    }
  };

  it.each([
    ["canceled, with every answer n/a", { state: "canceled", filled_qty: "n/a" }, "contradictory_report"],
    ["without an answer that can be read", { kind: "unavailable", reason: "unreadable" }, "closed_order_unanswered"],
    ["and that works though it was canceled", { state: "working" }, "contradictory_report"],
  ])("%s, is asked about at most 12 times in the seventh hour, and the alert says so", async (what, answer, kind) => {
    await applyNow(db, id);
    await askForCancel(db, id, "operator");
    await db.advanceClock(1);
    await applyNow(db, id, { state: "canceled" });
    const asked = await askedUntil(7 * HOUR, answer);
    expect(asked.length).toBeGreaterThan(10);
    const seventh = asked.filter((at) => at > 6 * HOUR);
    expect(seventh.length).toBeGreaterThan(0);
    expect(seventh.length).toBeLessThanOrEqual(12);
    const [alert] =
      await db.sql`select detail from public.alerts where key = ${id} and kind = ${kind} and resolved_at is null`;
    if (what !== "and that works though it was canceled")
      expect(alert?.detail).toContain("at last once an hour, until it is explained or somebody settles it");
    const later = await askedUntil(24 * HOUR, answer);
    expect(later.filter((at) => at > 12 * HOUR).length).toBeLessThanOrEqual(12);
  });

  it("is not asked about any more once a person has settled it and its watch is over", async () => {
    await applyNow(db, id);
    await askForCancel(db, id, "operator");
    await db.advanceClock(1);
    await applyNow(db, id, { state: "canceled" });
    const answer = { state: "canceled", filled_qty: "n/a" };
    await askedUntil(2 * HOUR, answer);
    expect(await secondsAhead(db, id)).toBeGreaterThan(0);
    const { sql } = await db.person("operator");
    const [row] = await sql`select public.settle_order(${id}, '0', null, null, 'the record shows nothing') as answer`;
    expect(row?.answer).toMatchObject({ status: "canceled", unresolved: false });
    const asked = await askedUntil(20 * HOUR, answer);
    expect(asked.every((at) => at <= 400)).toBe(true);
    expect(await orderOf(db, id)).toMatchObject({ next_action_at: null });
  });
});

describe("the daily look at closed orders", () => {
  it("finds an order that was lost 30 hours ago and was filled after all", async () => {
    await proveAbsent(db, id);
    for (let n = 0; n < 40 && (await secondsAhead(db, id)) !== null; n++) {
      await db.advanceClock(120);
      await applyNow(db, id, { kind: "not_found" });
    }
    expect(await secondsAhead(db, id)).toBeNull();
    await watchdog();
    expect(await secondsAhead(db, id)).toBeNull();
    await db.advanceClock(30 * HOUR);
    await watchdog();
    expect(await secondsAhead(db, id)).toBe(0);
    await applyNow(db, id, { state: "filled", filled_qty: "1", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", filled_qty: "1", unresolved: false });
    expect(await openAlerts(db)).toContain("back_from_absent");
  });

  it("asks once a day for a week, and not at all about one whose end the broker proved", async () => {
    await proveAbsent(db, id);
    const proven = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100" });
    await applyOne(db, proven, { state: "canceled" });
    await asEngine(
      db,
      (sql) => sql`update public.crypto_orders set next_action_at = null where id in (${id}, ${proven})`,
    );
    let looks = 0;
    for (let hour = 0; hour < 10 * 24; hour += 6) {
      await db.advanceClock(6 * HOUR);
      await watchdog();
      expect(await secondsAhead(db, proven)).toBeNull();
      if ((await secondsAhead(db, id)) === null) continue;
      looks += 1;
      await applyNow(db, id, { kind: "not_found" });
      expect(await secondsAhead(db, id)).toBeNull();
    }
    expect(looks).toBeGreaterThanOrEqual(5);
    expect(looks).toBeLessThanOrEqual(7);
  });
});
