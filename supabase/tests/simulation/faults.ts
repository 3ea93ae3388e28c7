import type { Dice } from "./dice.ts";

/** What can go wrong with a request to place an order. */
export const PLACE_FAULTS = {
  none: 66,
  lost_before: 6, // the connection drops and the exchange never saw it ("reject then time out")
  accepted_then_dropped: 10,
  accepted_then_500: 3,
  accepted_then_garbage: 3,
  accepted_then_invisible: 4, // accepted, no answer, and look-ups say "not found" for a while
  hung: 0.3,
  refused: 3,
  throttled: 3,
  error_500: 3,
} as const;

/** What can go wrong with a look-up. */
export const GET_FAULTS = { none: 84, dropped: 4, throttled: 3, error_500: 3, garbage: 2, out_of_date: 4 } as const;

/** What can go wrong with a cancel. */
export const CANCEL_FAULTS = {
  none: 58,
  lost_before: 6,
  done_then_dropped: 8,
  refused: 6,
  throttled: 3,
  error_500: 3,
  filled_during: 9,
  partly_filled_then_canceled: 7,
} as const;

/** Anything that reads a book. */
export const BOOK_FAULTS = { none: 94, dropped: 3, error_500: 3 } as const;

export type PlaceFault = keyof typeof PLACE_FAULTS;
export type GetFault = keyof typeof GET_FAULTS;
export type CancelFault = keyof typeof CANCEL_FAULTS;
export type BookFault = keyof typeof BOOK_FAULTS;

const OUTAGE_WINDOW_MS = 45_000;

/** True while nobody can reach the exchange. */
export const isOutage = (dice: Dice, at: number): boolean =>
  dice.roll("outage", Math.floor(at / OUTAGE_WINDOW_MS)) < 0.05;

/** Milliseconds for which the exchange's reports hide a fill of this order; most orders hide nothing. */
export const reportLagMs = (dice: Dice, order: string): number =>
  dice.roll("lag?", order) < 0.08 ? dice.between(5_000, 150_000, "lag", order) : 0;

/** Counts how often each fault met an order in each state. */
export class FaultCounts {
  readonly counts = new Map<string, number>();

  note(fault: string, state: string): void {
    if (fault === "none") return;
    const key = `${fault} | ${state}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}
