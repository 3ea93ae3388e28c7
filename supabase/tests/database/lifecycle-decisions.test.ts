import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  accepted,
  asEngine,
  entry,
  exit,
  hold,
  moveOrder,
  openMarket,
  order,
  passTime,
  setKnob,
} from "./guards-fixture.ts";

const TOKEN = 7;

let db: TestDatabase;
beforeEach(async () => {
  db = await openMarket();
});
afterEach(() => db.drop());

const decide = (run: string, decisions: Record<string, unknown>[], token = TOKEN) =>
  asEngine(db, async (sql) => {
    const [row] =
      await sql`select private.apply_decisions(${run}, ${token}, ${sql.json(decisions as never)}) as orders`;
    return row?.orders as Record<string, unknown>[];
  });

describe("a decision", () => {
  let run: string;
  let id: string;
  beforeEach(async () => {
    run = randomUUID();
    id = await accepted(db, entry());
    await moveOrder(db, id, "submitted", "working");
    await asEngine(db, (sql) => sql`select private.claim_orders(${run}, ${TOKEN}, 100)`);
  });

  it("to cancel or reprice makes the order cancel_pending and hands it back to be canceled", async () => {
    const [answer] = await decide(run, [{ order_id: id, action: "reprice", reason: "ttl", price: "99", count: true }]);
    expect(answer).toMatchObject({ id, action: "cancel", status: "cancel_pending", cancel_reason_code: "reprice" });
    expect(await order(db, id)).toMatchObject({ status: "cancel_pending", replace_count: 0 });
  });

  it("to cancel keeps its reason, and is not undone by a later reprice", async () => {
    await decide(run, [{ order_id: id, action: "cancel", reason: "liquidity_guard" }]);
    const [answer] = await decide(run, [{ order_id: id, action: "reprice", reason: "ttl" }]);
    expect(answer).toMatchObject({ action: "cancel", cancel_reason_code: "liquidity_guard" });
  });

  it("to keep moves the timer on by the order's time to live, and counts when it was an attempt", async () => {
    await decide(run, [{ order_id: id, action: "keep", reason: "unchanged", count: true }]);
    expect(await order(db, id)).toMatchObject({
      status: "working",
      replace_count: 1,
      next_action_at: new Date("2026-03-01T12:01:00Z"),
    });
    const reached = async () => (await db.sql`select max_reached_at from public.order_intents`)[0]?.max_reached_at;
    await decide(run, [{ order_id: id, action: "keep", reason: "unchanged", count: true }]);
    expect(await reached()).toBeNull();
    await decide(run, [{ order_id: id, action: "keep", reason: "unchanged", count: true }]);
    expect(await reached()).toEqual(new Date("2026-03-01T12:00:00Z"));
    await decide(run, [{ order_id: id, action: "keep", reason: "wait" }]);
    expect(await order(db, id)).toMatchObject({ replace_count: 3 });
  });

  it("to keep waits for the time to live that the knob gives by now, in both directions", async () => {
    for (const seconds of [5, 90]) {
      await setKnob(db, "ORDER_TTL_SECONDS_ENTRY", String(seconds));
      await decide(run, [{ order_id: id, action: "keep", reason: "unchanged", count: false }]);
      expect(await order(db, id)).toMatchObject({
        ttl_seconds: seconds,
        next_action_at: new Date(Date.parse("2026-03-01T12:00:00Z") + seconds * 1000),
      });
    }
  });

  it("to keep does not put off a cancel that was asked for meanwhile: the broker is told at once", async () => {
    await asEngine(db, (sql) => sql`select private.request_cancel(${id}, 'operator', 'somebody')`);
    const [answer] = await decide(run, [{ order_id: id, action: "keep", reason: "price_unchanged", count: true }]);
    expect(answer).toMatchObject({ id, action: "cancel", cancel_reason_code: "operator" });
    expect(await order(db, id)).toMatchObject({
      status: "cancel_pending",
      replace_count: 0,
      next_action_at: new Date("2026-03-01T12:00:00Z"),
    });
  });

  it("with an alert tells a person", async () => {
    await decide(run, [{ order_id: id, action: "keep", reason: "liquidity_guard", alert: "liquidity_guard_exit" }]);
    expect(await db.sql`select kind, key from public.alerts`).toEqual([{ kind: "liquidity_guard_exit", key: id }]);
  });

  it("of a worker that lost its lease changes nothing: another run, an older token, an expired lease", async () => {
    const decision = { order_id: id, action: "cancel", reason: "late" };
    expect(await decide(randomUUID(), [decision])).toEqual([]);
    expect(await decide(run, [decision], TOKEN - 1)).toEqual([]);
    await passTime(db, 60);
    expect(await decide(run, [decision])).toEqual([]);
    expect(await order(db, id)).toMatchObject({ status: "working", cancel_reason_code: null });
  });

  it("that isn't one is refused", async () => {
    await expect(decide(run, [{ order_id: id, action: "double" }])).rejects.toMatchObject({ code: "PT400" });
  });

  it("to escalate makes a passive exit a stop-loss that is due now, without a lease; entries stay", async () => {
    await hold(db, "ETH-USD", "1");
    const sell = await accepted(db, exit({ symbol: "ETH-USD" }));
    await moveOrder(db, sell, "submitted", "working");
    await asEngine(
      db,
      (sql) =>
        sql`update public.crypto_orders set next_action_at = private.clock() + interval '1 hour' where id = ${sell}`,
    );
    await decide(randomUUID(), [
      { order_id: sell, action: "escalate", reason: "stop" },
      { order_id: id, action: "escalate", reason: "stop" },
    ]);
    expect(await order(db, sell)).toMatchObject({
      urgency: "stop_loss",
      next_action_at: new Date("2026-03-01T12:00:00Z"),
    });
    expect((await order(db, id)).urgency).toBe("passive");
    expect(await db.sql`select urgency from public.order_intents where side = 'sell'`).toEqual([
      { urgency: "stop_loss" },
    ]);
  });
});
