import { beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { tickRpc } from "../support/tick-rpc.ts";
import { exit, submit } from "./guards-fixture.ts";
import {
  applyOne,
  asEngine,
  brokenInvariants,
  intentOf,
  openAlerts,
  openBooks,
  orderOf,
  positionOf,
  quote,
  type Report,
  reconcile,
} from "./money-fixture.ts";
import { applyNow, childOf, exitOfOne, recover, send } from "./reports-fixture.ts";

const SOL = "SOL-USD";
const WHOLE = { cash: "1900", holdings: { [SOL]: "1" } };
let db: TestDatabase;
/** An exit of our one SOL that the broker had acknowledged. */
let vanished: string;

beforeEach(async () => {
  db = await openBooks();
  vanished = await exitOfOne(db, SOL);
  await applyOne(db, vanished);
  return () => db.drop();
});

/** A minute in which the broker does not find the order, and its books are read afterwards. */
const minute = async (book: Report | null = WHOLE, answer: Report = { kind: "not_found" }) => {
  await db.advanceClock(60);
  await quote(db, "90", "90.02");
  await applyNow(db, vanished, answer);
  if (book !== null) await reconcile(db, book);
};
const minutes = async (count: number, book: Report | null = WHOLE) => {
  for (let past = 0; past < count; past += 1) await minute(book);
};
const stop = (qty = "1") =>
  submit(db, exit({ symbol: SOL, qty, limit_price: "89.8", metadata: { urgency: "stop_loss" } }));
const isGone = async () => (await orderOf(db, vanished)).reject_reason === "vanished";

describe("an acknowledged exit that the broker does not find any more", () => {
  it("lets a stop-loss sell within fifteen minutes, while its books list the coin and no order", async () => {
    let past = 0;
    let answer = await stop();
    for (; past < 15 && answer.status === "denied"; past += 1) {
      await minute();
      answer = await stop();
    }
    expect(answer).toMatchObject({ status: "accepted" });
    expect(past).toBe(6);
    expect(await orderOf(db, vanished)).toMatchObject({ status: "rejected", unresolved: false });
    expect(await openAlerts(db)).toContain("vanished_order");
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("is followed by its own rest too, as urgent as it had become, when no other exit came before", async () => {
    await asEngine(db, (sql) => sql`select private.escalate_exit(${vanished})`);
    await minutes(6);
    expect(await isGone()).toBe(true);
    await recover(db);
    expect(await childOf(db, vanished)).toMatchObject({ status: "new", urgency: "stop_loss", limit_price: "89.82" });
    expect(await stop()).toMatchObject({ code: "EXCEEDS_POSITION" });
  });

  it("frees nothing by one answer, by five within a minute, by silence, or by answers alone without the books", async () => {
    await minute();
    expect(await stop()).toMatchObject({ code: "EXCEEDS_POSITION" });
    for (let n = 0; n < 6; n += 1) {
      await db.advanceClock(1);
      await applyNow(db, vanished, { kind: "not_found" });
    }
    await reconcile(db, WHOLE);
    expect(await isGone()).toBe(false);
    for (let n = 0; n < 9; n += 1) await minute(WHOLE, { kind: "unavailable", reason: "timeout" });
    expect(await isGone()).toBe(false);
    await minutes(9, null);
    expect(await isGone()).toBe(false);
    expect(await orderOf(db, vanished)).toMatchObject({ status: "working", unresolved: true });
    await reconcile(db, WHOLE);
    expect(await isGone()).toBe(true);
  });

  it("frees nothing while the venue lists it as open, and the counting begins anew when it does", async () => {
    const listed = { ...WHOLE, open_orders: [{ client_order_id: vanished, symbol: SOL, side: "sell", qty: "1" }] };
    await minutes(9, listed);
    expect(await stop()).toMatchObject({ code: "EXCEEDS_POSITION" });
    await minutes(5);
    expect(await isGone()).toBe(false);
    await minute();
    expect(await isGone()).toBe(true);
  });

  it("frees nothing while coins are missing: it may have sold them, and a person settles it", async () => {
    await minutes(9, { cash: "1900", holdings: {} });
    expect(await isGone()).toBe(false);
    await minutes(1, { cash: "1900", holdings: { [SOL]: "0.5" } });
    expect(await isGone()).toBe(false);
    expect(await orderOf(db, vanished)).toMatchObject({ status: "working", unresolved: true });
  });

  it("frees nothing by half a book, by one that was read before, or after the order was found again", async () => {
    await minutes(9, { ...WHOLE, holdings: null });
    await reconcile(db, { ...WHOLE, observed_at: "2026-03-01T12:05:00Z" });
    expect(await isGone()).toBe(false);
    await minute(WHOLE, { kind: "report" });
    expect(await orderOf(db, vanished)).toMatchObject({ status: "working", unresolved: false });
    await minutes(5);
    expect(await isGone()).toBe(false);
  });

  it("that had sold a part is taken for gone like any other, and its rest is sold", async () => {
    await applyNow(db, vanished, { state: "partially_filled", filled_qty: "0.25", average_price: "101" });
    await minutes(6, { cash: "1925.25", holdings: { [SOL]: "0.75" } });
    expect(await isGone()).toBe(true);
    await recover(db);
    expect(await childOf(db, vanished)).toMatchObject({ status: "new", qty: "0.75" });
    await applyNow(db, vanished, { kind: "report", filled_qty: "0.25", average_price: "101" });
    expect(await orderOf(db, vanished)).toMatchObject({ status: "partially_filled" });
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("ends for good when somebody had asked for its cancel", async () => {
    await asEngine(db, (sql) => sql`select private.request_cancel(${vanished}, 'operator', 'ann')`);
    await minutes(6);
    await recover(db);
    expect(await childOf(db, vanished)).toBeUndefined();
    expect(await intentOf(db, vanished)).toMatchObject({ status: "canceled" });
  });
});

describe("an exit that was taken for gone", () => {
  beforeEach(() => minutes(6));

  it("is still watched, and a late fill of a part shrinks the exit that took its place", async () => {
    expect((await orderOf(db, vanished)).next_action_at).not.toBeNull();
    const { order_id: other } = await stop();
    await applyNow(db, vanished, { state: "canceled", filled_qty: "0.4", average_price: "101" });
    expect(await orderOf(db, other)).toMatchObject({ status: "new", qty: "0.6" });
    expect(await openAlerts(db)).toContain("late_fill");
    expect(await positionOf(db, SOL)).toMatchObject({ qty: "0.6" });
  });

  it("cancels the exit at the broker that took its place when it turns out filled, and what is sold twice is told", async () => {
    const { order_id: other } = await stop();
    await send(db, other);
    await applyNow(db, other as string);
    await applyNow(db, vanished, { state: "filled", filled_qty: "1", average_price: "101" });
    expect(await orderOf(db, vanished)).toMatchObject({ status: "filled" });
    expect(await orderOf(db, other)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "late_fill" });
    await db.advanceClock(1);
    await applyNow(db, other as string, { state: "filled", filled_qty: "1", average_price: "90" });
    expect(await openAlerts(db)).toContain("overfill");
  });

  it("comes back when it is alive after all, and what took its place is canceled before", async () => {
    const { order_id: other } = await stop();
    await send(db, other);
    await applyNow(db, other as string);
    await db.advanceClock(1);
    await applyNow(db, vanished, { kind: "report" });
    expect(await orderOf(db, other)).toMatchObject({
      status: "cancel_pending",
      cancel_reason_code: "back_from_absent",
    });
    expect(await orderOf(db, vanished)).toMatchObject({ status: "rejected", unresolved: true });
    expect(await openAlerts(db)).toContain("back_from_absent");
    await applyNow(db, other as string, { state: "canceled" });
    await db.advanceClock(1);
    await applyNow(db, vanished, { kind: "report" });
    expect(await orderOf(db, vanished)).toMatchObject({ status: "working", unresolved: false });
    expect(await stop()).toMatchObject({ code: "EXCEEDS_POSITION" });
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("is sold by the trader's own tick: what it may sell is told again", async () => {
    const ticks = tickRpc(db);
    const run = await ticks.start("trader-tick");
    await ticks.finish(run);
    expect(run.work.positions).toMatchObject([{ symbol: SOL, free_qty: "1" }]);
    expect(run.work.open_orders).toEqual([]);
  });

  it("is told until somebody has seen it", async () => {
    const operator = await db.person("operator");
    const [alert] = await db.sql`select id from public.alerts where kind = 'vanished_order'`;
    await operator.sql`select public.acknowledge_alert(${alert?.id})`;
    expect(await openAlerts(db)).not.toContain("vanished_order");
  });
});
