import { type Decimal, decimal, greatest, ZERO } from "../money/decimal.ts";
import type { Progress } from "./order.ts";
import type { FoldableOrder, Snapshot } from "./order-report.ts";
import {
  type Contradiction,
  feeSlack,
  isBeyond,
  isBeyondLimit,
  isFeeOutOfProportion,
  priceSlack,
  restPrice,
} from "./report-figures.ts";

/** What is booked of an order, and the kinds of contradiction found on the way. */
export interface Booked {
  readonly qty: Decimal;
  readonly notional: Decimal;
  readonly fee: Decimal;
  readonly found: readonly Contradiction[];
}

/** Returns what was booked of an order before. */
export const bookedOf = ({ filledQty, averagePrice, fee }: Progress): Booked => ({
  qty: decimal(filledQty),
  notional: decimal(filledQty).times(decimal(averagePrice ?? "0")),
  fee: decimal(fee),
  found: [],
});

/** Books what the cumulative quantity adds; a cumulative fee below what was booked before gives nothing back. */
const bookMore = (known: Booked, order: FoldableOrder, report: Snapshot): Booked => {
  const total = decimal(report.filledQty);
  const more = total.minus(known.qty);
  if (more.lte(ZERO)) return known;
  const average = report.averagePrice === null ? null : decimal(report.averagePrice);
  const price = average && restPrice(average, total, known.notional, more);
  if (average === null || price === null) return { ...known, found: [...known.found, "figures_impossible"] };
  const moreFee = decimal(report.fee).minus(known.fee);
  const slack = priceSlack(average).times(total).div(more);
  const closest = order.side === "buy" ? price.minus(slack) : price.plus(slack);
  return {
    qty: total,
    notional: known.notional.plus(more.times(price)),
    fee: known.fee.plus(known.qty.gt(ZERO) ? greatest(ZERO, moreFee) : moreFee),
    found: isBeyondLimit(order.side, decimal(order.limitPrice), closest)
      ? [...known.found, "worse_than_limit"]
      : known.found,
  };
};

/** Compares the cumulative fee with what is booked of the same quantity: more was told late, less is never given back. */
const settleFee = (booked: Booked, report: Snapshot, isOld: boolean): Booked => {
  const told = decimal(report.fee);
  const more = told.minus(booked.fee);
  const slack = feeSlack(told);
  if (more.gt(slack)) return { ...booked, fee: told };
  return more.lt(ZERO) && more.abs().gt(slack) && !isOld
    ? { ...booked, found: [...booked.found, "fee_shrank"] }
    : booked;
};

const foundInTotals = (booked: Booked, wasFee: Decimal, report: Snapshot, isOld: boolean): Contradiction[] => {
  const reported = decimal(report.filledQty);
  const isSameQty = !isBeyond(booked.qty, reported) && !isBeyond(reported, booked.qty);
  const found: Contradiction[] = [];
  if (!isOld && isBeyond(booked.qty, reported)) found.push("quantity_shrank");
  if (!isOld && isSameQty && reported.gt(ZERO) && report.averagePrice !== null) {
    const average = decimal(report.averagePrice);
    const off = average.times(booked.qty).minus(booked.notional).abs();
    if (off.gt(priceSlack(average).times(booked.qty))) found.push("average_contradicts");
  }
  if (booked.fee.gt(wasFee) && isFeeOutOfProportion(booked.fee, booked.notional)) found.push("fee_out_of_proportion");
  if (booked.fee.lt(wasFee) && booked.fee.lt(ZERO)) found.push("fee_negative");
  return found;
};

/** Books what a report adds to an order, and says what in its figures contradicts what is known. */
export const bookReport = (order: FoldableOrder, report: Snapshot): Booked => {
  const isOld = order.lastReportAt !== null && report.observedAt < order.lastReportAt;
  const known = bookedOf(order);
  const more = bookMore(known, order, report);
  const reported = decimal(report.filledQty);
  const isComparable = more.qty.gt(ZERO) && !isBeyond(more.qty, reported) && !isBeyond(reported, more.qty);
  const booked = isComparable ? settleFee(more, report, isOld) : more;
  return { ...booked, found: [...booked.found, ...foundInTotals(booked, known.fee, report, isOld)] };
};
