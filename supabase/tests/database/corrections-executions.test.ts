import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { booksToCorrect, corrector, told } from "./corrections-fixture.ts";
import {
  applyOne,
  brokenInvariants,
  brokerFill,
  cashOf,
  eventsOf,
  handOver,
  orderOf,
  positionOf,
} from "./money-fixture.ts";
import { applyNow, startAfresh } from "./reports-fixture.ts";

let db: TestDatabase;
let operator: { sql: postgres.Sql };
let correct: ReturnType<typeof corrector>;

beforeAll(async () => {
  db = await booksToCorrect();
  operator = await db.person("operator");
  correct = corrector(operator.sql);
});
afterAll(() => db.drop());
beforeEach(() => startAfresh(db));

describe("a correction of one of several executions", () => {
  it("names it; without a name it is refused with the list", async () => {
    const id = await handOver(db, { symbol: "SOL-USD", qty: "1", price: "100" });
    const fills = [brokerFill("m1", "0.6", "100", "0.6"), brokerFill("m2", "0.4", "99", "0.4")];
    await applyNow(db, id, { state: "filled", filled_qty: "1", average_price: "99.6", fee: "1", fills });
    await expect(correct(id, "0.9", "99.6", "0.9")).rejects.toMatchObject({
      code: "PT400",
      detail: "fill_id is missing; say which execution is corrected: m1 (0.6 at 100), m2 (0.4 at 99).",
    });
    expect(await correct(id, "0.1", "99", "0.1", "seen", "m2")).toMatchObject({ filled_qty: "0.7", fee: "0.7" });
    await applyNow(db, id, { state: "filled", filled_qty: "1", average_price: "99.6", fee: "1", fills });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", filled_qty: "0.7", unresolved: false });
    const timeline = (
      await operator.sql`select public.order_timeline(${(await orderOf(db, id)).intent_group_id}) as story`
    )[0]?.story;
    expect(timeline.orders[0].executions).toMatchObject([
      { fill_id: "m1", qty: "0.6", fee: "0.6", revisions: 1 },
      { fill_id: "m2", qty: "0.1", fee: "0.1", revisions: 3 },
    ]);
    const shown = (await operator.sql`select public.dashboard_fills('paper') as fills`)[0]?.fills;
    expect(
      shown.filter((fill: { order_id: string }) => fill.order_id === id).map((fill: { qty: string }) => fill.qty),
    ).toEqual(expect.arrayContaining(["0.6", "0.4", "-0.4", "0.1"]));
  });

  it("is refused with what is wrong, and nothing is changed", async () => {
    const { id } = await told(db, "UNI-USD");
    const before = [await cashOf(db), await eventsOf(db, id)];
    for (const [args, detail] of [
      [["0.7", "100", "0"], "filled_qty is 0.7; it must be from 0 to 0.6."],
      [["-1", "100", "0"], "filled_qty is -1; it must be from 0 to 0.6."],
      [["0.4", null, "0"], "average_price is missing; it must be above 0."],
      [["0.4", "100", null], "fee is missing; it must be from 0 to what was paid."],
      [["0.4", "100", "-1"], "fee is -1; it must be from 0 to what was paid."],
      [["0", "100", "1"], "average_price and fee must be empty: all of it is taken back."],
      [["0.4", "100", "0", " "], "reason is missing; say what the broker's own record shows."],
      [["0.4", "100", "0", "why", "nobody"], "fill_id is nobody; no such execution is booked of this order."],
    ] as const) {
      await expect(correct(id, ...(args as unknown as [string, string, string]))).rejects.toMatchObject({
        code: "PT400",
        detail,
      });
    }
    await expect(correct("7b0b9a7e-4f5f-4c60-8c6c-0a2a0d8a6b11", "0", null, null)).rejects.toMatchObject({
      code: "PT404",
    });
    const unsent = await handOver(db, { symbol: "LTC-USD" });
    await expect(correct(unsent, "0", null, null)).rejects.toMatchObject({
      code: "PT409",
      message: "order_not_known_yet",
    });
    const viewer = await db.person("viewer");
    await expect(viewer.sql`select public.correct_order(${id}, '0', null, null, 'why')`).rejects.toMatchObject({
      code: "PT403",
    });
    expect([await cashOf(db), await eventsOf(db, id)]).toEqual(before);
  });
});

describe("a fee in coins", () => {
  it("stays one when its execution was taken back by mistake and is booked again", async () => {
    const id = await handOver(db, { symbol: "FIL-USD", qty: "1", price: "100" });
    await applyOne(db, id, {
      state: "filled",
      filled_qty: "1",
      average_price: "100",
      fills: [{ ...brokerFill("coins", "1", "100", "0.01"), fee_currency: "FIL" }],
    });
    const { cash } = await cashOf(db);
    await correct(id, "0", null, null, "looked at the wrong account");
    await correct(id, "1", "100", "1", "it stands after all");
    expect(await positionOf(db, "FIL-USD")).toMatchObject({ qty: "0.99" });
    expect(await cashOf(db)).toMatchObject({ cash });
    expect(await brokenInvariants(db)).toBe(0);
  });
});
