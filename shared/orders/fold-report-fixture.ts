import { decimal, toAmount } from "../money/decimal.ts";
import type { FoldableOrder, OrderReport } from "./order-report.ts";
import type { OrderStatus } from "./status.ts";

/** An order to buy 1 at 500 at most. */
export const order = (status: OrderStatus, change: Partial<FoldableOrder> = {}): FoldableOrder => ({
  status,
  side: "buy",
  qty: "1",
  qtyIncrement: "0.00000001",
  limitPrice: "500",
  filledQty: "0",
  averagePrice: null,
  fee: "0",
  reasonCode: null,
  lastReportAt: null,
  ...change,
});

/** A report that tells an order's figures. */
export type OrderSnapshot = Extract<OrderReport, { kind: "report" }>;

/** A report of an order that trades at 100. */
export const report = (
  state: OrderSnapshot["state"],
  filledQty: string,
  observedAt = 10,
  change: Partial<OrderSnapshot> = {},
): OrderSnapshot => ({
  kind: "report",
  state,
  filledQty,
  averagePrice: filledQty === "0" ? null : "100",
  fee: toAmount(decimal(filledQty).times(decimal("0.95"))),
  observedAt,
  ...change,
});
