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

const SYMBOLS = ["BTC-USD", "ETH-USD", "SOL-USD", "AVAX-USD", "DOGE-USD"];
type Claimed = Record<string, unknown> & { id: string; action: string };

let db: TestDatabase;
let token = 0;
beforeEach(async () => {
  db = await openMarket();
  await setKnob(db, "MAX_DAILY_NOTIONAL", "1000");
  await setKnob(db, "MAX_OPEN_POSITIONS", "10");
});
afterEach(() => db.drop());

async function claim(run: string = randomUUID(), actions: string[] | null = null, limit = 100): Promise<Claimed[]> {
  const rows = await asEngine(
    db,
    (sql) =>
      sql<
        { claimed: Claimed }[]
      >`select private.claim_orders(${run}, ${++token}, ${limit}, ${actions}::text[]) as claimed`,
  );
  return rows.map((row) => row.claimed);
}

const decide = (run: string, decisions: Record<string, unknown>[], lease = token) =>
  asEngine(db, async (sql) => {
    const [row] =
      await sql`select private.apply_decisions(${run}, ${lease}, ${sql.json(decisions as never)}) as orders`;
    return row?.orders as Claimed[];
  });

const isDue = async () => (await db.sql`select private.work_is_due() as due`)[0]?.due;
const release = (run: string) => asEngine(db, (sql) => sql`select private.release_claims(${run})`);

describe("a claim", () => {
  it("hands a new order out for sending once, as submitted and unresolved, under a lease of 60 s", async () => {
    const run = randomUUID();
    const id = await accepted(db, entry());
    const [claimed] = await claim(run);
    expect(claimed).toMatchObject({
      id,
      action: "send",
      status: "submitted",
      unresolved: true,
      mode: "paper",
      qty: "0.25",
      remaining_qty: "0.25",
      limit_price: "100",
      average_price: null,
      fee: "0",
      lease_token: token,
      submitted_at: "2026-03-01T12:00:00.000000Z",
      ttl_seconds: 60,
      replace_count: 0,
      max_reached_at: null,
    });
    expect(await order(db, id)).toMatchObject({
      status: "submitted",
      unresolved: true,
      lease_owner: run,
      lease_expires_at: new Date("2026-03-01T12:01:00Z"),
    });
    expect(await claim()).toEqual([]);
    expect(await isDue()).toBe(false);
    await passTime(db, 60);
    expect(await isDue()).toBe(true);
    expect(await claim()).toMatchObject([{ id, action: "query", status: "submitted" }]);
  });

  it("goes to exactly one of many workers, and two ticks at once share nothing", async () => {
    for (const symbol of SYMBOLS) await accepted(db, entry({ symbol, limit_price: "1", notional: "5" }));
    const claims = await Promise.all(Array.from({ length: 16 }, () => claim(randomUUID(), null, 2)));
    const ids = claims.flat().map((claimed) => claimed.id);
    expect(ids).toHaveLength(5);
    expect(new Set(ids).size).toBe(5);
  });

  it("takes cancels first, then sends with sells before buys, then queries, and no more than asked for", async () => {
    await hold(db, "SOL-USD", "1");
    const working = await accepted(db, entry({ symbol: "ETH-USD" }));
    await moveOrder(db, working, "submitted", "working");
    const canceling = await accepted(db, entry({ symbol: "DOGE-USD", limit_price: "1" }));
    await moveOrder(db, canceling, "submitted", "cancel_pending");
    const buy = await accepted(db, entry({ symbol: "BTC-USD" }));
    const sell = await accepted(db, exit({ symbol: "SOL-USD" }));
    expect((await claim(randomUUID(), ["send"])).map((claimed) => claimed.id)).toEqual([sell, buy]);
    const rest = await claim(randomUUID(), null, 1);
    expect(rest).toMatchObject([{ id: canceling, action: "cancel" }]);
    expect(await claim()).toMatchObject([{ id: working, action: "query" }]);
  });

  it("leaves alone what is not due: timers survive, whoever asks", async () => {
    const id = await accepted(db, entry());
    await moveOrder(db, id, "submitted", "working");
    await asEngine(
      db,
      (sql) => sql`update public.crypto_orders set next_action_at = private.clock() + interval '45 seconds'`,
    );
    expect(await claim()).toEqual([]);
    await passTime(db, 45);
    expect(await claim()).toMatchObject([{ id, action: "query" }]);
  });

  it("is given back at the end of a run, due again a second later, and a closed order's silence is kept", async () => {
    const run = randomUUID();
    const id = await accepted(db, entry());
    await claim(run);
    await release(run);
    expect(await order(db, id)).toMatchObject({
      lease_owner: null,
      lease_token: null,
      next_action_at: new Date("2026-03-01T12:00:01Z"),
    });
    await claim(run);
    await moveOrder(db, id, "canceled");
    await asEngine(
      db,
      (sql) => sql`update public.crypto_orders set next_action_at = null, lease_owner = ${run}, lease_token = 1,
      lease_expires_at = private.clock()`,
    );
    await release(run);
    expect(await order(db, id)).toMatchObject({ next_action_at: null, lease_owner: null });
  });

  it.each([
    ["safe mode", "select private.enter_safe_mode('paper', 'x', null)", "safe_mode"],
    ["degraded", "select private.enter_degraded('paper', 'x')", "degraded"],
    ["the engine's mode", "update public.config set value = 'disabled' where key = 'TRADER_MODE'", "mode_not_armed"],
  ])(
    "checks the guards again: %s cancels a new entry on the spot, but lets an exit go",
    async (_, statement, reason) => {
      await hold(db, "ETH-USD", "1");
      const buy = await accepted(db, entry());
      const sell = await accepted(db, exit({ symbol: "ETH-USD" }));
      await asEngine(db, (sql) => sql.unsafe(statement));
      expect((await claim()).map((claimed) => claimed.id)).toEqual([sell]);
      expect(await order(db, buy)).toMatchObject({
        status: "canceled",
        cancel_reason_code: reason,
        submitted_at: null,
      });
    },
  );

  it("asks again for the cancel of an entry that the broker refused to cancel while trading is halted", async () => {
    const id = await accepted(db, entry());
    await moveOrder(db, id, "submitted", "working");
    await asEngine(db, (sql) => sql`select private.enter_safe_mode('paper', 'x', null)`);
    expect(await claim()).toMatchObject([{ id, action: "cancel", cancel_reason_code: "safe_mode" }]);
    await moveOrder(db, id, "working");
    await passTime(db, 61);
    expect(await claim()).toMatchObject([{ id, action: "cancel" }]);
  });
});

describe("a decision", () => {
  let run: string;
  let id: string;
  beforeEach(async () => {
    run = randomUUID();
    id = await accepted(db, entry());
    await moveOrder(db, id, "submitted", "working");
    await claim(run);
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

  it("with an alert tells a person", async () => {
    await decide(run, [{ order_id: id, action: "keep", reason: "liquidity_guard", alert: "liquidity_guard_exit" }]);
    expect(await db.sql`select kind, key from public.alerts`).toEqual([{ kind: "liquidity_guard_exit", key: id }]);
  });

  it("of a worker that lost its lease changes nothing: another run, an older token, an expired lease", async () => {
    const decision = { order_id: id, action: "cancel", reason: "late" };
    expect(await decide(randomUUID(), [decision])).toEqual([]);
    expect(await decide(run, [decision], token - 1)).toEqual([]);
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

describe("work is due", () => {
  it("when an active intent has no order left, so that no crash can forget an exit", async () => {
    const id = await accepted(db, entry());
    await moveOrder(db, id, "submitted", "canceled");
    await asEngine(db, (sql) => sql`update public.crypto_orders set next_action_at = null`);
    expect(await isDue()).toBe(true);
    await asEngine(db, (sql) => sql`update public.order_intents set status = 'canceled' where true`);
    expect(await isDue()).toBe(false);
  });
});
