import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  CORRECTIONS,
  isLegalTransition,
  NEVER_REACHED_BROKER,
  ORDER_STATUSES,
  type OrderStatus,
  REOPENINGS,
  TRANSITIONS,
} from "../../../shared/orders/status.ts";
import type { TestDatabase } from "../support/database.ts";
import { accepted, asEngine, entry, exit, hold, moveOrder, openMarket, order, setKnob } from "./guards-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openMarket();
  await setKnob(db, "MAX_DAILY_NOTIONAL", "100000");
});
afterAll(() => db.drop());
beforeEach(async () => {
  await asEngine(
    db,
    (sql) => sql`update public.crypto_orders set status = 'canceled', unresolved = false where status = 'new'`,
  );
  await asEngine(
    db,
    (sql) => sql`
      update public.crypto_orders set status = 'canceled', unresolved = false
      where status in ('submitted', 'working', 'partially_filled', 'cancel_pending')`,
  );
});

/** The shortest legal way from new to each status. */
const WAY: Record<OrderStatus, readonly OrderStatus[]> = {
  new: [],
  submitted: ["submitted"],
  working: ["submitted", "working"],
  partially_filled: ["submitted", "partially_filled"],
  filled: ["submitted", "filled"],
  cancel_pending: ["submitted", "cancel_pending"],
  canceled: ["submitted", "canceled"],
  expired: ["submitted", "expired"],
  rejected: ["submitted", "rejected"],
};

describe("the transition table", () => {
  it("is the same in SQL and TypeScript", async () => {
    const rows = await db.sql`select from_status as "from", to_status as "to", needs from private.order_transitions`;
    const sql = rows.map(({ from, to, needs }) => `${needs}: ${from} -> ${to}`).sort();
    const steps = (table: Partial<Record<OrderStatus, readonly OrderStatus[]>>, needs: string | null) =>
      Object.entries(table).flatMap(([from, tos]) => tos.map((to) => `${needs}: ${from} -> ${to}`));
    const ours = [...steps(TRANSITIONS, null), ...steps(CORRECTIONS, "correction"), ...steps(REOPENINGS, "reopening")];
    expect(sql).toEqual(ours.sort());
  });

  it.each(ORDER_STATUSES)("from %s: what is legal goes, the rest is refused, even for the engine", async (from) => {
    for (const to of ORDER_STATUSES) {
      if (to === from) continue;
      const id = await accepted(db, entry());
      await moveOrder(db, id, ...WAY[from]);
      const step = moveOrder(db, id, to);
      if (isLegalTransition(from, to)) await expect(step, to).resolves.toBeUndefined();
      else await expect(step, to).rejects.toThrow(`can't go from ${from} to ${to}`);
      await asEngine(
        db,
        (sql) => sql`update public.crypto_orders set status = 'canceled', unresolved = false
          where id = ${id} and status not in ('filled', 'expired', 'rejected', 'canceled')`,
      );
    }
  });

  it("lets a rejected order come back only when it was thought never to have arrived", async () => {
    const id = await accepted(db, entry());
    await moveOrder(db, id, "submitted", "rejected");
    await expect(moveOrder(db, id, "working")).rejects.toThrow("can't go from rejected to working");
    await asEngine(
      db,
      (sql) => sql`update public.crypto_orders set reject_reason = ${NEVER_REACHED_BROKER} where id = ${id}`,
    );
    await moveOrder(db, id, "working");
    expect(await order(db, id)).toMatchObject({ status: "working", closed_at: null });
  });
});

describe("an order", () => {
  it("can only begin as new", async () => {
    const attempt = asEngine(
      db,
      (sql) => sql`
        insert into public.crypto_orders (intent_group_id, engine, mode, symbol, side, purpose, status, qty, limit_price, ttl_seconds)
        select id, engine, mode, symbol, side, purpose, 'working', 1, 1, 60 from public.order_intents limit 1`,
    );
    await expect(attempt).rejects.toThrow("An order begins as new");
  });

  it("never changes what it is, never loses a fill, and shrinks only while it is new", async () => {
    const id = await accepted(db, entry());
    const change = (what: string) =>
      asEngine(db, (sql) => sql.unsafe(`update public.crypto_orders set ${what} where id = '${id}'`));
    await change("qty = 0.2");
    await expect(change("qty = 0.25")).rejects.toThrow("can't change what it is");
    await moveOrder(db, id, "submitted", "working");
    for (const what of [
      "qty = 0.1",
      "limit_price = 99",
      "symbol = 'ETH-USD'",
      "mode = 'live'",
      "intent_group_id = gen_random_uuid()",
    ]) {
      await expect(change(what), what).rejects.toThrow("can't change what it is");
    }
    await change("broker_order_id = 'b1', filled_qty = 0.1");
    await expect(change("broker_order_id = 'b2'")).rejects.toThrow("can't change what it is");
    await expect(change("filled_qty = 0.05")).rejects.toThrow("can't be less filled");
  });

  it("has remaining_qty, version, closed_at and reserved cash that are always true", async () => {
    const reserved = async () =>
      (await db.sql`select reserved_cash from public.accounts where mode = 'paper'`)[0]?.reserved_cash;
    const id = await accepted(db, entry());
    expect(await reserved()).toBe("25");
    await moveOrder(db, id, "submitted", "working");
    await asEngine(
      db,
      (sql) => sql`update public.crypto_orders set status = 'partially_filled', filled_qty = 0.1 where id = ${id}`,
    );
    expect(await order(db, id)).toMatchObject({ remaining_qty: "0.15", version: "3", closed_at: null });
    expect(await reserved()).toBe("15");
    await moveOrder(db, id, "cancel_pending", "canceled");
    expect(await order(db, id)).toMatchObject({ remaining_qty: "0.15", version: "5", closed_at: expect.any(Date) });
    expect(await reserved()).toBe("0");
  });

  it("has no second live one beside it in the same symbol and side", async () => {
    const id = await accepted(db, entry());
    const twin = asEngine(
      db,
      (sql) => sql`
        insert into public.crypto_orders (intent_group_id, engine, mode, symbol, side, purpose, qty, limit_price, ttl_seconds)
        select intent_group_id, engine, mode, symbol, side, purpose, qty, limit_price, 60 from public.crypto_orders where id = ${id}`,
    );
    await expect(twin).rejects.toThrow("crypto_orders_one_live_per_purpose");
  });
});

describe("order_events", () => {
  it("tell who did what, from where to where, at which price, how much and why, in order", async () => {
    const id = await accepted(db, entry());
    await asEngine(db, async (sql) => {
      await sql`select private.set_actor('reposition-tick', 'trace-7')`;
      await sql`update public.crypto_orders set status = 'submitted', unresolved = true where id = ${id}`;
      await sql`update public.crypto_orders set status = 'working', unresolved = false where id = ${id}`;
      await sql`update public.crypto_orders set status = 'partially_filled', filled_qty = 0.1, average_price = 99.5 where id = ${id}`;
      await sql`update public.crypto_orders set filled_qty = 0.2 where id = ${id}`;
      await sql`update public.crypto_orders set next_action_at = private.clock() where id = ${id}`;
      await sql`select private.request_cancel(${id}, 'too slow', 'operator:ann')`;
    });
    const events = await db.sql`
      select event_type, from_status, to_status, price, filled_qty, remaining_qty, reason, actor, trace_id
      from public.order_events where order_id = ${id} order by id`;
    const intent = (await order(db, id)).intent_group_id;
    expect(events.map(Object.values)).toEqual([
      ["created", null, "new", "100", "0", "0.25", "entry", "sql:authenticator", intent],
      ["submitted", "new", "submitted", "100", "0", "0.25", null, "reposition-tick", "trace-7"],
      ["working", "submitted", "working", "100", "0", "0.25", null, "reposition-tick", "trace-7"],
      ["partially_filled", "working", "partially_filled", "99.5", "0.1", "0.15", null, "reposition-tick", "trace-7"],
      ["fill", "partially_filled", "partially_filled", "99.5", "0.2", "0.05", null, "reposition-tick", "trace-7"],
      [
        "cancel_pending",
        "partially_filled",
        "cancel_pending",
        "99.5",
        "0.2",
        "0.05",
        "too slow",
        "operator:ann",
        "trace-7",
      ],
    ]);
  });
});

describe("request_cancel", () => {
  const cancel = (id: string, reason = "too slow") =>
    asEngine(
      db,
      async (sql) => (await sql`select private.request_cancel(${id}, ${reason}, 'operator:ann') as answer`)[0]?.answer,
    );

  it("cancels what was never sent on the spot, asks the broker for the rest, and changes nothing twice", async () => {
    const fresh = await accepted(db, entry());
    expect(await cancel(fresh)).toEqual({ order_id: fresh, status: "canceled", changed: true });
    const live = await accepted(db, entry());
    await moveOrder(db, live, "submitted");
    expect(await cancel(live)).toEqual({ order_id: live, status: "cancel_pending", changed: true });
    expect(await order(db, live)).toMatchObject({
      cancel_reason_code: "too slow",
      cancel_requested_by: "operator:ann",
      unresolved: true,
    });
    expect(await cancel(live, "again")).toEqual({ order_id: live, status: "cancel_pending", changed: false });
    expect((await order(db, live)).cancel_reason_code).toBe("too slow");
    await moveOrder(db, live, "filled");
    expect(await cancel(live)).toEqual({ order_id: live, status: "filled", changed: false });
  });

  it("says so when there is no such order", async () => {
    await expect(cancel("00000000-0000-4000-8000-000000000000")).rejects.toMatchObject({ code: "PT404" });
  });

  it("leaves the symbol's exit alone when an exit overtakes an entry, and cancels the entry", async () => {
    await hold(db, "ETH-USD", "1");
    const buy = await accepted(db, entry({ symbol: "ETH-USD" }));
    await moveOrder(db, buy, "submitted", "working");
    const sell = await accepted(db, exit({ symbol: "ETH-USD" }));
    expect(await order(db, buy)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "exit_first" });
    expect(await order(db, sell)).toMatchObject({ status: "new" });
  });
});
