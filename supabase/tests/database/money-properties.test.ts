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
