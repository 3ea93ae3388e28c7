import type { Millis } from "../../../../shared/market/instant.ts";
import type { Amount } from "../../../../shared/money/decimal.ts";
import type { Mode, Purpose, Side, Urgency } from "../../../../shared/orders/order.ts";
import { ORDER_STATUSES, type OrderStatus } from "../../../../shared/orders/status.ts";
import * as read from "./read.ts";

/** What to do at the broker: place it, ask how it stands, or ask for its cancel and then how it stands. */
export type OrderAction = "send" | "query" | "cancel";

/** An order that this run holds a lease on; reports about it carry the lease's token. */
export interface ClaimedOrder {
  readonly id: string;
  readonly mode: Mode;
  readonly symbol: string;
  readonly side: Side;
  readonly purpose: Purpose;
  readonly urgency: Urgency;
  readonly status: OrderStatus;
  readonly qty: Amount;
  readonly filledQty: Amount;
  readonly averagePrice: Amount | null;
  readonly fee: Amount;
  readonly limitPrice: Amount;
  readonly replaceCount: number;
  readonly nextActionAt: Millis | null;
  readonly cancelReasonCode: string | null;
  readonly leaseToken: number;
  readonly leaseExpiresAt: Millis;
  readonly action: OrderAction;
}

export const MODES: readonly Mode[] = ["paper", "live"];
const SIDES: readonly Side[] = ["buy", "sell"];
const PURPOSES: readonly Purpose[] = ["entry", "exit", "flatten"];
const URGENCIES: readonly Urgency[] = ["passive", "stop_loss"];
const ACTIONS: readonly OrderAction[] = ["send", "query", "cancel"];
const STATUSES: readonly OrderStatus[] = ORDER_STATUSES;

const positive = (body: unknown, field: string) => read.amount(body, field, read.POSITIVE);

/** Reads a claimed order, or throws Malformed. */
export const readClaimedOrder = (row: unknown): ClaimedOrder => ({
  id: read.text(row, "id"),
  mode: read.oneOf(row, "mode", MODES),
  symbol: read.text(row, "symbol"),
  side: read.oneOf(row, "side", SIDES),
  purpose: read.oneOf(row, "purpose", PURPOSES),
  urgency: read.oneOf(row, "urgency", URGENCIES),
  status: read.oneOf(row, "status", STATUSES),
  qty: positive(row, "qty"),
  filledQty: read.amount(row, "filled_qty", read.NOT_NEGATIVE),
  averagePrice: read.nullable(row, "average_price", positive),
  fee: read.amount(row, "fee"),
  limitPrice: positive(row, "limit_price"),
  replaceCount: read.integer(row, "replace_count"),
  nextActionAt: read.nullable(row, "next_action_at", read.instant),
  cancelReasonCode: read.textOf(row, "cancel_reason_code"),
  leaseToken: read.integer(row, "lease_token"),
  leaseExpiresAt: read.instant(row, "lease_expires_at"),
  action: read.oneOf(row, "action", ACTIONS),
});
