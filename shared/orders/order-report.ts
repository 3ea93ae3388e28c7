import type { ExecutionReport } from "../broker/port.ts";
import type { Millis } from "../market/instant.ts";
import type { Amount } from "../money/decimal.ts";
import type { Progress, Side } from "./order.ts";
import type { OrderStatus } from "./status.ts";

/**
 * What folding needs to know of an order; `lastReportAt` is when the newest folded report was observed, `openCorrectionAt` when a person
 * corrected it, until the broker confirms that.
 */
export interface FoldableOrder extends Progress {
  readonly status: OrderStatus;
  readonly side: Side;
  readonly qty: Amount;
  readonly qtyIncrement: Amount;
  readonly limitPrice: Amount;
  readonly reasonCode: string | null;
  readonly lastReportAt: Millis | null;
  readonly openCorrectionAt?: Millis | null;
}

/** A broker's figures of an order, as of a moment. */
export type Snapshot = Pick<ExecutionReport, "state" | "filledQty" | "averagePrice" | "fee" | "observedAt">;

/** Anything that is learned about an order at the broker. */
export type OrderReport =
  | ({ readonly kind: "report" } & Snapshot)
  | {
      readonly kind: "refused" | "cancel_refused" | "cancel_requested" | "not_found" | "unavailable" | "throttled";
      readonly observedAt: Millis;
    };

/** What a person must be told about a report; the database opens alerts of the same names. */
export type ReportFlag = "overfill" | "contradictory_report" | "odd_report" | "late_fill" | "back_from_absent";

/** An order after a report: quantity, notional and fee that came with it, and what is odd about it. */
export interface FoldedReport {
  readonly order: FoldableOrder;
  readonly newQty: Amount;
  readonly newNotional: Amount;
  readonly newFee: Amount;
  readonly flags: readonly ReportFlag[];
}
