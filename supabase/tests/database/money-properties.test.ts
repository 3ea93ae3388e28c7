import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";
import { type Fill, foldFills, heldQty, realizedPnl } from "../../../shared/money/lots.ts";
import { foldReport } from "../../../shared/orders/fold-report.ts";
import type { FoldableOrder, OrderReport } from "../../../shared/orders/order-report.ts";
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

/** A fee that is no rounding. */
const lateFee = (fee: string) => toAmount(decimal(fee).times(decimal("1000")).plus(decimal("0.01")));

let run = 0;

/** Ends whatever an earlier run left behind, a failed one too: one live order a side. */
const endWhatIsLive = () =>
  asEngine(
    db,
    (sql) => sql`
      update public.crypto_orders set status = 'canceled', unresolved = false, next_action_at = null
      where mode = 'live' and status in ('submitted', 'working', 'partially_filled', 'cancel_pending')`,
  );

describe("folding in SQL", () => {
  it("ends in the very books of the pure twin, whatever is bought and sold", async () => {
    const trades = fc.array(
      fc.record({
        side: fc.constantFrom("buy" as const, "sell" as const),
        qty: amount(5_000_000, 6),
        price: amount(9_000_000, 3),
        fee: amount(100_000, 8),
        feeIs: fc.constantFrom("told at once" as const, "told late" as const, "in coins" as const),
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
        const fills = list.map(({ feeIs, ...each }, index): Fill => {
          const fill = { ...each, symbol, fillId: `p${run}-${index}` };
          if (feeIs === "told at once") return fill;
          if (feeIs === "told late") return { ...fill, fee: lateFee(each.fee) };
          const feeQty = decimal(each.qty).times(decimal("0.001"));
          return { ...fill, feeQty: toAmount(feeQty), fee: toAmount(feeQty.times(decimal(each.price))) };
        });
        const tell = (id: string, { fillId, qty, price, ...fill }: Fill, fee: string) =>
          applyOne(db, id, {
            state: "filled",
            filled_qty: qty,
            average_price: price,
            fee: fill.feeQty ?? fee,
            fee_currency: fill.feeQty === undefined ? "USD" : `P${run}X`,
            fills: [brokerFill(fillId, qty, price, fill.feeQty ?? fee)],
          });
        const isLate = (index: number) => list[index]?.feeIs === "told late";
        const ids: string[] = [];
        for (const [index, fill] of fills.entries()) {
          const id = await handOver(db, { side: fill.side, symbol, qty: fill.qty, price: fill.price });
          ids.push(id);
          await tell(id, fill, isLate(index) ? "0" : fill.fee);
        }
        // Backwards: a fee that is told late comes in whatever order.
        for (const [index, fill] of [...fills.entries()].reverse()) {
          if (isLate(index)) await tell(ids[index] ?? "", fill, fill.fee);
        }
        const twin = foldFills(fills);
        const lots = await db.sql`
          select f.fill_id, l.remaining_qty, l.remaining_fee, l.price from public.position_lots as l
          join public.crypto_fills as f on f.id = l.fill_id where l.symbol = ${symbol} and l.remaining_qty > 0 order by l.id`;
        expect(
          lots.map((lot) => [lot.fill_id, plain(lot.remaining_qty), plain(lot.remaining_fee), plain(lot.price)]),
        ).toEqual(twin.lots.map((lot) => [lot.fillId, plain(lot.remainingQty), plain(lot.fee), plain(lot.price)]));
        const closures = await db.sql`
          select b.fill_id as lot_fill_id, s.fill_id, sum(c.qty) as qty, sum(c.proceeds) as proceeds, sum(c.cost) as cost, sum(c.fees) as fees,
            sum(c.realized_pnl) as realized_pnl
          from public.lot_closures as c
          join public.position_lots as l on l.id = c.lot_id join public.crypto_fills as b on b.id = l.fill_id
          join public.crypto_fills as s on s.id = c.fill_id where c.symbol = ${symbol}
          group by c.lot_id, b.fill_id, s.fill_id having sum(c.qty) <> 0 order by max(c.id)`;
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
            observed_at: new Date(Date.parse(NOON) + index).toISOString(),
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

  it("argues for the same status, quantity and fee as foldReport, and flags the same, report by report", async () => {
    const anyReport = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant("report" as const),
          state: fc.constantFrom("working", "partially_filled", "filled", "canceled", "expired", "rejected"),
          eighths: fc.integer({ min: 0, max: 9 }),
          // Short by less than rounding, now and then; a fee that is missing, late, given back, negative or absurd; prices beside the limit.
          short: fc.constantFrom("0", "0", "0", "0.00000008"),
          price: fc.constantFrom("100", "100", "100", "99.99", "99", "104", "0.0000123", null),
          fee: fc.constantFrom("0", "0.48", "0.95", "0.951", "-0.2", "60"),
          age: fc.integer({ min: -3, max: 3 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constantFrom("refused", "cancel_refused", "cancel_requested", "unavailable", "throttled"),
          state: fc.constant("working"),
          eighths: fc.constant(0),
          short: fc.constant("0"),
          price: fc.constant(null),
          fee: fc.constant("0"),
          age: fc.constant(1),
        }),
      },
    );
    const start = fc.constantFrom("submitted", "cancel_pending");
    await fc.assert(
      fc.asyncProperty(start, fc.array(anyReport, { minLength: 1, maxLength: 8 }), async (status, list) => {
        await endWhatIsLive();
        const id = await handOver(db, { symbol: "BTC-USD", qty: "8", price: "100", mode: "live" });
        if (status === "cancel_pending") {
          await applyOne(db, id, { observed_at: NOON });
          await asEngine(db, (sql) => sql`select private.cancel_orders(array[${id}::uuid], 'operator', 'test')`);
        }
        let twin: FoldableOrder = {
          status: status as FoldableOrder["status"],
          side: "buy",
          qty: "8",
          qtyIncrement: "0.00000001",
          limitPrice: "100",
          filledQty: "0",
          averagePrice: null,
          fee: "0",
          reasonCode: null,
          lastReportAt: status === "cancel_pending" ? Date.parse(NOON) : null,
        };
        for (const [index, each] of list.entries()) {
          const observedAt = Date.parse(NOON) + (index + each.age + 4) * 10;
          const eighths = decimal(String(each.eighths));
          const filledQty = toAmount(eighths.gt(ZERO) ? eighths.minus(decimal(each.short)) : eighths);
          const said = { kind: each.kind, state: each.state, fee: each.fee };
          const averagePrice = each.eighths > 0 ? each.price : null;
          const folded = foldReport(twin, { ...said, filledQty, averagePrice, observedAt } as OrderReport);
          twin = folded.order;
          // What was told before is told again here, so that each report's own flags are seen.
          const [{ last } = { last: 0 }] = await db.sql`select coalesce(max(id), 0) as last from public.order_events`;
          await asEngine(db, (sql) => sql`update public.crypto_orders set last_error = null where id = ${id}`);
          await apply(db, {
            order_id: id,
            ...said,
            filled_qty: filledQty,
            average_price: averagePrice,
            observed_at: new Date(observedAt).toISOString(),
          });
          const row = await orderOf(db, id);
          const told = await db.sql`
            select distinct event_type from public.order_events
            where order_id = ${id} and id > ${last} and event_type = any (private.order_flags())`;
          const flags = told.map(({ event_type }) => event_type);
          const wasTold = flags.includes("odd_report") || !folded.flags.includes("odd_report");
          expect([index, row.status, plain(row.filled_qty), plain(row.fee), flags.sort()]).toEqual([
            index,
            twin.status,
            twin.filledQty,
            twin.fee,
            // The same oddity is told once only.
            folded.flags.filter((flag) => wasTold || flag !== "odd_report").sort(),
          ]);
        }
      }),
      { numRuns: 60 },
    );
  });
});
