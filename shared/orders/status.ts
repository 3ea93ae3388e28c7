/** Every status of an order; `crypto_orders.status` holds the same words. */
export const ORDER_STATUSES = [
  "new",
  "submitted",
  "working",
  "partially_filled",
  "filled",
  "cancel_pending",
  "canceled",
  "expired",
  "rejected",
] as const;

export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** The reason code of an order that was proven never to have reached the broker. */
export const NEVER_REACHED_BROKER = "never_reached_broker";

/** The reason code of an exit that the broker had acknowledged and was taken for gone, because it knew it no longer. */
export const VANISHED = "vanished";

/** Where an order may go from each status; SQL holds the twin and refuses the rest. */
export const TRANSITIONS: Record<OrderStatus, readonly OrderStatus[]> = {
  new: ["submitted", "canceled"],
  submitted: ["working", "partially_filled", "filled", "cancel_pending", "canceled", "expired", "rejected"],
  working: ["partially_filled", "filled", "cancel_pending", "canceled", "expired", "rejected"],
  partially_filled: ["partially_filled", "filled", "cancel_pending", "canceled", "expired"],
  cancel_pending: ["canceled", "filled", "expired", "rejected", "working", "partially_filled"],
  canceled: ["filled"],
  expired: ["filled"],
  rejected: ["filled", "working", "partially_filled"],
  filled: [],
};

/** Statuses in which the order may still trade at the broker, or soon will. */
export const LIVE_STATUSES: readonly OrderStatus[] = [
  "new",
  "submitted",
  "working",
  "partially_filled",
  "cancel_pending",
];

/** Tells whether the order may still trade. */
export const isLive = (status: OrderStatus): boolean => LIVE_STATUSES.includes(status);

/** Tells whether an order was closed only because the broker did not find it: a report that it works brings it back. */
export const mayBeAlive = (status: OrderStatus, reasonCode: string | null): boolean =>
  status === "rejected" && (reasonCode === NEVER_REACHED_BROKER || reasonCode === VANISHED);

/** Tells whether a transition is legal; a rejected order comes back to life only if it was closed for not being found. */
export const isLegalTransition = (from: OrderStatus, to: OrderStatus, reasonCode: string | null = null): boolean =>
  TRANSITIONS[from].includes(to) && (from !== "rejected" || to === "filled" || mayBeAlive(from, reasonCode));
