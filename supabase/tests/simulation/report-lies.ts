import type { ReportedFill } from "../../../shared/broker/port.ts";
import { decimal, toAmount } from "../../../shared/money/decimal.ts";
import type { Dice } from "./dice.ts";
import { figuresOf, type ShownReport } from "./report-json.ts";

/** What is wrong with the reports of an order, each as often as its weight says. Most of it passes. */
export const REPORT_LIES = {
  none: 78,
  average_in_cents: 3, // for good; harmless
  list_behind: 2, // the list of fills lacks the last one
  totals_behind: 2, // the cumulative figures lack it
  worse_than_limit: 2,
  fewer_again: 2, // every other report knows one fill less than the one before
  fee_shrinks: 1.5, // every other report tells half the fee
  fee_late: 2,
  fee_absurd: 1.5,
  no_quantity: 1, // once it has ended
  another_symbol: 1, // for good: nothing that is ever said of it can be used
  fill_in_1970: 1, // for good
  fill_days_ahead: 1, // for good
  observed_ahead: 2,
} as const;
export type ReportLie = keyof typeof REPORT_LIES;

/** These never end by themselves. */
const FOR_GOOD: readonly ReportLie[] = [
  "average_in_cents",
  "fill_in_1970",
  "fill_days_ahead",
  "no_quantity",
  "another_symbol",
];
/** These come and go from one report to the next. */
const NOW_AND_THEN: readonly ReportLie[] = ["fewer_again", "fee_shrinks", "observed_ahead"];

/** These need nothing to have been filled. */
const WITHOUT_FILLS: readonly ReportLie[] = ["observed_ahead", "no_quantity", "another_symbol"];

/** A coin dearer than this loses nothing that counts when its price is told in whole cents. */
const LEAST_PRICE_IN_CENTS = "20";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Lies that are told even when all else is well again. */
export const LASTING: readonly ReportLie[] = ["average_in_cents", "fill_in_1970", "fill_days_ahead", "another_symbol"];

/** Which lie the n-th report of an order tells at a moment; `since` is the time of its first fill. */
export function lieOf(dice: Dice, order: string, nth: number, now: number, since: number | null): ReportLie {
  const lie = dice.pick(REPORT_LIES, "lie", order);
  if (since === null && !WITHOUT_FILLS.includes(lie)) return "none";
  if (FOR_GOOD.includes(lie)) return lie;
  const isOver = now > (since ?? now) + dice.between(20_000, 150_000, "lie ends", order);
  const isPausing = NOW_AND_THEN.includes(lie) && dice.roll("pauses", order, nth) < 0.5;
  return isOver || isPausing ? "none" : lie;
}

const withPrices = (report: ShownReport, price: (price: string) => string): ShownReport => {
  const fills = report.fills.map((fill) => ({ ...fill, price: price(fill.price) }));
  return { ...report, ...figuresOf(fills), fills };
};

const withTimes = (report: ShownReport, time: (fill: ReportedFill) => number): ShownReport => ({
  ...report,
  fills: report.fills.map((fill) => ({ ...fill, executedAt: time(fill) })),
});

/** Returns a report as the lie has it; one that needs a fill, or a certain kind of order, may leave it as it is. */
export function bend(report: ShownReport, lie: ReportLie): ShownReport {
  const { fills, order } = report;
  switch (lie) {
    case "none":
    case "no_quantity":
    case "another_symbol":
      return report;
    case "average_in_cents":
      return report.averagePrice === null || decimal(report.averagePrice).lt(decimal(LEAST_PRICE_IN_CENTS))
        ? report
        : { ...report, averagePrice: toAmount(decimal(report.averagePrice).round(2)) };
    case "list_behind":
      return { ...report, fills: fills.slice(0, -1) };
    case "totals_behind":
      return { ...report, ...figuresOf(fills.slice(0, -1)) };
    case "worse_than_limit": {
      const factor = decimal(order.side === "buy" ? "1.04" : "0.96");
      return withPrices(report, (price) => toAmount(decimal(price).times(factor)));
    }
    case "fewer_again": {
      const fewer = { ...report, ...figuresOf(fills.slice(0, -1)), fills: fills.slice(0, -1) };
      if (fills.length === 0 || report.state === "canceled") return fewer;
      return { ...fewer, state: fills.length === 1 ? "working" : "partially_filled" };
    }
    case "fee_shrinks":
      return { ...report, fee: toAmount(decimal(report.fee).times(decimal("0.5"))) };
    case "fee_late":
      return { ...report, fee: "0", fills: fills.map((fill) => ({ ...fill, fee: "0" })) };
    case "fee_absurd":
      return { ...report, fee: toAmount(decimal(report.fee).times(decimal("60"))) };
    case "fill_in_1970":
      return withTimes(report, () => 0);
    case "fill_days_ahead":
      return withTimes(report, ({ executedAt }) => executedAt + 3 * DAY_MS);
    case "observed_ahead":
      return { ...report, observedAt: report.observedAt + 6 * HOUR_MS };
    default:
      return lie satisfies never;
  }
}
