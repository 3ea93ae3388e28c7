import postgres from "postgres";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { accepted, asEngine, entry, moveOrder, openMarket, order, setKnob } from "./guards-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openMarket();
  await setKnob(db, "MAX_DAILY_NOTIONAL", "1000");
  await setKnob(db, "MAX_OPEN_POSITIONS", "10");
});
afterEach(() => db.drop());

const working = async (symbol: string) => {
  const id = await accepted(db, entry({ symbol, limit_price: "1", notional: "5" }));
  await moveOrder(db, id, "submitted", "working");
  return id;
};

describe("UPDATE crypto_orders SET status = 'canceled'", () => {
  it("asks the broker for the cancel, wakes the reposition tick and says who asked", async () => {
    await db.admin`select vault.create_secret('http://127.0.0.1:1', 'project_url'), vault.create_secret('t', 'cron_token')`;
    const id = await working("BTC-USD");
    const [row] = await db.sql.unsafe(
      `UPDATE crypto_orders SET status = 'canceled' WHERE id = '${id}' RETURNING status`,
    );
    expect(row).toEqual({ status: "cancel_pending" });
    expect(await order(db, id)).toMatchObject({
      status: "cancel_pending",
      cancel_reason_code: "manual_sql",
      cancel_requested_by: "sql:postgres",
      cancel_requested_at: new Date("2026-03-01T12:00:00Z"),
      next_action_at: new Date("2026-03-01T12:00:00Z"),
      closed_at: null,
    });
    const [event] = await db.sql`select event_type, reason, actor from public.order_events order by id desc limit 1`;
    expect(event).toEqual({ event_type: "cancel_pending", reason: "manual_sql", actor: "sql:postgres" });
    expect(await db.admin`select url from net.http_request_queue`).toEqual([
      { url: "http://127.0.0.1:1/functions/v1/reposition-tick" },
    ]);
  });

  it("works on many rows at once, and leaves final ones as they are with a notice", async () => {
    const notices: string[] = [];
    const hand = db.connect("postgres", { onnotice: (notice) => notices.push(String(notice.message)) });
    const open = await working("BTC-USD");
    const partial = await working("ETH-USD");
    await moveOrder(db, partial, "partially_filled");
    const fresh = await accepted(db, entry({ symbol: "SOL-USD" }));
    const filled = await working("AVAX-USD");
    await moveOrder(db, filled, "filled");
    const rejected = await working("DOGE-USD");
    await moveOrder(db, rejected, "rejected");
    const result = await hand.unsafe("UPDATE crypto_orders SET status = 'canceled' WHERE mode = 'paper'");
    expect(result.count).toBe(3);
    const statuses = Promise.all(
      [open, partial, fresh, filled, rejected].map(async (id) => (await order(db, id)).status),
    );
    expect(await statuses).toEqual(["cancel_pending", "cancel_pending", "canceled", "filled", "rejected"]);
    expect(notices.sort()).toEqual(
      [
        `Order ${filled} is already filled and stays as it is.`,
        `Order ${rejected} is already rejected and stays as it is.`,
      ].sort(),
    );
  });

  it("cancels an order that was never sent on the spot, ends its intent and gives its cash back", async () => {
    const id = await accepted(db, entry());
    await db.sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
    expect(await order(db, id)).toMatchObject({
      status: "canceled",
      next_action_at: null,
      closed_at: expect.any(Date),
    });
    expect(await db.sql`select status from public.order_intents`).toEqual([{ status: "canceled" }]);
    const [account] = await db.sql`select reserved_cash from public.accounts where mode = 'paper'`;
    expect(account).toEqual({ reserved_cash: "0" });
  });

  it("turns a pending reprice into a real cancel, and is noted once only", async () => {
    const id = await working("BTC-USD");
    await asEngine(db, (sql) => sql`select private.cancel_orders(array[${id}]::uuid[], 'reprice', 'reposition-tick')`);
    await db.sql`update public.crypto_orders set status = 'canceled', cancel_reason_code = 'changed my mind' where id = ${id}`;
    expect(await order(db, id)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "changed my mind" });
    const again = await db.sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
    expect(again.count).toBe(0);
    expect((await order(db, id)).cancel_reason_code).toBe("changed my mind");
  });

  it("works in a prepared statement, in a transaction that is rolled back (nothing happened), and for the superuser", async () => {
    const id = await working("BTC-USD");
    const aborted = db.sql.begin(async (sql) => {
      await sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
      throw new Error("changed my mind");
    });
    await expect(aborted).rejects.toThrow("changed my mind");
    expect((await order(db, id)).status).toBe("working");
    await db.admin`update public.crypto_orders set status = 'canceled' where id = ${id}`;
    expect(await order(db, id)).toMatchObject({ status: "cancel_pending", cancel_requested_by: "sql:supabase_admin" });
  });
});

describe("any other hand edit", () => {
  it("of an order is refused with what to do instead, and changes nothing", async () => {
    const id = await working("BTC-USD");
    const before = await order(db, id);
    for (const change of [
      "status = 'filled', filled_qty = qty",
      "status = 'cancelled'",
      "status = 'canceled', qty = 1",
      "limit_price = 1.5",
      "filled_qty = 1",
      "next_action_at = null",
      "lease_owner = gen_random_uuid(), lease_token = 1, lease_expires_at = now()",
    ]) {
      for (const sql of [db.sql, db.admin]) {
        const failure = await refused(sql.unsafe(`update public.crypto_orders set ${change} where id = '${id}'`));
        expect(failure).toMatchObject({
          code: "PT403",
          message: expect.stringContaining(
            `only canceled: UPDATE crypto_orders SET status = 'canceled' WHERE id = '${id}';`,
          ),
        });
      }
    }
    expect(await order(db, id)).toEqual(before);
  });

  it("that forges the engine's actor is still a hand's", async () => {
    const id = await working("BTC-USD");
    await db.sql.begin(async (sql) => {
      await sql`select set_config('zoe.actor', 'operator:bob', true)`;
      await sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
    });
    expect((await order(db, id)).cancel_requested_by).toBe("sql:postgres");
  });

  it("is refused even where triggers are told to act as a replica", async () => {
    await working("BTC-USD");
    const attempt = db.admin.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`delete from public.crypto_orders`;
    });
    expect((await refused(attempt)).code).toBe("PT403");
  });
});

async function refused(attempt: PromiseLike<unknown>): Promise<postgres.PostgresError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof postgres.PostgresError) return error;
    throw error;
  }
  throw new Error("the statement was not refused");
}
