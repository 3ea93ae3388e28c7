import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { booksToCorrect, corrector, fillsOf, told } from "./corrections-fixture.ts";
import {
  apply,
  applyOne,
  brokenInvariants,
  brokerFill,
  cashOf,
  handOver,
  intentOf,
  openAlerts,
  orderOf,
  positionOf,
  reconcile,
} from "./money-fixture.ts";
import { applyNow, childOf, startAfresh } from "./reports-fixture.ts";

let db: TestDatabase;
let operator: { email: string; sql: postgres.Sql };
let correct: ReturnType<typeof corrector>;

beforeAll(async () => {
  db = await booksToCorrect();
  operator = await db.person("operator");
  correct = corrector(operator.sql);
});
afterAll(() => db.drop());
beforeEach(() => startAfresh(db));

const bookedCount = async () => (await db.sql`select count(*)::integer as rows from public.crypto_fills`)[0]?.rows;

describe("a fill that is corrected down in quantity", () => {
  it("leaves books that say so, and the broker's agree: trading is degraded no longer", async () => {
    const { id, old, fill, cash } = await told(db, "SOL-USD");
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
    const { id, fill } = await told(db, "ETH-USD");
    await db.advanceClock(3600);
    await correct(id, "0.4", "100", "0.38", "busted in part");
    expect(await fillsOf(db, id)).toEqual([
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
    const { id } = await told(db, "AVAX-USD");
    expect((await used()) - before).toBeCloseTo(60, 8);
    await correct(id, "0.4", "100", "0.38");
    expect((await used()) - before).toBeCloseTo(40, 8);
    expect(await intentOf(db, id)).toMatchObject({ status: "partially_filled" });
    expect(await childOf(db, id)).toBeUndefined();
  });

  it("that was busted altogether leaves nothing of it, and the same report says nothing new", async () => {
    const { id, old, cash } = await told(db, "LTC-USD");
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
    const { id, old, fill, cash } = await told(db, "LINK-USD");
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
    const { id, old, cash } = await told(db, "SOL-USD");
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
