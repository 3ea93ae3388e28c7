/** Cancels of the engine's own, after which it may order the rest; whoever wants the order gone has another reason and wins. */
export const ENGINES_OWN_CANCELS = ["reprice", "late_fill", "back_from_absent", "vanished"] as const;

/** Tells whether a cancel of this reason is the engine's own way to the rest. Twin of private.orders_the_rest. */
export const ordersTheRest = (reasonCode: string | null): boolean =>
  ENGINES_OWN_CANCELS.some((own) => own === reasonCode);
