import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { applyOne, asEngine, handOver, intentOf, openBooks, orderOf, service } from "./money-fixture.ts";
import { applyNow, askForCancel, childOf, exitOfOne, repricing, secondsAhead, startAfresh } from "./reports-fixture.ts";

let db: TestDatabase;
let operator: { email: string; sql: postgres.Sql };

beforeAll(async () => {
  db = await openBooks();
  operator = await db.person("operator");
});
afterAll(() => db.drop());
beforeEach(() => startAfresh(db));

const settle = async (
  id: string,
  filled: string,
  price: string | null = null,
  fee: string | null = null,
  why = "seen",
) => (await operator.sql`select public.settle_order(${id}, ${filled}, ${price}, ${fee}, ${why}) as answer`)[0]?.answer;
const moneyOf = async () =>
  (
    await db.sql`
      select (select cash from public.accounts where mode = 'paper') as cash,
        (select count(*)::integer from public.crypto_fills) as fills, (select count(*)::integer from public.order_events) as events`
  )[0];

/** An entry of 0.25 at 100 that the broker once acknowledged and now does not find. */
const vanished = async (): Promise<string> => {
  const id = await handOver(db);
  await applyOne(db, id);
  await db.advanceClock(20);
  await applyNow(db, id, { kind: "not_found" });
  expect(await orderOf(db, id)).toMatchObject({ status: "working", unresolved: true });
  return id;
};

describe("an order of unknown fate that an operator settles", () => {
  it("is canceled with what was filled, which is booked, and is watched for what may come", async () => {
    const id = await vanished();
    const before = await moneyOf();
    expect(await settle(id, "0.1", "99.5", "0.02", "the broker's history shows 0.1")).toEqual({
      order_id: id,
      status: "canceled",
      filled_qty: "0.1",
      unresolved: false,
    });
    expect(await orderOf(db, id)).toMatchObject({
      average_price: "99.5",
      fee: "0.02",
      next_action_at: expect.any(Date),
    });
    const after = await moneyOf();
    expect(Number(before?.cash) - Number(after?.cash)).toBeCloseTo(9.97, 8);
    const name = `operator:${operator.email}`;
    const [event] = await db.sql`
      select actor, reason, metadata from public.order_events where order_id = ${id} and event_type = 'settled_by_hand'`;
    expect(event).toEqual({
      actor: name,
      reason: "the broker's history shows 0.1",
      metadata: { filled_qty: "0.1", average_price: "99.5", fee: "0.02" },
    });
    const booked = await db.sql`
      select distinct l.actor from public.cash_ledger as l join public.crypto_fills as f on f.id = l.fill_id where f.order_id = ${id}`;
    expect(booked).toEqual([{ actor: name }]);
    await applyNow(db, id, { state: "canceled", filled_qty: "0.25", average_price: "99.5", fee: "0.05" });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", filled_qty: "0.25" });
  });

  it("is filled when all of it was", async () => {
    const id = await vanished();
    expect(await settle(id, "0.25", "100", "0")).toMatchObject({ status: "filled", unresolved: false });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("that was never acknowledged and not filled never reached the broker; it comes back if that was wrong", async () => {
    const id = await handOver(db);
    expect(await settle(id, "0")).toMatchObject({ status: "rejected", unresolved: false });
    expect(await orderOf(db, id)).toMatchObject({
      reject_reason: "never_reached_broker",
      watch_until: expect.any(Date),
    });
    expect((await intentOf(db, id)).status).toBe("failed");
    expect(await applyNow(db, id)).toMatchObject({ status: "working" });
  });

  it("lets an exit order its rest", async () => {
    const id = await exitOfOne(db, "ETH-USD");
    await applyOne(db, id);
    await db.advanceClock(20);
    await applyNow(db, id, { kind: "not_found" });
    expect(await settle(id, "0.4", "101", "0.1")).toMatchObject({ status: "canceled" });
    expect(await childOf(db, id)).toMatchObject({ qty: "0.6", status: "new" });
  });

  it("is not bought again when it is an entry that was being repriced", async () => {
    const id = await repricing(db, { symbol: "AVAX-USD", qty: "1" });
    await db.advanceClock(20);
    await applyNow(db, id, { kind: "not_found" });
    expect(await settle(id, "0")).toMatchObject({ status: "canceled", unresolved: false });
    expect(await orderOf(db, id)).toMatchObject({ cancel_reason_code: "settled_by_hand" });
    expect(await intentOf(db, id)).toMatchObject({ status: "canceled" });
    expect(await childOf(db, id)).toBeUndefined();
  });

  it("can't be one that is being sent at this moment: its answer is still to come", async () => {
    const [intent] = await service(db)`select public.submit_intent(${service(db).json({
      engine: "manual",
      mode: "paper",
      symbol: "SOL-USD",
      side: "buy",
      purpose: "entry",
      notional: "100",
      limit_price: "100",
      idempotency_key: "being-sent",
    })}) as answer`;
    const id = intent?.answer.order_id;
    await asEngine(db, (sql) => sql`select private.claim_orders(gen_random_uuid(), 7, 100)`);
    await expect(settle(id, "0")).rejects.toMatchObject({ code: "PT409", message: "order_is_being_sent" });
    expect(await applyNow(db, id, { lease_token: 7 })).toMatchObject({ result: "applied", status: "working" });
  });

  it("can be one whose reports make no sense", async () => {
    const id = await handOver(db, { symbol: "ETH-USD" });
    await applyNow(db, id);
    await askForCancel(db, id, "operator");
    await db.advanceClock(5);
    await applyNow(db, id, { symbol: "BTC-USD" });
    expect(await orderOf(db, id)).toMatchObject({ status: "cancel_pending", unresolved: true });
    await db.advanceClock(5);
    expect(await settle(id, "0")).toMatchObject({ status: "canceled", unresolved: false });
  });

  it("is watched anew, however long ago its watch was over", async () => {
    const id = await handOver(db);
    await applyNow(db, id);
    await askForCancel(db, id, "operator");
    await db.advanceClock(1);
    await applyNow(db, id, { state: "canceled" });
    for (const seconds of [5, 400]) {
      await db.advanceClock(seconds);
      await applyNow(db, id, { state: "working" });
    }
    await settle(id, "0");
    expect(await secondsAhead(db, id)).toBe(5);
    await db.advanceClock(5);
    await applyNow(db, id, { state: "working" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", unresolved: true });
  });

  it("can be one that is closed already and contradicted since", async () => {
    const id = await handOver(db);
    await applyOne(db, id);
    await askForCancel(db, id, "operator");
    await applyOne(db, id, { state: "canceled" });
    await db.advanceClock(5);
    await applyNow(db, id, { state: "working" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", unresolved: true });
    await db.advanceClock(5);
    expect(await settle(id, "0")).toMatchObject({ status: "canceled", unresolved: false });
  });

  it("is refused with what is wrong, and nothing is changed", async () => {
    const id = await vanished();
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.1", average_price: "100" });
    await db.advanceClock(20);
    await applyNow(db, id, { kind: "not_found" });
    const before = await moneyOf();
    for (const [args, detail] of [
      [["0.05"], "filled_qty is 0.05; it must be from 0.1 (booked already) to 0.25 (ordered)."],
      [["0.3", "100", "0"], "filled_qty is 0.3; it must be from 0.1 (booked already) to 0.25 (ordered)."],
      [["0.2", "0", "0"], "average_price is 0; it is that of all 0.2, of which 0.1 for 10 are booked already."],
      [["0.2", null, "0"], "average_price is missing; it is that of all 0.2, of which 0.1 for 10 are booked already."],
      [["0.2", "40", "0"], "average_price is 40; it is that of all 0.2, of which 0.1 for 10 are booked already."],
      [["0.2", "100"], "fee is missing; it is that of all 0.2 in USD, of which 0 are booked already."],
      [["0.2", "100", "-7"], "fee is -7; it is that of all 0.2 in USD, of which 0 are booked already."],
      [["0.1", "100"], "average_price and fee must be empty: no more was filled than the 0.1 booked already."],
      [["0.1", null, null, " "], "reason is missing; say what the broker's own record shows."],
    ] as const) {
      await expect(settle(id, ...(args as unknown as [string]))).rejects.toMatchObject({ code: "PT400", detail });
    }
    await expect(settle(id, "all")).rejects.toMatchObject({ code: "PT400" });
    await expect(settle("7b0b9a7e-4f5f-4c60-8c6c-0a2a0d8a6b11", "0")).rejects.toMatchObject({ code: "PT404" });
    expect(await moneyOf()).toEqual(before);
    expect(await settle(id, "0.1")).toMatchObject({ status: "canceled", filled_qty: "0.1" });
  });

  it("is refused when nothing is unknown about it", async () => {
    const id = await handOver(db);
    await applyOne(db, id);
    await expect(settle(id, "0")).rejects.toMatchObject({ code: "PT409", message: "order_not_unresolved" });
  });
});

describe("an order that was corrected before", () => {
  it("is settled with the figure that the person says, not with the one that was corrected", async () => {
    for (const filled of ["0.6", "0.7"]) {
      const id = await handOver(db, { qty: "1" });
      await applyNow(db, id, { state: "canceled", filled_qty: "0.6", average_price: "100" });
      await operator.sql`select public.correct_order(${id}, '0.4', '100', '0', 'seen', null)`;
      await db.advanceClock(1);
      await applyNow(db, id, { state: "canceled", filled_qty: "n/a" });
      expect(await settle(id, filled, "100", "0")).toMatchObject({ status: "canceled", filled_qty: filled });
      await db.advanceClock(1);
      await applyNow(db, id, { state: "canceled", filled_qty: filled, average_price: "100" });
      expect(await orderOf(db, id)).toMatchObject({ filled_qty: filled, unresolved: false });
    }
  });
});
