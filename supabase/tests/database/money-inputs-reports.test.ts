import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  applyOne,
  brokenInvariants,
  brokerFill,
  handOver,
  intentOf,
  openAlerts,
  openBooks,
  orderOf,
  type Report,
} from "./money-fixture.ts";
import { bookedOf, cash, emptyBooks, held, isToldOf, standing } from "./money-inputs-fixture.ts";
import { startAfresh } from "./reports-fixture.ts";

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

/** Ids are used once in a symbol. */
const fill = (name: string, qty: string, price: string, fee = "0") =>
  brokerFill(`${name}-${id.slice(0, 8)}`, qty, price, fee);
const namesOf = async (order: string) =>
  (await bookedOf(db, order)).map(({ fill_id }) => fill_id.replace(`-${id.slice(0, 8)}`, ""));
const say = (change: Report) => applyOne(db, id, change);
const filled = (change: Report = {}) =>
  say({ state: "filled", filled_qty: "1", average_price: "100", fee: "0", ...change });
const half = (change: Report = {}) =>
  say({ state: "partially_filled", filled_qty: "0.5", average_price: "100", fee: "0", ...change });

describe("an execution is booked once", () => {
  it("whatever it is called: half of it told as ws-1, then the same half as rest-1, is a half", async () => {
    const before = await cash(db);
    await half({ fills: [fill("ws-1", "0.5", "100")] });
    await half({ fills: [fill("rest-1", "0.5", "100")] });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0.5", unresolved: false });
    expect([await held(db), before - (await cash(db))]).toEqual([0.5, 50]);
    await filled({
      fills: [fill("rest-1", "0.5", "100"), { ...fill("rest-2", "0.5", "100"), executed_at: "2026-03-01T12:00:20Z" }],
    });
    expect(await held(db)).toBe(1);
    expect(await namesOf(id)).toEqual(["ws-1", "rest-2"]);
    expect(await openAlerts(db)).toEqual([]);
  });

  it("also without a cumulative quantity, and when the other channel rounds the time to seconds", async () => {
    const ws = { ...fill("ws-1", "0.5", "100"), executed_at: "2026-03-01T12:00:00.400Z" };
    await say({ state: "partially_filled", filled_qty: null, fills: [ws] });
    await say({ state: "partially_filled", filled_qty: null, fills: [fill("rest-1", "0.5", "100")] });
    expect(await namesOf(id)).toEqual(["ws-1"]);
  });

  it("and two that are equal in all but their ids are two, together in one report or one after the other", async () => {
    await filled({ fills: [fill("a", "0.5", "100"), fill("b", "0.5", "100")] });
    expect(await held(db)).toBe(1);
    const other = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100" });
    const first = {
      state: "partially_filled",
      filled_qty: "0.5",
      average_price: "100",
      fills: [fill("a", "0.5", "100")],
    };
    await applyOne(db, other, first);
    await applyOne(db, other, { ...first, state: "filled", filled_qty: "1", fills: [fill("b", "0.5", "100")] });
    expect(await namesOf(other)).toEqual(["a", "b"]);
    expect(await openAlerts(db)).toEqual([]);
  });

  it("and an id that another symbol used is another execution", async () => {
    const other = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100" });
    await filled({ fills: [brokerFill("1001", "1", "100")] });
    await applyOne(db, other, {
      state: "filled",
      filled_qty: "1",
      average_price: "100",
      fills: [brokerFill("1001", "1", "100")],
    });
    expect([await held(db), await held(db, "ETH-USD")]).toEqual([1, 1]);
    expect(await standing(db, other)).toEqual({ status: "filled", unresolved: false, alerts: [] });
  });

  it("and a list beyond the totals is booked as far as the totals go, and held", async () => {
    await half({ fills: [fill("x", "0.5", "100"), fill("y", "0.5", "100")] });
    expect(await orderOf(db, id)).toMatchObject({
      filled_qty: "0.5",
      unresolved: true,
      last_error: "lists fills of 1 with filled_qty 0.5",
    });
    expect(await held(db)).toBe(0.5);
    await half({ fills: [fill("x", "0.5", "100")] });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0.5", unresolved: false });
  });

  it("and one that is listed twice with different figures is held", async () => {
    await half({ fills: [fill("x", "0.5", "100"), fill("x", "0.4", "100")] });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0.5", unresolved: true });
  });
});

describe("a report that contradicts itself or what was told before", () => {
  it("totals beyond the list: booked by the totals, and told", async () => {
    const before = await cash(db);
    await filled({ fee: "0.5", fills: [fill("x", "0.5", "100", "0.1")] });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", filled_qty: "1", fee: "0.5" });
    expect(before - (await cash(db))).toBeCloseTo(100.5, 9);
    expect(await openAlerts(db)).toEqual(["odd_report"]);
    expect(await isToldOf(db, id)).toBe(true);
  });

  it.each([
    ["without a list", () => ({})],
    ["with one", () => ({ fills: [fill("w", "1", "104")] })],
  ])(
    "a price worse than the limit, %s: booked, for the coins are there and need their stop, and told",
    async (_, list) => {
      await filled({ average_price: "104", ...list() });
      expect([await held(db), await isToldOf(db, id)]).toEqual([1, true]);
      expect(await openAlerts(db)).toEqual(["odd_report"]);
    },
  );

  it("a sell below its limit is worse too, and a better price never is", async () => {
    await filled({ average_price: "90" });
    expect(await openAlerts(db)).toEqual([]);
    const exit = await handOver(db, { symbol: "SOL-USD", side: "sell", qty: "1", price: "100" });
    await applyOne(db, exit, { state: "filled", filled_qty: "1", average_price: "96" });
    expect(await isToldOf(db, exit)).toBe(true);
  });

  it("a cumulative quantity that shrinks: nothing is taken back, and the order is held with the reason", async () => {
    await say({ state: "partially_filled", filled_qty: "0.6", average_price: "100" });
    await say({ state: "canceled", filled_qty: "0.4", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({
      status: "canceled",
      filled_qty: "0.6",
      unresolved: true,
      last_error: "filled_qty 0.4 after 0.6 was booked",
    });
  });

  it("a fee that is given back: no negative fee is booked, and it is told", async () => {
    await half({ fee: "0.48" });
    await filled({ fee: "0" });
    expect((await bookedOf(db, id)).map(({ fee }) => fee)).toEqual(["0.48", "0"]);
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", fee: "0.48" });
    expect(await isToldOf(db, id)).toBe(true);
  });

  it("a fee that is negative from the start is booked as told, and told", async () => {
    await filled({ fee: "-0.1" });
    expect(await orderOf(db, id)).toMatchObject({ fee: "-0.1" });
    expect(await openAlerts(db)).toEqual(["odd_report"]);
  });

  it("a fee out of all proportion is booked as told, and told; a few cents on a tiny order are none", async () => {
    await filled({ fee: "6" });
    expect(await openAlerts(db)).toEqual(["odd_report"]);
    const tiny = await handOver(db, { symbol: "ETH-USD", qty: "0.001", price: "100" });
    await applyOne(db, tiny, { state: "filled", filled_qty: "0.001", average_price: "100", fee: "0.02" });
    expect(await isToldOf(db, tiny)).toBe(false);
  });

  it.each(["canceled", "expired", "filled"])(
    "no quantity with %s is unusable: held, and nothing is booked",
    async (state) => {
      await say({ state, filled_qty: null });
      expect(await orderOf(db, id)).toMatchObject({ status: "submitted", unresolved: true, filled_qty: "0" });
      expect(await isToldOf(db, id)).toBe(true);
    },
  );

  it("a list whose prices are not the average: the list is booked, and the order is held", async () => {
    await half({ average_price: "98", fills: [fill("x", "0.5", "99")] });
    expect(await orderOf(db, id)).toMatchObject({ average_price: "99", unresolved: true });
  });

  it("an older copy that arrives late contradicts nothing, whatever was smaller then", async () => {
    await say({ state: "partially_filled", filled_qty: "0.6", average_price: "100", fee: "0.5" });
    const old = "2026-03-01T11:59:59Z";
    await say({ state: "working", filled_qty: "0", fee: "0", observed_at: old });
    await half({ average_price: "99", fee: "0.2", observed_at: old });
    expect(await standing(db, id)).toEqual({ status: "partially_filled", unresolved: false, alerts: [] });
  });
});

describe("what is harmless alarms nobody", () => {
  it("`filled` with 0.99999999 of 1 is filled, and so is its intent", async () => {
    await filled({ filled_qty: "0.99999999" });
    expect(await standing(db, id)).toEqual({ status: "filled", unresolved: false, alerts: [] });
    expect((await intentOf(db, id)).status).toBe("filled");
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("but `filled` with half of it is not", async () => {
    await filled({ filled_qty: "0.5" });
    expect(await orderOf(db, id)).toMatchObject({ status: "partially_filled", unresolved: true });
  });

  it("an average rounded to cents, told twice", async () => {
    const fills = [fill("a", "0.4", "99.99"), { ...fill("b", "0.3", "100"), executed_at: "2026-03-01T12:00:05Z" }];
    const told = { state: "partially_filled", filled_qty: "0.7", average_price: "99.99", fills };
    await say(told);
    await say(told);
    expect(await standing(db, id)).toEqual({ status: "partially_filled", unresolved: false, alerts: [] });
  });

  it("averages that were rounded before a last small part: no price is further than a percent from 100", async () => {
    const near = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100.02" });
    await applyOne(db, near, { state: "partially_filled", filled_qty: "0.99999", average_price: "100.01" });
    await applyOne(db, near, { state: "filled", filled_qty: "1", average_price: "100.00" });
    for (const { price } of await bookedOf(db, near)) expect(Math.abs(Number(price) - 100)).toBeLessThan(1);
    expect(await standing(db, near)).toEqual({ status: "filled", unresolved: false, alerts: [] });
  });

  it("a coin priced at 0.0000123, whose average the broker rounds", async () => {
    const cheap = await handOver(db, { symbol: "DOGE-USD", qty: "1000000", price: "0.00002" });
    const half_ = { state: "partially_filled", filled_qty: "500000" };
    await applyOne(db, cheap, { ...half_, average_price: "0.0000123456789" });
    await applyOne(db, cheap, { ...half_, average_price: "0.0000123457" });
    await applyOne(db, cheap, { ...half_, average_price: "0.0000123" });
    await applyOne(db, cheap, { state: "filled", filled_qty: "1000000", average_price: "0.0000123" });
    expect(await standing(db, cheap)).toEqual({ status: "filled", unresolved: false, alerts: [] });
    for (const { price } of await bookedOf(db, cheap))
      expect(Math.abs(Number(price) / 0.0000123 - 1)).toBeLessThan(0.01);
  });

  it("a better price, no list, and the same report again", async () => {
    await half({ average_price: "99", fee: "0.47" });
    await half({ average_price: "99", fee: "0.47" });
    await filled({ average_price: "98.5", fee: "0.94" });
    expect(await standing(db, id)).toEqual({ status: "filled", unresolved: false, alerts: [] });
  });
});
