import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  apply,
  applyOne,
  asEngine,
  brokenInvariants,
  brokerFill,
  cashOf,
  eventsOf,
  handOver,
  intentOf,
  openAlerts,
  openBooks,
  orderOf,
  positionOf,
  reconcile,
  report,
} from "./money-fixture.ts";
import { applyNow, askForCancel, childOf, clearAlerts, secondsAhead, startAfresh } from "./reports-fixture.ts";

let db: TestDatabase;
let operator: { email: string; sql: postgres.Sql };

beforeAll(async () => {
  db = await openBooks();
  await asEngine(
    db,
    (sql) => sql`
      insert into public.instruments (symbol, price_increment, qty_increment, min_qty, min_notional, enabled)
      select s, 0.01, 0.000001, 0.000001, 1, false from unnest('{LTC-USD,LINK-USD,DOT-USD,UNI-USD,NEAR-USD,FIL-USD}'::text[]) as s`,
  );
  operator = await db.person("operator");
});
afterAll(() => db.drop());
beforeEach(() => startAfresh(db));

type Figure = string | null;
const correct = async (id: string, filled: string, price: Figure, fee: Figure, why = "seen", fillId: Figure = null) =>
  (await operator.sql`select public.correct_order(${id}, ${filled}, ${price}, ${fee}, ${why}, ${fillId}) as answer`)[0]
    ?.answer;
const fillsOf = (id: string) =>
  db.sql`
    select fill_id, revision, trim_scale(qty)::text as qty, trim_scale(price)::text as price, trim_scale(fee)::text as fee
    from public.crypto_fills where order_id = ${id} order by seq`;
const bookedCount = async () => (await db.sql`select count(*)::integer as rows from public.crypto_fills`)[0]?.rows;
let names = 0;

/** A buy of 0.6 at 100 with a fee of 0.57, filled by one execution; returns the order, the report that told it, and the cash before. */
const told = async (symbol: string) => {
  const { cash } = await cashOf(db);
  const id = await handOver(db, { symbol, qty: "0.6", price: "100", metadata: { stop_price: "95" } });
  names += 1;
  const fill = brokerFill(`x${names}`, "0.6", "100", "0.57");
  const old = report(id, {
    state: "filled",
    filled_qty: "0.6",
    average_price: "100",
    fee: "0.57",
    fills: [fill],
  });
  await apply(db, old);
  return { id, old, fill, cash };
};

describe("a fill that is corrected down in quantity", () => {
  it("leaves books that say so, and the broker's agree: trading is degraded no longer", async () => {
    const { id, old, fill, cash } = await told("SOL-USD");
    const rest = (
      await db.sql`select symbol, qty from public.positions where mode = 'paper' and qty > 0 and symbol <> 'SOL-USD'`
    ).map(({ symbol, qty }) => [symbol, qty]);
    const book = {
      cash: String(Number(cash) - 40 - 0.38),
      holdings: { ...Object.fromEntries(rest), "SOL-USD": "0.4" },
    };
    for (const seconds of [60, 20]) {
      await db.advanceClock(seconds);
      await reconcile(db, book);
    }
    expect((await reconcile(db, book)).status).toBe("degraded");
    const why = "the broker corrected the trade to 0.4";
    expect(await correct(id, "0.4", "100", "0.38", why)).toEqual({
      order_id: id,
      status: "canceled",
      filled_qty: "0.4",
      average_price: "100",
      fee: "0.38",
    });
    expect(await positionOf(db, "SOL-USD")).toMatchObject({ qty: "0.4", stop_price: "95", engine: "trader" });
    expect((await reconcile(db, book)).status).toBe("ok");
    expect((await db.sql`select degraded from public.accounts where mode = 'paper'`)[0]).toEqual({ degraded: false });
    const before = await bookedCount();
    await apply(db, old);
    await applyNow(db, id, { state: "filled", filled_qty: "0.6", average_price: "100", fee: "0.57", fills: [fill] });
    await applyNow(db, id, { state: "filled", filled_qty: "0.6", average_price: "100", fee: "0.57" });
    await db.advanceClock(1);
    const right = { state: "canceled", filled_qty: "0.4", average_price: "100", fee: "0.38" };
    await applyNow(db, id, { ...right, fills: [brokerFill(fill.fill_id, "0.4", "100", "0.38")] });
    await db.advanceClock(1);
    await applyNow(db, id, right);
    await apply(db, old);
    expect(await bookedCount()).toBe(before);
    expect(await orderOf(db, id)).toMatchObject({
      status: "canceled",
      filled_qty: "0.4",
      fee: "0.38",
      unresolved: false,
      last_error: null,
      correction_open: false,
    });
    expect(await openAlerts(db)).toEqual([]);
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("is written with negative rows and a right one, at the time of the execution, under the name of who did it and why", async () => {
    const { id, fill } = await told("ETH-USD");
    await db.advanceClock(3600);
    await correct(id, "0.4", "100", "0.38", "busted in part");
    expect(await fillsOf(id)).toEqual([
      { fill_id: fill.fill_id, revision: 0, qty: "0.6", price: "100", fee: "0.57" },
      { fill_id: fill.fill_id, revision: 1, qty: "-0.6", price: "100", fee: "-0.57" },
      { fill_id: fill.fill_id, revision: 2, qty: "0.4", price: "100", fee: "0.38" },
    ]);
    const times = await db.sql`select distinct executed_at from public.crypto_fills where order_id = ${id}`;
    expect(times).toHaveLength(1);
    const ledger = await db.sql`
      select l.kind, trim_scale(l.amount)::text as amount, l.actor, l.occurred_at = f.executed_at as in_time
      from public.cash_ledger as l join public.crypto_fills as f on f.id = l.fill_id where f.order_id = ${id} and f.revision > 0 order by l.id`;
    const actor = `operator:${operator.email}`;
    expect(ledger.map((row) => ({ ...row }))).toEqual([
      { kind: "fill", amount: "60", actor, in_time: true },
      { kind: "fee", amount: "0.57", actor, in_time: true },
      { kind: "fill", amount: "-40", actor, in_time: true },
      { kind: "fee", amount: "-0.38", actor, in_time: true },
    ]);
    const [event] = await db.sql`
      select actor, reason, metadata from public.order_events where order_id = ${id} and event_type = 'corrected'`;
    expect(event).toEqual({
      actor,
      reason: "busted in part",
      metadata: {
        before: { filled_qty: "0.6", average_price: "100", fee: "0.57" },
        after: { filled_qty: "0.4", average_price: "100", fee: "0.38" },
      },
    });
    await db.sql`select private.seal_audit()`;
    expect((await operator.sql`select public.verify_audit_log() as verdict`)[0]?.verdict).toMatchObject({ ok: true });
  });

  it("counts less of the day's notional, and its entry is not bought again", async () => {
    const used = async () =>
      Number((await db.sql`select day_notional from public.accounts where mode = 'paper'`)[0]?.day_notional);
    const before = await used();
    const { id } = await told("AVAX-USD");
    expect((await used()) - before).toBeCloseTo(60, 8);
    await correct(id, "0.4", "100", "0.38");
    expect((await used()) - before).toBeCloseTo(40, 8);
    expect(await intentOf(db, id)).toMatchObject({ status: "partially_filled" });
    expect(await childOf(db, id)).toBeUndefined();
  });

  it("that was busted altogether leaves nothing of it, and the same report says nothing new", async () => {
    const { id, old, cash } = await told("LTC-USD");
    expect(await correct(id, "0", null, null, "trade busted")).toMatchObject({ status: "canceled", filled_qty: "0" });
    expect(await positionOf(db, "LTC-USD")).toMatchObject({ qty: "0", fees: "0.00", engine: null });
    expect((await cashOf(db)).cash).toBe(cash);
    expect(await orderOf(db, id)).toMatchObject({ average_price: null, unresolved: false });
    expect(await intentOf(db, id)).toMatchObject({ status: "canceled" });
    await apply(db, old);
    await db.advanceClock(2);
    await applyNow(db, id, { state: "filled", filled_qty: "0.6", average_price: "100", fee: "0.57" });
    await db.advanceClock(2);
    await applyNow(db, id, { state: "canceled" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", filled_qty: "0", unresolved: false });
    expect(await openAlerts(db)).toEqual([]);
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("may be wrong itself: it is corrected again, and everything that was ever told stays explained", async () => {
    const { id, old, fill, cash } = await told("LINK-USD");
    await correct(id, "0.4", "100", "0.38");
    await correct(id, "0.5", "101", "0.4");
    await correct(id, "0", null, null);
    await correct(id, "0.3", "99", "0.3", "seen", fill.fill_id);
    await apply(db, old);
    await db.advanceClock(2);
    await applyNow(db, id, { state: "filled", filled_qty: "0.6", average_price: "100", fee: "0.57", fills: [fill] });
    await applyNow(db, id, { state: "canceled", filled_qty: "0.4", average_price: "100", fee: "0.38" });
    expect(await orderOf(db, id)).toMatchObject({
      filled_qty: "0.3",
      average_price: "99",
      fee: "0.3",
      unresolved: false,
    });
    expect(Number(cash) - Number((await cashOf(db)).cash)).toBeCloseTo(30, 8);
    expect(await positionOf(db, "LINK-USD")).toMatchObject({ qty: "0.3", cost_basis: "29.7" });
    expect(await brokenInvariants(db)).toBe(0);
  });
});

describe("a fill that is corrected in price or fee", () => {
  it("costs what it cost, and the order stays filled", async () => {
    const { id, old, cash } = await told("SOL-USD");
    expect(await correct(id, "0.6", "100.5", "0.6")).toMatchObject({
      status: "filled",
      average_price: "100.5",
      fee: "0.6",
    });
    expect(Number(cash) - Number((await cashOf(db)).cash)).toBeCloseTo(60.9, 8);
    const before = await bookedCount();
    await apply(db, old);
    await db.advanceClock(1);
    await applyNow(db, id, { state: "filled", filled_qty: "0.6", average_price: "100", fee: "0.57" });
    await db.advanceClock(1);
    await applyNow(db, id, { state: "filled", filled_qty: "0.6", average_price: "100.5", fee: "0.6" });
    expect(await bookedCount()).toBe(before);
    expect(await openAlerts(db)).toEqual([]);
    expect(await intentOf(db, id)).toMatchObject({ status: "filled" });
  });
});

describe("a sale that is taken back", () => {
  it("gives the coins back with stop and engine of the order that bought them, and takes its gain back", async () => {
    const entry = await handOver(db, {
      symbol: "DOT-USD",
      qty: "1",
      price: "100",
      strategy: "score",
      metadata: { stop_price: "95" },
    });
    await applyOne(db, entry, { state: "filled", filled_qty: "1", average_price: "100", fee: "1" });
    const exit = await handOver(db, { symbol: "DOT-USD", side: "sell", qty: "1", price: "110" });
    await applyOne(db, exit, { state: "filled", filled_qty: "1", average_price: "110", fee: "1" });
    expect(await positionOf(db, "DOT-USD")).toMatchObject({ qty: "0", engine: null });
    await correct(exit, "0", null, null, "trade busted");
    expect(await positionOf(db, "DOT-USD")).toMatchObject({
      qty: "1",
      engine: "trader",
      strategy: "score",
      stop_price: "95",
      entry_price: "100",
    });
    const [position] = await db.sql`
      select trim_scale(realized_pnl)::text as realized, trim_scale(fees)::text as fees from public.positions
      where symbol = 'DOT-USD' and mode = 'paper'`;
    expect(position).toEqual({ realized: "0", fees: "1" });
    expect(await intentOf(db, exit)).toMatchObject({ status: "canceled" });
    const again = await handOver(db, { symbol: "DOT-USD", side: "sell", qty: "1", price: "90" });
    await applyOne(db, again, { state: "filled", filled_qty: "1", average_price: "90", fee: "1" });
    expect(await positionOf(db, "DOT-USD")).toMatchObject({ qty: "0" });
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("gives back the position that was opened over dust, not the one the dust is of", async () => {
    const trade = async (side: "buy" | "sell", qty: string, price: string, stop?: string) => {
      const metadata: Record<string, string> = stop === undefined ? {} : { stop_price: stop };
      const id = await handOver(db, { symbol: "NEAR-USD", side, qty, price, metadata });
      await applyOne(db, id, { state: "filled", filled_qty: qty, average_price: price });
      return id;
    };
    await trade("buy", "1", "105", "104");
    await trade("sell", "0.995", "104");
    await trade("buy", "1", "100", "95");
    const sale = await trade("sell", "1.005", "101");
    await correct(sale, "0", null, null, "trade busted");
    expect(await positionOf(db, "NEAR-USD")).toMatchObject({
      qty: "1.005",
      stop_price: "95",
      high_water: "100",
      entry_price: "100",
    });
    expect(await brokenInvariants(db)).toBe(0);
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
    expect(await fillsOf(id)).toHaveLength(2);
  });

  it("goes on counting from the corrected figure when it had been called filled", async () => {
    const { id } = await told("ETH-USD");
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
    const { id } = await told("LINK-USD");
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
    const { id } = await told("UNI-USD");
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
