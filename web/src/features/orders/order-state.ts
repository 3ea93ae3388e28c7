import type { Order, OrderStatus } from "./orders-query.ts";

const LIVE: ReadonlySet<OrderStatus> = new Set(["new", "submitted", "working", "partially_filled", "cancel_pending"]);

/** True while the order may still trade, nobody knows whether it does, or its rest waits to be ordered again. */
export const isOpen = (order: Order): boolean => LIVE.has(order.status) || order.unresolved || waits(order);

/** True when the order is closed and its rest waits for the next try, as an exit that the broker refused does. */
export const waits = (order: Order): boolean => order.retry_at !== null;

/** Cancels after which the engine orders the rest; a person's cancel wins over them. Twin of private.orders_the_rest. */
const ORDERS_THE_REST: ReadonlySet<string | null> = new Set(["reprice", "late_fill", "back_from_absent"]);

/** True when somebody has asked for the cancel already; the engine's own on its way to the rest is none. */
export const isCancelAsked = (order: Order): boolean =>
  order.status === "cancel_pending" && !ORDERS_THE_REST.has(order.cancel_reason_code);

/** True when a cancel would change something: the order is live and nobody has asked yet, or its next try can be called off. */
export const canBeCanceled = (order: Order): boolean =>
  (LIVE.has(order.status) && !isCancelAsked(order)) || waits(order);
