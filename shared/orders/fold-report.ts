import type { ExecutionReport, ReportState } from "../broker/port.ts";
import type { Millis } from "../market/instant.ts";
import { type Amount, type Decimal, decimal, greatest, toAmount, ZERO } from "../money/decimal.ts";
import type { Progress } from "./order.ts";
import { isLegalTransition, mayBeAlive, type OrderStatus } from "./status.ts";

/** What folding needs to know of an order; `lastReportAt` is when the newest folded report was observed. */
export interface FoldableOrder extends Progress {
  readonly status: OrderStatus;
  readonly qty: Amount;
  readonly reasonCode: string | null;
  readonly lastReportAt: Millis | null;
}

type Snapshot = Pick<ExecutionReport, "state" | "filledQty" | "averagePrice" | "fee" | "observedAt">;

/** Anything that is learned about an order at the broker. */
export type OrderReport =
  | ({ readonly kind: "report" } & Snapshot)
  | {
      readonly kind: "refused" | "cancel_refused" | "cancel_requested" | "not_found" | "unavailable" | "throttled";
      readonly observedAt: Millis;
    };

/** What a person must be told about a report; the database opens alerts of the same names. */
export type ReportFlag = "overfill" | "contradictory_report" | "late_fill" | "back_from_absent";

/** An order after a report: quantity, notional and fee that came with it, and what is odd about it. */
export interface FoldedReport {
  readonly order: FoldableOrder;
  readonly newQty: Amount;
  readonly newNotional: Amount;
  readonly newFee: Amount;
  readonly flags: readonly ReportFlag[];
}

const unchanged = (order: FoldableOrder, flags: readonly ReportFlag[] = []): FoldedReport => ({
  order,
  newQty: "0",
  newNotional: "0",
  newFee: "0",
  flags,
});

const notionalOf = (progress: Progress) => decimal(progress.filledQty).times(decimal(progress.averagePrice ?? "0"));

const PRICE_TOLERANCE = decimal("0.000001");
const FEE_TOLERANCE = decimal("0.0001");

const isNear = (a: Amount, b: Amount, tolerance: Decimal): boolean => decimal(a).minus(decimal(b)).abs().lte(tolerance);

/** Tells whether cumulative figures cannot follow (or equal) the known ones; brokers' rounding is forgiven. */
const contradicts = (known: Progress, report: Progress): boolean => {
  const more = decimal(report.filledQty).minus(decimal(known.filledQty));
  if (more.lt(ZERO)) return false;
  if (decimal(report.filledQty).gt(ZERO) && report.averagePrice === null) return true;
  if (more.gt(ZERO)) return notionalOf(report).lte(notionalOf(known));
  const price = known.averagePrice ?? report.averagePrice ?? "0";
  const isSamePrice = isNear(price, report.averagePrice ?? price, decimal(price).times(PRICE_TOLERANCE));
  return !isSamePrice || !isNear(known.fee, report.fee, FEE_TOLERANCE);
};

const isClosed = (status: OrderStatus): boolean =>
  status === "filled" || status === "canceled" || status === "expired" || status === "rejected";

/** The status the report argues for, given everything that is known to be filled. */
const arguedStatus = (order: FoldableOrder, state: ReportState, filledQty: Amount): OrderStatus => {
  if (decimal(filledQty).gte(decimal(order.qty))) return "filled";
  const hasFill = decimal(filledQty).gt(ZERO);
  switch (state) {
    case "working":
    case "partially_filled":
    case "filled":
      return order.status === "cancel_pending" ? "cancel_pending" : hasFill ? "partially_filled" : "working";
    case "canceled":
    case "expired":
      return state;
    case "rejected":
      return hasFill ? "canceled" : "rejected";
    default:
      return state satisfies never;
  }
};

const flagsOf = (order: FoldableOrder, report: Snapshot, isBookable: boolean, next: OrderStatus): ReportFlag[] => {
  const flags = new Set<ReportFlag>();
  const reported = decimal(report.filledQty);
  const isNews = order.lastReportAt === null || report.observedAt > order.lastReportAt;
  const isAlive =
    (report.state === "working" || report.state === "partially_filled") && reported.gte(decimal(order.filledQty));
  if (reported.gt(decimal(order.qty))) flags.add("overfill");
  if (!isBookable) flags.add("contradictory_report");
  if (report.state === "filled" && reported.lt(decimal(order.qty))) flags.add("contradictory_report");
  if (report.state === "rejected" && reported.gt(ZERO)) flags.add("contradictory_report");
  if (isBookable && reported.gt(decimal(order.filledQty)) && isClosed(order.status)) flags.add("late_fill");
  if (mayBeAlive(order.status, order.reasonCode) && next !== order.status) flags.add("back_from_absent");
  else if (isClosed(order.status) && isAlive && isNews) flags.add("contradictory_report");
  return [...flags];
};

const foldSnapshot = (order: FoldableOrder, report: Snapshot): FoldedReport => {
  if (order.status === "new") return unchanged(order, ["contradictory_report"]);
  const isBookable = !contradicts(order, report);
  const isFurther = isBookable && decimal(report.filledQty).gt(decimal(order.filledQty));
  const progress: Progress = isFurther ? report : order;
  const argued = arguedStatus(order, report.state, progress.filledQty);
  const next = isLegalTransition(order.status, argued, order.reasonCode) ? argued : order.status;
  return {
    order: {
      ...order,
      status: next,
      filledQty: progress.filledQty,
      averagePrice: progress.averagePrice,
      fee: progress.fee,
      lastReportAt: Math.max(order.lastReportAt ?? report.observedAt, report.observedAt),
    },
    newQty: toAmount(greatest(ZERO, decimal(progress.filledQty).minus(decimal(order.filledQty)))),
    newNotional: toAmount(notionalOf(progress).minus(notionalOf(order))),
    newFee: toAmount(decimal(progress.fee).minus(decimal(order.fee))),
    flags: flagsOf(order, report, isBookable, next),
  };
};

/** A placement can be refused only while nothing was heard of it, also when a cancel was asked for meanwhile. */
const foldRefusal = (order: FoldableOrder, observedAt: Millis): FoldedReport => {
  const isUnheardOf = order.lastReportAt === null && decimal(order.filledQty).eq(ZERO);
  if (order.status === "submitted" || (order.status === "cancel_pending" && isUnheardOf)) {
    return unchanged({ ...order, status: "rejected", lastReportAt: observedAt });
  }
  return unchanged(order, order.status === "rejected" ? [] : ["contradictory_report"]);
};

/**
 * Folds one report into an order. Figures are cumulative and only ever grow, so that a duplicate or a late copy
 * changes nothing; what cannot be true is flagged, never swallowed; only a definite answer changes a status.
 */
export const foldReport = (order: FoldableOrder, report: OrderReport): FoldedReport => {
  switch (report.kind) {
    case "report":
      return foldSnapshot(order, report);
    case "refused":
      return foldRefusal(order, report.observedAt);
    case "cancel_refused": {
      if (order.status !== "cancel_pending") return unchanged(order);
      return unchanged({ ...order, status: decimal(order.filledQty).gt(ZERO) ? "partially_filled" : "working" });
    }
    case "cancel_requested":
    case "not_found":
    case "unavailable":
    case "throttled":
      return unchanged(order);
    default:
      return report satisfies never;
  }
};

const ABSENCE_ANSWERS = 3;
const ABSENCE_MILLIS = 30_000;

/** Tells whether definite "not found" answers prove that an order never reached the broker: at least 3 over at least 30 s. */
export const isProvenAbsent = (notFoundCount: number, notFoundSince: Millis, now: Millis): boolean =>
  notFoundCount >= ABSENCE_ANSWERS && now - notFoundSince >= ABSENCE_MILLIS;
