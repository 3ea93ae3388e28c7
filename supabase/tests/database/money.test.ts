import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";
import { type Fill, foldFills, heldQty, realizedPnl } from "../../../shared/money/lots.ts";
import { type FoldableOrder, foldReport, type OrderReport } from "../../../shared/orders/fold-report.ts";
import type { TestDatabase } from "../support/database.ts";
import {
  apply,
  applyOne,
  asEngine,
  brokenInvariants,
  brokerFill,
  cashOf,
  handOver,
  NOON,
  openAlerts,
  openBooks,
  orderOf,
  positionOf,
  type Report,
} from "./money-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

const plain = (value: unknown): string => toAmount(decimal(String(value)));

/** Buys or sells at once and returns the order's id. */
async function trade(side: "buy" | "sell", symbol: string, qty: string, price: string, fee = "0", more: object = {}) {
  const id = await handOver(db, { side, symbol, qty, price, ...more });
  await applyOne(db, id, {
    state: "filled",
    filled_qty: qty,
    average_price: price,
    fee,
    fills: [brokerFill(`${id}-f`, qty, price, fee)],
  });
  return id;
}

describe("a position", () => {
  it("takes engine, strategy and exit state from its intent at the first fill, and loses them when flat", async () => {
    const id = await handOver(db, {
      symbol: "SOL-USD",
      qty: "1",
      price: "100",
      strategy: "momentum",
      metadata: { stop_price: "98.5", target_price: "102", exit_by: "2026-03-01T14:00:00Z" },
    });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.5", average_price: "99" });
    expect(await positionOf(db, "SOL-USD")).toMatchObject({
      engine: "trader",
      strategy: "momentum",
      stop_price: "98.5",
      target_price: "102",
      exit_by: new Date("2026-03-01T14:00:00Z"),
      high_water: "99",
      trail_armed: false,
    });
    await asEngine(
      db,
      (sql) =>
        sql`update public.positions set high_water = 105, trail_armed = true, stop_price = 104 where symbol = 'SOL-USD'`,
    );
    await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100" });
    const position = await positionOf(db, "SOL-USD");
    expect(position).toMatchObject({ qty: "1", high_water: "105", trail_armed: true, stop_price: "104" });
    expect(plain(position?.entry_price)).toBe("100");
    await trade("sell", "SOL-USD", "1", "103");
    expect(await positionOf(db, "SOL-USD")).toMatchObject({
      engine: null,
      strategy: null,
      entry_price: null,
      stop_price: null,
      target_price: null,
      exit_by: null,
      high_water: null,
      opened_at: null,
      average_price: null,
      trail_armed: false,
    });
  });

  it("books a fill whatever nonsense its intent's metadata hold", async () => {
    await trade("buy", "AVAX-USD", "1", "100", "0", {
      metadata: { stop_price: "low", target_price: "-3", exit_by: "soon" },
    });
    expect(await positionOf(db, "AVAX-USD")).toMatchObject({ stop_price: null, target_price: null, exit_by: null });
    await trade("sell", "AVAX-USD", "1", "100");
  });

  it("begins anew when all that was left is dust", async () => {
    await trade("buy", "AVAX-USD", "1.001", "100", "0", { strategy: "old" });
    await trade("sell", "AVAX-USD", "1", "100");
    await trade("buy", "AVAX-USD", "2", "110", "0", {
      strategy: "fresh",
      engine: "edge_factory",
      metadata: { stop_price: "90" },
    });
    expect(await positionOf(db, "AVAX-USD")).toMatchObject({
      engine: "edge_factory",
      strategy: "fresh",
      stop_price: "90",
    });
    await trade("sell", "AVAX-USD", "2.001", "110");
  });
});

describe("an account", () => {
  it("counts what entries filled on the UTC day, not exits, and not what belongs to yesterday", async () => {
    const spent = async () => {
      const [row] = await db.sql<
        { day_notional: string }[]
      >`select day_notional from public.accounts where mode = 'paper'`;
      return Number(row?.day_notional);
    };
    const before = await spent();
    await trade("buy", "ETH-USD", "0.5", "100");
    expect(await spent()).toBe(before + 50);
    await trade("sell", "ETH-USD", "0.5", "100");
    expect(await spent()).toBe(before + 50);
    const id = await handOver(db, { symbol: "ETH-USD", qty: "0.5" });
    await db.setClock("2026-03-02T00:00:30Z");
    await applyOne(db, id, {
      state: "partially_filled",
      filled_qty: "0.2",
      average_price: "100",
      fills: [{ ...brokerFill("eve", "0.2", "100"), executed_at: "2026-03-01T23:59:59Z" }],
    });
    expect(await spent()).toBe(0);
    await applyOne(db, id, {
      state: "filled",
      filled_qty: "0.5",
      average_price: "100",
      fills: [{ ...brokerFill("morning", "0.3", "100"), executed_at: "2026-03-02T00:00:10Z" }],
    });
    expect(await spent()).toBe(30);
    await db.setClock(NOON);
    await trade("sell", "ETH-USD", "0.5", "100");
  });

  it("keeps paper and live apart", async () => {
    const paper = await cashOf(db);
    await trade("buy", "DOGE-USD", "10", "1", "0.1", { mode: "live" });
    expect(await cashOf(db)).toEqual(paper);
    expect((await cashOf(db, "live")).cash).toBe("1989.9");
    expect((await positionOf(db, "DOGE-USD", "live"))?.qty).toBe("10");
    expect(await positionOf(db, "DOGE-USD", "paper")).toBeUndefined();
    await trade("sell", "DOGE-USD", "10", "1", "0", { mode: "live" });
  });
});

describe("what can't be right", () => {
  it("an overfill is booked in full, recorded and told", async () => {
    const id = await handOver(db, { symbol: "ETH-USD", qty: "0.5" });
    await applyOne(db, id, { state: "filled", filled_qty: "0.6", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", filled_qty: "0.6", remaining_qty: "0" });
    expect((await positionOf(db, "ETH-USD"))?.qty).toBe("0.6");
    expect(await openAlerts(db)).toContain("overfill");
    expect(await brokenInvariants(db)).toBe(0);
    await trade("sell", "ETH-USD", "0.6", "100");
  });

  it("a sell beyond what is held brings the cash, leaves nothing negative, and is told", async () => {
    await asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);
    await trade("buy", "ETH-USD", "0.5", "100");
    const { cash } = await cashOf(db);
    await trade("sell", "ETH-USD", "0.7", "100");
    expect(Number((await cashOf(db)).cash)).toBeCloseTo(Number(cash) + 70, 9);
    expect((await positionOf(db, "ETH-USD"))?.qty).toBe("0");
    expect(await openAlerts(db)).toEqual(["overfill"]);
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("figures that contradict the booked ones are not booked: the order stays unresolved and a person is told", async () => {
    await asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1" });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.5", average_price: "100" });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.6", average_price: "10" });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0.5", unresolved: true });
    expect(await openAlerts(db)).toEqual(["contradictory_report"]);
    await applyOne(db, id, { state: "filled", filled_qty: "0.6", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ filled_qty: "0.6", status: "partially_filled", unresolved: true });
    await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "filled", unresolved: false });
    await trade("sell", "ETH-USD", "1", "100");
  });

  it("a fill's id with another quantity, or of another order, is told and books nothing", async () => {
    await asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1" });
    await applyOne(db, id, {
      state: "partially_filled",
      filled_qty: "0.2",
      average_price: "100",
      fills: [brokerFill("same", "0.2", "100")],
    });
    await applyOne(db, id, {
      state: "partially_filled",
      filled_qty: "0.2",
      average_price: "100",
      fills: [brokerFill("same", "0.3", "100")],
    });
    expect((await orderOf(db, id)).filled_qty).toBe("0.2");
    expect(await openAlerts(db)).toEqual(["contradictory_report"]);
    await applyOne(db, id, { state: "canceled", filled_qty: "0.2", average_price: "100" });
    await trade("sell", "ETH-USD", "0.2", "100");
  });

  it("an order that works after it was canceled is told and looked at until it is explained", async () => {
    await asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1" });
    await applyOne(db, id, { state: "canceled" });
    await applyOne(db, id, { state: "working" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", unresolved: true });
    expect(await openAlerts(db)).toEqual(["contradictory_report"]);
    await applyOne(db, id, { state: "canceled" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", unresolved: false });
  });
});

const amount = (max: number, places: number) =>
  fc.integer({ min: 1, max }).map((units) => toAmount(decimal(String(units)).div(decimal(String(10 ** places)))));

let run = 0;

describe("folding in SQL", () => {
  it("ends in the very books of the pure twin, whatever is bought and sold", async () => {
    const trades = fc.array(
      fc.record({
        side: fc.constantFrom("buy" as const, "sell" as const),
        qty: amount(5_000_000, 6),
        price: amount(9_000_000, 3),
        fee: amount(100_000, 8),
      }),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(trades, async (list) => {
        run += 1;
        await asEngine(
          db,
          (sql) => sql`
          insert into public.instruments (symbol, price_increment, qty_increment, min_qty, min_notional, enabled)
          values (${`P${run}X-USD`}, 0.001, 0.000001, 0.000001, 0.000001, false)`,
        );
        const symbol = `P${run}X-USD`;
        const fills = list.map((each, index): Fill => ({ ...each, symbol, fillId: `p${run}-${index}` }));
        for (const fill of fills) {
          const id = await handOver(db, { side: fill.side, symbol, qty: fill.qty, price: fill.price });
          const fillOf = brokerFill(fill.fillId, fill.qty, fill.price, fill.fee);
          await applyOne(db, id, {
            state: "filled",
            filled_qty: fill.qty,
            average_price: fill.price,
            fee: fill.fee,
            fills: [fillOf],
          });
        }
        const twin = foldFills(fills);
        const lots = await db.sql`
          select f.fill_id, l.remaining_qty, l.remaining_fee, l.price from public.position_lots as l
          join public.crypto_fills as f on f.id = l.fill_id where l.symbol = ${symbol} and l.remaining_qty > 0 order by l.id`;
        expect(
          lots.map((lot) => [lot.fill_id, plain(lot.remaining_qty), plain(lot.remaining_fee), plain(lot.price)]),
        ).toEqual(twin.lots.map((lot) => [lot.fillId, plain(lot.remainingQty), plain(lot.fee), plain(lot.price)]));
        const closures = await db.sql`
          select b.fill_id as lot_fill_id, s.fill_id, c.qty, c.proceeds, c.cost, c.fees, c.realized_pnl from public.lot_closures as c
          join public.position_lots as l on l.id = c.lot_id join public.crypto_fills as b on b.id = l.fill_id
          join public.crypto_fills as s on s.id = c.fill_id where c.symbol = ${symbol} order by c.id`;
        expect(
          closures.map((c) => [
            c.lot_fill_id,
            c.fill_id,
            plain(c.qty),
            plain(c.proceeds),
            plain(c.cost),
            plain(c.fees),
            plain(c.realized_pnl),
          ]),
        ).toEqual(twin.closures.map((c) => [c.lotFillId, c.fillId, c.qty, c.proceeds, c.cost, c.fees, c.realizedPnl]));
        const position = await positionOf(db, symbol);
        expect([plain(position?.qty), plain(position?.realized_pnl)]).toEqual([
          heldQty(twin, symbol),
          realizedPnl(twin),
        ]);
      }),
      { numRuns: 25 },
    );
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("ends in the same books however reports are shuffled, repeated and lost, as long as the last word arrives", async () => {
    const story = fc.record({
      parts: fc.array(fc.record({ qty: amount(1_000_000, 6), price: amount(9_000_000, 3), fee: amount(100_000, 8) }), {
        minLength: 1,
        maxLength: 5,
      }),
      end: fc.constantFrom("filled", "canceled", "expired"),
      order: fc.array(fc.nat(), { minLength: 0, maxLength: 12 }),
      named: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(story, async ({ parts, end, order, named }) => {
        run += 1;
        let filled = ZERO;
        let notional = ZERO;
        let fee = ZERO;
        const fills: ReturnType<typeof brokerFill>[] = [];
        const reports: Report[] = [];
        for (const [index, part] of parts.entries()) {
          filled = filled.plus(decimal(part.qty));
          notional = notional.plus(decimal(part.qty).times(decimal(part.price)));
          fee = fee.plus(decimal(part.fee));
          fills.push(brokerFill(`q${run}-${index}`, part.qty, part.price, part.fee));
          reports.push({
            kind: "report",
            state: index === parts.length - 1 ? end : "partially_filled",
            filled_qty: toAmount(filled),
            average_price: toAmount(notional.div(filled)),
            fee: toAmount(fee),
            observed_at: new Date(Date.parse(NOON) + run * 1000 + index).toISOString(),
            ...(named ? { fills: [...fills] } : {}),
          });
        }
        const qty = end === "filled" ? toAmount(filled) : toAmount(filled.times(decimal("2")));
        const before = await cashOf(db, "live");
        const id = await handOver(db, { symbol: "ETH-USD", qty, price: "9000", mode: "live" });
        const last = reports.at(-1) ?? {};
        const noisy = [
          ...order.map((pick) => reports[pick % reports.length] ?? last),
          last,
          ...order.map((pick) => reports[pick % reports.length] ?? last),
        ];
        await apply(db, ...noisy.map((each) => ({ ...each, order_id: id })));
        const row = await orderOf(db, id);
        expect([row.status, plain(row.filled_qty), row.unresolved]).toEqual([end, toAmount(filled), false]);
        expect(Math.abs(Number(row.fee) - Number(fee.toFixed()))).toBeLessThan(1e-9);
        const spent = decimal(plain(before.cash)).minus(decimal(plain((await cashOf(db, "live")).cash)));
        expect(Math.abs(Number(spent.minus(notional).minus(fee).toFixed()))).toBeLessThan(1e-6);
        await asEngine(
          db,
          (sql) => sql`update public.crypto_orders set next_action_at = null, watch_until = null where id = ${id}`,
        );
      }),
      { numRuns: 40 },
    );
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("argues for the same status and quantity as foldReport, report by report", async () => {
    const anyReport = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant("report" as const),
          state: fc.constantFrom("working", "partially_filled", "filled", "canceled", "expired", "rejected"),
          eighths: fc.integer({ min: 0, max: 9 }),
          age: fc.integer({ min: -3, max: 3 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constantFrom("refused", "cancel_refused", "cancel_requested", "unavailable", "throttled"),
          state: fc.constant("working"),
          eighths: fc.constant(0),
          age: fc.constant(1),
        }),
      },
    );
    const start = fc.constantFrom("submitted", "cancel_pending");
    await fc.assert(
      fc.asyncProperty(start, fc.array(anyReport, { minLength: 1, maxLength: 8 }), async (status, list) => {
        run += 1;
        const id = await handOver(db, { symbol: "BTC-USD", qty: "8", price: "100", mode: "live" });
        if (status === "cancel_pending") {
          await applyOne(db, id, { observed_at: new Date(Date.parse(NOON) + run * 100_000).toISOString() });
          await asEngine(db, (sql) => sql`select private.cancel_orders(array[${id}::uuid], 'operator', 'test')`);
        }
        let twin: FoldableOrder = {
          status: status as FoldableOrder["status"],
          qty: "8",
          filledQty: "0",
          averagePrice: null,
          fee: "0",
          reasonCode: null,
          lastReportAt: status === "cancel_pending" ? Date.parse(NOON) + run * 100_000 : null,
        };
        for (const [index, each] of list.entries()) {
          const observedAt = Date.parse(NOON) + run * 100_000 + (index + each.age + 4) * 10;
          const filledQty = String(each.eighths);
          const averagePrice = each.eighths > 0 ? "100" : null;
          const folded = foldReport(twin, {
            kind: each.kind,
            state: each.state,
            filledQty,
            averagePrice,
            fee: "0",
            observedAt,
          } as OrderReport);
          twin = folded.order;
          await apply(db, {
            order_id: id,
            kind: each.kind,
            state: each.state,
            filled_qty: filledQty,
            average_price: averagePrice,
            fee: "0",
            observed_at: new Date(observedAt).toISOString(),
          });
          const row = await orderOf(db, id);
          expect([index, row.status, plain(row.filled_qty)]).toEqual([index, twin.status, twin.filledQty]);
        }
        const [live] =
          await db.sql`select id from public.crypto_orders where id = ${id} and status in ('submitted', 'working', 'partially_filled', 'cancel_pending')`;
        if (live)
          await asEngine(
            db,
            (sql) => sql`update public.crypto_orders set status = 'canceled', unresolved = false where id = ${id}`,
          );
        await asEngine(
          db,
          (sql) => sql`update public.crypto_orders set next_action_at = null, watch_until = null where id = ${id}`,
        );
      }),
      { numRuns: 60 },
    );
  });
});
