import type { ReportState } from "../broker/port.ts";
import type { Millis } from "../market/instant.ts";
import { type Amount, decimal, roundHalfUp, toAmount, ZERO } from "../money/decimal.ts";
import { type Booked, bookedOf, bookReport } from "./book-report.ts";
import type { FoldableOrder, FoldedReport, OrderReport, ReportFlag, Snapshot } from "./order-report.ts";
import { isBeyond, isWhole, TREATMENTS } from "./report-figures.ts";
import { isLegalTransition, mayBeAlive, type OrderStatus, REOPENINGS } from "./status.ts";

const AVERAGE_PLACES = 12;

const unchanged = (order: FoldableOrder, flags: readonly ReportFlag[] = []): FoldedReport => ({
  order,
  newQty: "0",
  newNotional: "0",
  newFee: "0",
  flags,
});

const isClosed = (status: OrderStatus): boolean =>
  status === "filled" || status === "canceled" || status === "expired" || status === "rejected";

/** The status the report argues for, given everything that is known to be filled. */
const arguedStatus = (order: FoldableOrder, state: ReportState, filledQty: Amount): OrderStatus => {
  if (decimal(filledQty).gte(decimal(order.qty))) return "filled";
  if (state === "filled" && isWhole(order.qty, filledQty, order.qtyIncrement)) return "filled";
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

const contradictsState = (order: FoldableOrder, { state, observedAt }: Snapshot, booked: Booked, next: OrderStatus) => {
  const isNews = order.lastReportAt === null || observedAt > order.lastReportAt;
  const isAlive = state === "working" || state === "partially_filled";
  return (
    isNews &&
    ((state === "filled" && next !== "filled") ||
      (state === "rejected" && booked.qty.gt(ZERO)) ||
      (isAlive && isClosed(order.status) && next === order.status))
  );
};

const flagsOf = (order: FoldableOrder, report: Snapshot, booked: Booked, next: OrderStatus): ReportFlag[] => {
  const flags: ReportFlag[] = [];
  const isMore = booked.qty.gt(decimal(order.filledQty));
  const isHeld = booked.found.some((kind) => TREATMENTS[kind] === "hold");
  if (isHeld || contradictsState(order, report, booked, next)) flags.push("contradictory_report");
  if (booked.found.some((kind) => TREATMENTS[kind] === "tell")) flags.push("odd_report");
  const isLate = isClosed(order.status) && (order.status !== "filled" || booked.qty.gt(decimal(order.qty)));
  if (isMore && isLate) flags.push("late_fill");
  if (isMore && isBeyond(booked.qty, decimal(order.qty))) flags.push("overfill");
  if (mayBeAlive(order.status, order.reasonCode) && next !== order.status) flags.push("back_from_absent");
  return flags;
};

/** The status of a corrected order that is open at the broker after all; null when the report does not say so. */
const reopenedStatus = (order: FoldableOrder, report: Snapshot, filledQty: Amount): OrderStatus | null => {
  const isNewer = order.openCorrectionAt != null && report.observedAt > order.openCorrectionAt;
  const isOpen = report.state === "working" || report.state === "partially_filled";
  if (!isNewer || !isOpen || decimal(filledQty).gte(decimal(order.qty))) return null;
  const next = decimal(filledQty).gt(ZERO) ? "partially_filled" : "working";
  return REOPENINGS[order.status]?.includes(next) ? next : null;
};

/** When an order was corrected, as long as the broker has not confirmed it: by a newer report that makes sense. */
const openCorrectionAfter = (order: FoldableOrder, report: Snapshot, isBookable: boolean, next: OrderStatus) => {
  const isOpen = report.state === "working" || report.state === "partially_filled";
  const isConfirmed = isBookable && report.observedAt > (order.openCorrectionAt ?? 0) && !(isOpen && isClosed(next));
  return isConfirmed ? null : (order.openCorrectionAt ?? null);
};

const foldSnapshot = (order: FoldableOrder, report: Snapshot): FoldedReport => {
  if (order.status === "new") return unchanged(order, ["contradictory_report"]);
  const known = bookedOf(order);
  const booked = bookReport(order, report);
  const filledQty = toAmount(booked.qty);
  const argued = arguedStatus(order, report.state, filledQty);
  const legal = isLegalTransition(order.status, argued, order.reasonCode) ? argued : order.status;
  const next = reopenedStatus(order, report, filledQty) ?? legal;
  const isBookable = booked.found.every((kind) => TREATMENTS[kind] !== "hold");
  const average = booked.qty.gt(known.qty)
    ? toAmount(roundHalfUp(booked.notional.div(booked.qty), AVERAGE_PLACES))
    : order.averagePrice;
  return {
    order: {
      ...order,
      status: next,
      filledQty,
      averagePrice: average,
      fee: toAmount(booked.fee),
      lastReportAt: Math.max(order.lastReportAt ?? report.observedAt, report.observedAt),
      openCorrectionAt: openCorrectionAfter(order, report, isBookable, next),
    },
    newQty: toAmount(booked.qty.minus(known.qty)),
    newNotional: toAmount(booked.notional.minus(known.notional)),
    newFee: toAmount(booked.fee.minus(known.fee)),
    flags: flagsOf(order, report, booked, next),
  };
};

/** A placement can be refused only while nothing was heard of it, also when a cancel was asked for meanwhile. */
const foldRefusal = (order: FoldableOrder, observedAt: Millis): FoldedReport => {
  const isUnheardOf = order.lastReportAt === null && decimal(order.filledQty).eq(ZERO);
  if (order.status === "submitted" || (order.status === "cancel_pending" && isUnheardOf)) {
    return unchanged({ ...order, status: "rejected", lastReportAt: observedAt });
  }
  const isNews = order.lastReportAt === null || observedAt > order.lastReportAt;
  if (order.status === "rejected" || !isNews) return unchanged(order);
  return unchanged({ ...order, lastReportAt: observedAt }, ["contradictory_report"]);
};

/**
 * Folds one report into an order. Figures are cumulative and only ever grow, so that a duplicate or a late copy
 * changes nothing; what cannot be true is flagged, never swallowed; only a definite answer changes a status. A report's
 * list of fills, and fees in coins, are the database's alone.
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
