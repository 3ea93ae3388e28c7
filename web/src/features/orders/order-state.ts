import { ordersTheRest } from "../../../../shared/orders/cancel-reasons.ts";
import { isLive } from "../../../../shared/orders/status.ts";
import type { Order } from "./orders-query.ts";

/** True while the order may still trade, nobody knows whether it does, or its rest waits to be ordered again. */
export const isOpen = (order: Order): boolean => isLive(order.status) || order.unresolved || waits(order);

/** True when the order is closed and its rest waits for the next try, as an exit that the broker refused does. */
export const waits = (order: Order): boolean => order.retry_at !== null;

/** True when somebody has asked for the cancel already; the engine's own on its way to the rest is none. */
export const isCancelAsked = (order: Order): boolean =>
  order.status === "cancel_pending" && !ordersTheRest(order.cancel_reason_code);

/** True when a cancel would change something: the order is live and nobody has asked yet, or its next try can be called off. */
export const canBeCanceled = (order: Order): boolean => (isLive(order.status) && !isCancelAsked(order)) || waits(order);
