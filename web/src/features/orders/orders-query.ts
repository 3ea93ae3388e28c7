import { queryOptions } from "@tanstack/react-query";
import type { Side } from "../../../../shared/orders/order.ts";
import type { OrderStatus } from "../../../../shared/orders/status.ts";
import type { Amount } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";

/** One order as the dashboard shows it. */
export interface Order {
  readonly id: string;
  readonly intent_group_id: string;
  readonly engine: string;
  readonly symbol: string;
  readonly side: Side;
  readonly purpose: string;
  readonly urgency: string;
  readonly status: OrderStatus;
  readonly unresolved: boolean;
  readonly qty: Amount;
  readonly filled_qty: Amount;
  readonly remaining_qty: Amount;
  readonly limit_price: Amount;
  readonly average_price: Amount | null;
  readonly notional: Amount | null;
  readonly replace_count: number;
  readonly cancel_reason_code: string | null;
  readonly requested_at: string;
  readonly closed_at: string | null;
  readonly next_action_at: string | null;
  /** When the rest is ordered again, at the soonest: the order is closed, its intent is not. */
  readonly retry_at: string | null;
  readonly last_error: string | null;
  /** Its fate is unknown, or nothing usable is told of it: an operator may say how it ended. */
  readonly can_be_settled: boolean;
  readonly strategy: string | null;
  readonly reason: string | null;
}

/** Reads the open orders and the last closed ones. */
export const ordersQuery = (mode: Mode) =>
  queryOptions({ queryKey: ["orders", mode], queryFn: () => callRpc<Order[]>("dashboard_orders", { p_mode: mode }) });

/** One line of an order's story. */
export interface OrderEvent {
  readonly id: string;
  readonly event_type: string;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly price: Amount | null;
  readonly qty: Amount | null;
  readonly filled_qty: Amount | null;
  readonly reason: string | null;
  readonly actor: string;
  readonly trace_id: string | null;
  readonly ts: string;
}

/** What is booked of one execution at the broker, corrections included. */
export interface Execution {
  readonly fill_id: string;
  readonly qty: Amount;
  readonly price: Amount;
  readonly fee: Amount;
  /** How often something was learned of it; more than one: it was corrected. */
  readonly revisions: number;
  readonly executed_at: string;
}

/** An intent with its chain of orders, their events and executions. */
export interface Timeline {
  readonly intent: {
    readonly engine: string;
    readonly purpose: string;
    readonly side: string;
    readonly symbol: string;
    readonly status: string;
    readonly strategy: string | null;
    readonly reason: string | null;
    readonly target_notional: Amount | null;
    readonly target_qty: Amount | null;
    readonly created_at: string;
  };
  readonly orders: readonly (Order & {
    readonly events: readonly OrderEvent[];
    readonly executions: readonly Execution[];
  })[];
}

/** Reads the whole story of an intent. */
export const timelineQuery = (intentGroupId: string) =>
  queryOptions({
    queryKey: ["timeline", intentGroupId],
    queryFn: () => callRpc<Timeline | null>("order_timeline", { intent_group_id: intentGroupId }),
  });
