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
