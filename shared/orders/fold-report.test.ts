import { describe, expect, it } from "vitest";
import { foldReport, isProvenAbsent } from "./fold-report.ts";
import { order, report } from "./fold-report-fixture.ts";
import type { OrderReport } from "./order-report.ts";
import { NEVER_REACHED_BROKER } from "./status.ts";

describe("foldReport", () => {
  it("books what is new since the last report", () => {
    const folded = foldReport(
      order("working", { filledQty: "0.25", averagePrice: "100", fee: "0.2375" }),
      report("partially_filled", "0.75"),
    );
    expect(folded).toMatchObject({ newQty: "0.5", newNotional: "50", newFee: "0.475", flags: [] });
    expect(folded.order.status).toBe("partially_filled");
  });

  it("keeps a requested cancel pending while the broker still calls the order working", () => {
    expect(foldReport(order("cancel_pending"), report("working", "0.5")).order).toMatchObject({
      status: "cancel_pending",
      filledQty: "0.5",
    });
  });

  it("goes back to working or partially filled when the broker refuses the cancel", () => {
    const refused: OrderReport = { kind: "cancel_refused", observedAt: 10 };
    expect(foldReport(order("cancel_pending"), refused).order.status).toBe("working");
    expect(foldReport(order("cancel_pending", { filledQty: "0.5" }), refused).order.status).toBe("partially_filled");
  });

  it("books a fill that wins the race against a cancel", () => {
    expect(foldReport(order("cancel_pending"), report("filled", "1")).order.status).toBe("filled");
  });

  it("opens an order again that a person has corrected, on the broker's first word after that", () => {
    const corrected = order("canceled", {
      filledQty: "0.5",
      averagePrice: "100",
      fee: "0.475",
      lastReportAt: 5,
      openCorrectionAt: 8,
    });
    const again = foldReport(corrected, report("partially_filled", "0.5"));
    expect(again).toMatchObject({ flags: [], order: { status: "partially_filled", openCorrectionAt: null } });
    expect(foldReport(corrected, report("partially_filled", "0.5", 7)).order).toMatchObject({ status: "canceled" });
    const confirmed = foldReport(corrected, report("canceled", "0.5")).order;
    expect(foldReport(confirmed, report("working", "0.5", 12))).toMatchObject({
      flags: ["contradictory_report"],
      order: { status: "canceled" },
    });
  });

  it("books a late fill: a partial one keeps the status, a full one ends as filled", () => {
    const canceled = order("canceled", { lastReportAt: 5 });
    const partial = foldReport(canceled, report("canceled", "0.5"));
    expect(partial).toMatchObject({
      newQty: "0.5",
      flags: ["late_fill"],
      order: { status: "canceled", filledQty: "0.5" },
    });
    expect(foldReport(canceled, report("filled", "1"))).toMatchObject({
      flags: ["late_fill"],
      order: { status: "filled" },
    });
  });

  it("brings an order back that was proven absent and is found alive after all", () => {
    const absent = order("rejected", { reasonCode: NEVER_REACHED_BROKER, lastReportAt: 5 });
    expect(foldReport(absent, report("working", "0"))).toMatchObject({
      flags: ["back_from_absent"],
      order: { status: "working" },
    });
    expect(foldReport(absent, report("filled", "1")).order.status).toBe("filled");
  });

  it("flags a refused order that is said to work, and leaves it refused", () => {
    expect(foldReport(order("rejected", { lastReportAt: 5 }), report("working", "0"))).toMatchObject({
      flags: ["contradictory_report"],
      order: { status: "rejected" },
    });
  });

  it.each([
    ["more was filled than ordered", order("working"), report("filled", "1.5"), "overfill"],
    ["it is filled but not wholly", order("working"), report("filled", "0.5"), "contradictory_report"],
    ["a rejected order has fills", order("working"), report("rejected", "0.5"), "contradictory_report"],
    [
      "fills have no price",
      order("working"),
      report("working", "0.5", 10, { averagePrice: null }),
      "contradictory_report",
    ],
    [
      "the same fills now cost something else",
      order("partially_filled", { filledQty: "0.5", averagePrice: "99", fee: "0.475" }),
      report("partially_filled", "0.5"),
      "contradictory_report",
    ],
    [
      "more was filled for less money",
      order("partially_filled", { filledQty: "0.5", averagePrice: "300", fee: "0" }),
      report("partially_filled", "0.6"),
      "contradictory_report",
    ],
    [
      "a canceled order works again",
      order("canceled", { lastReportAt: 5 }),
      report("working", "0"),
      "contradictory_report",
    ],
    ["an order was never handed over", order("new"), report("working", "0"), "contradictory_report"],
    [
      "the cumulative quantity shrank",
      order("partially_filled", { filledQty: "0.6", averagePrice: "100", fee: "0.57" }),
      report("canceled", "0.4"),
      "contradictory_report",
    ],
    [
      "the cumulative fee shrank",
      order("partially_filled", { filledQty: "0.5", averagePrice: "100", fee: "0.48" }),
      report("filled", "1", 10, { fee: "0" }),
      "contradictory_report",
    ],
    [
      "a price is worse than the limit",
      order("working", { limitPrice: "100" }),
      report("filled", "1", 10, { averagePrice: "104" }),
      "odd_report",
    ],
    ["a fee is out of all proportion", order("working"), report("filled", "1", 10, { fee: "6" }), "odd_report"],
    ["a fee is negative", order("working"), report("filled", "1", 10, { fee: "-0.1" }), "odd_report"],
  ])("flags that %s", (_, known, given, flag) => {
    expect(foldReport(known, given).flags).toContain(flag);
  });

  it("books an overfill in full, for the money has moved", () => {
    expect(foldReport(order("working"), report("filled", "1.5")).order).toMatchObject({
      status: "filled",
      filledQty: "1.5",
    });
  });

  it.each(["not_found", "unavailable", "throttled", "cancel_requested"] as const)(
    "lets %s alone prove nothing",
    (kind) => {
      for (const status of ["submitted", "working", "cancel_pending"] as const) {
        expect(foldReport(order(status), { kind, observedAt: 10 }).order.status).toBe(status);
      }
    },
  );

  it("rejects on a definite refusal of the placement only", () => {
    expect(foldReport(order("submitted"), { kind: "refused", observedAt: 10 }).order.status).toBe("rejected");
    expect(foldReport(order("working"), { kind: "refused", observedAt: 10 })).toMatchObject({
      flags: ["contradictory_report"],
      order: { status: "working" },
    });
  });

  it("rejects a cancel-pending order that was refused before anything was heard of it", () => {
    const refused: OrderReport = { kind: "refused", observedAt: 10 };
    expect(foldReport(order("cancel_pending"), refused).order.status).toBe("rejected");
    expect(foldReport(order("cancel_pending", { lastReportAt: 5 }), refused).flags).toEqual(["contradictory_report"]);
  });

  it("forgives a broker's rounding in figures it repeats", () => {
    const known = order("partially_filled", { filledQty: "0.5", averagePrice: "100", fee: "0.475" });
    const repeated = report("partially_filled", "0.5", 10, { averagePrice: "100.00004", fee: "0.47505" });
    expect(foldReport(known, repeated).flags).toEqual([]);
  });

  it("gives no fee back, and books one that is told late", () => {
    const half = order("partially_filled", { filledQty: "0.5", averagePrice: "100", fee: "0.48" });
    expect(foldReport(half, report("filled", "1", 10, { fee: "0" })).order.fee).toBe("0.48");
    const free = order("filled", { filledQty: "1", averagePrice: "100" });
    expect(foldReport(free, report("filled", "1", 10, { fee: "0.95" }))).toMatchObject({ newFee: "0.95", flags: [] });
  });

  it("takes an order for filled that the broker calls so, when no more than rounding is missing", () => {
    expect(foldReport(order("working"), report("filled", "0.99999999"))).toMatchObject({
      flags: [],
      order: { status: "filled", filledQty: "0.99999999" },
    });
    const coarse = order("working", { qty: "2", qtyIncrement: "1" });
    expect(foldReport(coarse, report("filled", "1")).order.status).toBe("partially_filled");
  });

  it("derives no absurd price from averages that were rounded", () => {
    const known = order("partially_filled", { limitPrice: "100.02", filledQty: "0.99999", averagePrice: "100.01" });
    const folded = foldReport(known, report("filled", "1", 10, { averagePrice: "100.00", fee: "0" }));
    expect(folded).toMatchObject({ flags: [], newQty: "0.00001", newNotional: "0.001" });
  });

  it("lets a coin be as cheap as it likes", () => {
    const known = order("partially_filled", { qty: "1000", filledQty: "500", averagePrice: "0.00001234567" });
    const repeated = report("partially_filled", "500", 10, { averagePrice: "0.0000123", fee: "0" });
    expect(foldReport(known, repeated).flags).toEqual([]);
  });

  it("takes three definite answers over thirty seconds to prove absence", () => {
    expect(isProvenAbsent(2, 0, 60_000)).toBe(false);
    expect(isProvenAbsent(3, 0, 29_999)).toBe(false);
    expect(isProvenAbsent(3, 0, 30_000)).toBe(true);
  });
});
