import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  applyOne,
  brokenInvariants,
  brokerFill,
  handOver,
  openAlerts,
  openBooks,
  orderOf,
  positionOf,
  type Report,
  reconcile,
} from "./money-fixture.ts";
import { bookedOf, cash, held, isToldOf } from "./money-inputs-fixture.ts";
import { applyNow, lease, secondsAhead } from "./reports-fixture.ts";

let db: TestDatabase;
let id: string;

// A book of its own for each: lots are folded anew by the time at which things happened, which must not begin again.
beforeEach(async () => {
  db = await openBooks();
  id = await handOver(db, { symbol: "SOL-USD", qty: "1", price: "100" });
});
afterEach(() => db.drop());

/** Ids are used once in a symbol. */
const fill = (fee: string) => brokerFill(`x-${id}`, "1", "100", fee);

const filled = (change: Report = {}, order = id) =>
  applyOne(db, order, { state: "filled", filled_qty: "1", average_price: "100", fee: "0", ...change });

/** Sells so much of what is held at 101; returns the order. */
const sell = async (qty: string, fee: string, change: Report = {}) => {
  const exit = await handOver(db, { symbol: "SOL-USD", side: "sell", qty, price: "101" });
  await applyOne(db, exit, { state: "filled", filled_qty: qty, average_price: "101", fee, ...change });
  return exit;
};
const closuresOf = (order: string) => db.sql`
  select trim_scale(sum(c.qty))::text as qty, trim_scale(sum(c.fees))::text as fees, trim_scale(sum(c.realized_pnl))::text as pnl
  from public.lot_closures as c join public.crypto_fills as f on f.id = c.fill_id where f.order_id = ${order}
  group by c.lot_id, c.fill_id having sum(c.qty) <> 0 order by max(c.id)`;
const pnl = async () => Number((await positionOf(db, "SOL-USD"))?.realized_pnl ?? 0);

describe("a fee that is told only after `filled`", () => {
  it.each([
    ["in the totals", () => ({}), () => ({})],
    ["on the fill", () => ({ fills: [fill("0")] }), () => ({ fills: [fill("0.95")] })],
    [
      "in the totals, the list without any",
      () => ({ fills: [fill("0")] }),
      () => ({ fills: [{ ...fill("0"), fee: null }] }),
    ],
  ])(
    "%s is booked: order, cash and lot have it, as another revision of the execution, and nobody is alarmed",
    async (_, first, then) => {
      const before = await cash(db);
      await filled(first());
      expect(before - (await cash(db))).toBe(100);
      await filled({ fee: "0.95", ...then() });
      await filled({ fee: "0.95", ...then() });
      expect(await orderOf(db, id)).toMatchObject({ status: "filled", filled_qty: "1", fee: "0.95" });
      expect(before - (await cash(db))).toBeCloseTo(100.95, 9);
      expect((await bookedOf(db, id)).map(({ revision, qty, fee }) => [revision, qty, fee])).toEqual([
        [0, "1", "0"],
        [1, "0", "0.95"],
      ]);
      const [lot] =
        await db.sql`select fee, remaining_fee from public.position_lots where symbol = 'SOL-USD' and remaining_qty > 0`;
      expect(lot).toEqual({ fee: "0.95", remaining_fee: "0.95" });
      expect(await openAlerts(db)).toEqual([]);
      expect(await brokenInvariants(db)).toBe(0);
    },
  );

  it("of a buy whose lot was partly sold: the sold part has its share, as if it had been told at once", async () => {
    await filled();
    const before = await pnl();
    const exit = await sell("0.25", "0.2");
    await filled({ fee: "0.96" });
    expect(await closuresOf(exit)).toEqual([{ qty: "0.25", fees: "0.44", pnl: "-0.19" }]);
    const [lot] =
      await db.sql`select fee, remaining_fee from public.position_lots where symbol = 'SOL-USD' and remaining_qty > 0`;
    expect([Number(lot?.fee), Number(lot?.remaining_fee)]).toEqual([0.96, 0.72]);
    expect((await pnl()) - before).toBeCloseTo(-0.19, 9);
  });

  it("of a buy whose lot was wholly sold, in two parts: both realized less", async () => {
    await filled();
    const exits = [await sell("0.4", "0"), await sell("0.6", "0")];
    await filled({ fee: "0.5" });
    await filled({ fee: "0.95" });
    expect(await closuresOf(exits[0] ?? "")).toEqual([{ qty: "0.4", fees: "0.38", pnl: "0.02" }]);
    expect(await closuresOf(exits[1] ?? "")).toEqual([{ qty: "0.6", fees: "0.57", pnl: "0.03" }]);
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("of a sell that ate two lots, or was told before its buy, is spread over what it sold", async () => {
    await filled();
    const more = await handOver(db, { symbol: "SOL-USD", qty: "1", price: "100" });
    await filled({}, more);
    const exit = await sell("1.5", "0");
    await applyOne(db, exit, { state: "filled", filled_qty: "1.5", average_price: "101", fee: "0.9" });
    expect((await closuresOf(exit)).map(({ qty, fees }) => [qty, fees])).toEqual([
      ["1", "0.6"],
      ["0.5", "0.3"],
    ]);
    const over = await sell("1", "0");
    await applyOne(db, over, { state: "filled", filled_qty: "1", average_price: "101", fee: "0.4" });
    const [uncovered] = await db.sql`
      select trim_scale(u.fee)::text as fee from private.uncovered_sells as u join public.crypto_fills as f on f.id = u.fill_id where f.order_id = ${over}`;
    expect(uncovered).toEqual({ fee: "0.2" });
    const late = await handOver(db, { symbol: "SOL-USD", qty: "0.5", price: "100" });
    await applyOne(db, late, { state: "filled", filled_qty: "0.5", average_price: "100" });
    expect((await closuresOf(over)).map(({ qty, fees }) => [qty, fees])).toEqual([
      ["0.5", "0.2"],
      ["0.5", "0.2"],
    ]);
    expect(await brokenInvariants(db)).toBe(0);
  });
});

describe("a filled order without a fee that fits the account's rate", () => {
  const looksAt = async () => (await orderOf(db, id)).next_action_at as Date | null;

  it("is asked about again until its fee is told, and then no more", async () => {
    await filled();
    expect(await secondsAhead(db, id)).toBe(30);
    await db.advanceClock(30);
    await applyNow(db, id, { state: "filled", filled_qty: "1", average_price: "100", fee: "0.95" });
    expect([(await orderOf(db, id)).fee, await looksAt()]).toEqual(["0.95", null]);
  });

  it("and not for ever, whatever is answered", async () => {
    await filled();
    for (const answer of [{ kind: "unavailable" }, { kind: "not_found" }, { filled_qty: "n/a" }]) {
      await db.advanceClock(30);
      await lease(db, id, 1);
      await applyNow(db, id, { state: "filled", fee: "0", lease_token: 1, ...answer });
      expect(await looksAt()).not.toBeNull();
    }
    await db.advanceClock(600);
    await lease(db, id, 2);
    await applyNow(db, id, { state: "filled", filled_qty: "1", average_price: "100", fee: "0", lease_token: 2 });
    expect(await looksAt()).toBeNull();
  });

  it("while one with its fee is done", async () => {
    await filled({ fee: "0.95" });
    expect(await looksAt()).toBeNull();
  });
});

describe("a fee in the base currency", () => {
  const coin = (qty: string, fee: string) => ({ ...brokerFill(`c-${id}`, qty, "100", fee), fee_currency: "SOL" });

  it.each([
    ["of the totals", () => ({ fee: "0.001", fee_currency: "SOL" })],
    ["of the fill", () => ({ fee: "0.001", fills: [coin("1", "0.001")] })],
    [
      "of the fill, in lower case",
      () => ({ fee: "0.001", fee_currency: "sol", fills: [{ ...coin("1", "0.001"), fee_currency: "sol" }] }),
    ],
  ])("%s makes a buy bring that much less, and takes no cash", async (_, change) => {
    const before = await cash(db);
    await filled(change());
    await filled(change());
    expect([await held(db), before - (await cash(db))]).toEqual([0.999, 100]);
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", filled_qty: "1", fee: "0.1", unresolved: false });
    expect((await bookedOf(db, id)).map((fill) => [fill.fee_currency, fill.fee_qty, fill.fee])).toEqual([
      ["SOL", "0.001", "0.1"],
    ]);
    const verdict = await reconcile(db, { cash: String(before - 100), holdings: { "SOL-USD": "0.999" } });
    expect(verdict.status).toBe("ok");
    expect(await openAlerts(db)).toEqual([]);
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("makes a sell take that much more, and both sides together lose just the fees", async () => {
    const before = [await cash(db), await pnl()];
    await filled({ fee: "0.001", fee_currency: "SOL" });
    await sell("0.998", "0.001", { fee_currency: "SOL" });
    expect(await held(db)).toBe(0);
    const earned = (await cash(db)) - (before[0] ?? 0);
    expect((await pnl()) - (before[1] ?? 0)).toBeCloseTo(earned, 9);
  });

  it("grows with the cumulative figure, and told late shrinks what is held, also when it is sold already", async () => {
    await applyOne(db, id, {
      state: "partially_filled",
      filled_qty: "0.5",
      average_price: "100",
      fee: "0.0005",
      fee_currency: "SOL",
    });
    expect(await held(db)).toBe(0.4995);
    await filled({ fee: "0.001", fee_currency: "SOL" });
    expect(await held(db)).toBe(0.999);
    await filled({ fee: "0.002", fee_currency: "SOL" });
    expect(await held(db)).toBe(0.998);
    expect(await orderOf(db, id)).toMatchObject({ fee: "0.2" });
    await sell("0.998", "0");
    await filled({ fee: "0.003", fee_currency: "SOL" });
    expect(await held(db)).toBe(0);
    expect(await orderOf(db, id)).toMatchObject({ fee: "0.3" });
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("in any other currency is never guessed: nothing is booked, and the order is held with the reason", async () => {
    await filled({ fee: "0.001", fee_currency: "BNB" });
    expect(await orderOf(db, id)).toMatchObject({ status: "submitted", filled_qty: "0", unresolved: true });
    expect((await orderOf(db, id)).last_error).toContain("a fee of 0.001 in BNB; it must be in USD or SOL");
    expect(await isToldOf(db, id)).toBe(true);
    await filled({ fee: "0", fee_currency: "BNB" });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", unresolved: false });
  });

  it("that is as much as was traded is held", async () => {
    await filled({ fee: "95", fee_currency: "SOL" });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0", unresolved: true });
  });

  it("is the same in USD when its fills say coins and its totals dollars", async () => {
    await filled({ fee: "0.1", fee_currency: "USD", fills: [coin("1", "0.001")] });
    expect([await held(db), (await orderOf(db, id)).fee]).toEqual([0.999, "0.1"]);
    expect(await openAlerts(db)).toEqual([]);
  });
});
