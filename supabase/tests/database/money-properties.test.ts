import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";
import { type Fill, foldFills, heldQty, realizedPnl } from "../../../shared/money/lots.ts";
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
import { amount, listSymbol, plain } from "./properties-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openBooks();
});
afterAll(() => db.drop());

/** A fee that is no rounding. */
const lateFee = (fee: string) => toAmount(decimal(fee).times(decimal("1000")).plus(decimal("0.01")));

let run = 0;

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
        const symbol = await listSymbol(db, `P${run}X-USD`);
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
});
