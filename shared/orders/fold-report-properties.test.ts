import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimal, toAmount, ZERO } from "../money/decimal.ts";
import { foldReport } from "./fold-report.ts";
import { type OrderSnapshot, order, report } from "./fold-report-fixture.ts";
import type { FoldableOrder, OrderReport } from "./order-report.ts";
import { isLegalTransition } from "./status.ts";

const foldAll = (from: FoldableOrder, reports: readonly OrderReport[]) =>
  reports.reduce((current, each) => foldReport(current, each).order, from);

const anyStory = fc
  .record({
    steps: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }),
    prices: fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 6, maxLength: 6 }),
    end: fc.constantFrom("none" as const, "canceled" as const, "expired" as const),
    endAt: fc.nat(6),
  })
  .map(({ steps, prices, end, endAt }) => {
    let [qty, notional] = [ZERO, ZERO];
    const story: OrderSnapshot[] = [report("working", "0", 1)];
    for (const [index, step] of steps.entries()) {
      const more = decimal(String(step)).div(decimal("100"));
      if (qty.plus(more).gt(decimal("1"))) break;
      qty = qty.plus(more);
      notional = notional.plus(more.times(decimal(String(prices[index] ?? 1))));
      const isOver = end !== "none" && index >= endAt;
      const state = qty.eq(decimal("1")) ? "filled" : isOver ? end : "partially_filled";
      story.push(
        report(state, toAmount(qty), index + 2, {
          averagePrice: toAmount(notional.div(qty)),
          fee: toAmount(notional.div(decimal("100"))),
        }),
      );
    }
    const last = story.at(-1);
    if (end !== "none" && last && last.state !== "filled") story.push({ ...last, state: end, observedAt: 20 });
    return story;
  });

describe("folding a whole story", () => {
  it("ends the same however often and in whatever order the reports arrive", () => {
    fc.assert(
      fc.property(
        anyStory,
        fc.array(fc.nat(), { minLength: 30, maxLength: 30 }),
        fc.boolean(),
        (story, picks, isCanceling) => {
          const start = order(isCanceling ? "cancel_pending" : "submitted");
          const noisy = [...story, ...picks.flatMap((pick) => story[pick % story.length] ?? [])]
            .map((each, index) => ({ each, key: picks[index % picks.length] ?? 0 }))
            .sort((a, b) => a.key - b.key)
            .map(({ each }) => each);
          expect(foldAll(start, noisy)).toEqual(foldAll(start, story));
          let current = start;
          for (const each of noisy) {
            const folded = foldReport(current, each);
            expect(folded.flags.filter((flag) => flag !== "late_fill")).toEqual([]);
            current = folded.order;
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("only ever makes legal transitions, and neither quantity nor fee ever shrinks", () => {
    fc.assert(
      fc.property(fc.array(anyStory, { maxLength: 3 }), (stories) => {
        let current = order("submitted");
        for (const each of stories.flat()) {
          const next = foldReport(current, each).order;
          const isMove = next.status !== current.status;
          if (isMove) expect(isLegalTransition(current.status, next.status, current.reasonCode)).toBe(true);
          expect(decimal(next.filledQty).gte(decimal(current.filledQty))).toBe(true);
          expect(decimal(next.fee).gte(decimal(current.fee))).toBe(true);
          current = next;
        }
      }),
    );
  });
});
