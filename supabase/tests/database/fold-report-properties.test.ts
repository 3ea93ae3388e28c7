import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";
import { foldReport } from "../../../shared/orders/fold-report.ts";
import type { FoldableOrder, OrderReport } from "../../../shared/orders/order-report.ts";
import type { TestDatabase } from "../support/database.ts";
import { apply, applyOne, asEngine, handOver, NOON, openBooks, orderOf, report } from "./money-fixture.ts";
import { listSymbol, plain } from "./properties-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openBooks();
});
afterAll(() => db.drop());

let run = 0;
const newSymbol = () => {
  run += 1;
  return listSymbol(db, `C${run}X-USD`);
};

/** Ends whatever an earlier run left behind, a failed one too: one live order a side. */
const endWhatIsLive = () =>
  asEngine(
    db,
    (sql) => sql`
      update public.crypto_orders set status = 'canceled', unresolved = false, next_action_at = null
      where mode = 'live' and status in ('submitted', 'working', 'partially_filled', 'cancel_pending')`,
  );

describe("folding in SQL", () => {
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

describe("folding reports on a corrected order in SQL", () => {
  it("argues for the same status and quantity as foldReport, report by report", async () => {
    const anyReport = fc.record({
      state: fc.constantFrom("working", "partially_filled", "filled", "canceled", "expired"),
      eighths: fc.integer({ min: 3, max: 8 }),
      age: fc.integer({ min: -3, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("canceled", "expired"),
        fc.array(anyReport, { minLength: 1, maxLength: 6 }),
        async (end, list) => {
          const symbol = await newSymbol();
          const begin = Date.parse(NOON) + run * 100_000;
          const iso = (millis: number) => new Date(millis).toISOString();
          await db.setClock(iso(begin + 20));
          const id = await handOver(db, { symbol, qty: "8", price: "100", mode: "live" });
          const known = { filled_qty: "3", average_price: "100" };
          await apply(db, report(id, { state: end, ...known, observed_at: iso(begin) }));
          await asEngine(
            db,
            (sql) => sql`select private.correct_order(${id}, 3, null, null, 'open again', null, 'operator:o')`,
          );
          let twin: FoldableOrder = {
            status: end as FoldableOrder["status"],
            side: "buy",
            qty: "8",
            qtyIncrement: "0.00000001",
            limitPrice: "100",
            filledQty: "3",
            averagePrice: "100",
            fee: "0",
            reasonCode: null,
            lastReportAt: begin,
            openCorrectionAt: begin + 20,
          };
          for (const [index, each] of list.entries()) {
            const observedAt = begin + 10 + (index + each.age) * 5;
            const told = {
              state: each.state,
              filledQty: String(each.eighths),
              averagePrice: "100",
              fee: "0",
              observedAt,
            } as const;
            twin = foldReport(twin, { kind: "report", ...told }).order;
            const figuresTold = { filled_qty: told.filledQty, average_price: "100", fee: "0" };
            await apply(db, report(id, { state: told.state, ...figuresTold, observed_at: iso(observedAt) }));
            const row = await orderOf(db, id);
            expect([index, row.status, plain(row.filled_qty)]).toEqual([index, twin.status, twin.filledQty]);
          }
          await asEngine(
            db,
            (sql) => sql`
            update public.crypto_orders set status = 'canceled', unresolved = false
            where id = ${id} and status in ('working', 'partially_filled', 'cancel_pending')`,
          );
          await asEngine(
            db,
            (sql) => sql`update public.crypto_orders set next_action_at = null, watch_until = null where id = ${id}`,
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});
