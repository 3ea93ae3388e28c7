import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { booksToCorrect, corrector, fillsOf, told } from "./corrections-fixture.ts";
import {
  apply,
  applyOne,
  asEngine,
  brokenInvariants,
  brokerFill,
  handOver,
  intentOf,
  openAlerts,
  orderOf,
  report,
} from "./money-fixture.ts";
import { applyNow, askForCancel, childOf, clearAlerts, secondsAhead, startAfresh } from "./reports-fixture.ts";

let db: TestDatabase;
let correct: ReturnType<typeof corrector>;

beforeAll(async () => {
  db = await booksToCorrect();
  correct = corrector((await db.person("operator")).sql);
});
afterAll(() => db.drop());
beforeEach(() => startAfresh(db));

describe("an order that reopens at the broker", () => {
  const canceled = async (symbol: string) => {
    const id = await handOver(db, { symbol, qty: "1", price: "100" });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.4", average_price: "100" });
    await askForCancel(db, id, "reprice");
    await applyOne(db, id, { state: "expired", filled_qty: "0.4", average_price: "100" });
    return id;
  };

  it("is live again on the broker's first word after the correction, and its next fills are booked", async () => {
    const id = await handOver(db, { symbol: "SOL-USD", qty: "1", price: "100" });
    await applyNow(db, id, { state: "expired", filled_qty: "0.4", average_price: "100" });
    await db.advanceClock(5);
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.4", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "expired", unresolved: true });
    await correct(id, "0.4", null, null, "the broker has it open again");
    expect(await orderOf(db, id)).toMatchObject({ status: "expired", unresolved: false, correction_open: true });
    expect(await secondsAhead(db, id)).toBe(5);
    expect(await openAlerts(db)).toEqual([]);
    await db.advanceClock(5);
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.4", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({
      status: "partially_filled",
      unresolved: false,
      correction_open: false,
    });
    expect(await intentOf(db, id)).toMatchObject({ status: "active" });
    expect(await secondsAhead(db, id)).toBeGreaterThan(0);
    await db.advanceClock(1);
    await applyNow(db, id, { state: "filled", filled_qty: "1", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled" });
    expect(await intentOf(db, id)).toMatchObject({ status: "filled" });
    expect(await fillsOf(db, id)).toHaveLength(2);
  });

  it("goes on counting from the corrected figure when it had been called filled", async () => {
    const { id } = await told(db, "ETH-USD");
    await correct(id, "0.4", "100", "0.38");
    await db.advanceClock(1);
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.4", average_price: "100", fee: "0.38" });
    expect(await orderOf(db, id)).toMatchObject({ status: "partially_filled" });
    await db.advanceClock(1);
    await applyNow(db, id, { state: "filled", filled_qty: "0.6", average_price: "100", fee: "0.57" });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", filled_qty: "0.6" });
    expect(await openAlerts(db)).toEqual([]);
  });

  it("stays closed and unresolved as long as what took its place may trade", async () => {
    const id = await handOver(db, { symbol: "AVAX-USD", qty: "1", price: "100" });
    await applyNow(db, id);
    await askForCancel(db, id, "reprice");
    await db.advanceClock(1);
    await applyNow(db, id, { state: "canceled", replacement_price: "100" });
    const child = await childOf(db, id);
    await asEngine(
      db,
      (sql) => sql`update public.crypto_orders set status = 'submitted', unresolved = true where id = ${child?.id}`,
    );
    await correct(id, "0", null, null, "open again at the broker");
    await db.advanceClock(1);
    await applyNow(db, id);
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", unresolved: true, correction_open: true });
    expect(await orderOf(db, child?.id)).toMatchObject({ status: "cancel_pending" });
    await db.advanceClock(1);
    await applyNow(db, child?.id, { state: "canceled" });
    await applyNow(db, id);
    expect(await orderOf(db, id)).toMatchObject({ status: "working", unresolved: false });
    await clearAlerts(db);
  });

  it("is not reopened by a report from before the correction, nor once the broker has confirmed it closed", async () => {
    const id = await canceled("LTC-USD");
    const old = report(id, {
      state: "working",
      filled_qty: "0.4",
      average_price: "100",
      observed_at: "2026-03-01T11:00:00Z",
    });
    await db.advanceClock(60);
    await correct(id, "0.4", null, null);
    await apply(db, old);
    expect(await orderOf(db, id)).toMatchObject({ status: "expired", unresolved: false });
    await db.advanceClock(1);
    await applyNow(db, id, { state: "expired", filled_qty: "0.4", average_price: "100" });
    await db.advanceClock(1);
    await applyNow(db, id, { state: "working", filled_qty: "0.4", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "expired", unresolved: true });
    const [alert] =
      await db.sql`select action from public.alerts where kind = 'contradictory_report' and resolved_at is null`;
    expect(alert?.action).toContain("correct_order");
  });

  it("can't be made smaller or live by anything but a correction", async () => {
    const { id } = await told(db, "LINK-USD");
    await expect(
      asEngine(
        db,
        (sql) => sql`update public.crypto_orders set filled_qty = 0.1, status = 'canceled' where id = ${id}`,
      ),
    ).rejects.toThrow("can't be less filled");
    await expect(
      asEngine(db, (sql) => sql`update public.crypto_orders set status = 'canceled' where id = ${id}`),
    ).rejects.toThrow("can't go from filled to canceled");
  });
});

describe("a live order", () => {
  it("whose fill is taken back goes on working, with its cash reserved", async () => {
    const id = await handOver(db, { symbol: "SOL-USD", qty: "1", price: "100" });
    const fills = [brokerFill("live-1", "0.6", "100")];
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.6", average_price: "100", fills });
    await correct(id, "0", null, null);
    expect(await orderOf(db, id)).toMatchObject({ status: "working", remaining_qty: "1" });
    await db.advanceClock(1);
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.6", average_price: "100", fills });
    expect(await orderOf(db, id)).toMatchObject({ status: "working", filled_qty: "0" });
    await db.advanceClock(1);
    const more = { filled_qty: "0.9", average_price: "100", fills: [...fills, brokerFill("live-2", "0.3", "100")] };
    await applyNow(db, id, { state: "partially_filled", ...more });
    expect(await orderOf(db, id)).toMatchObject({ status: "partially_filled", filled_qty: "0.3", unresolved: false });
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("is held for a person when a later figure may mean either", async () => {
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100" });
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.6", average_price: "100" });
    await correct(id, "0.4", "100", "0");
    await db.advanceClock(1);
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.9", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0.4", unresolved: true });
    await db.advanceClock(1);
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.4", average_price: "100" });
    await db.advanceClock(1);
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.9", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0.9", unresolved: false });
    await clearAlerts(db);
  });
});
