import type { PaperOrder } from "../../../shared/broker/paper/book.ts";
import type { Dice } from "./dice.ts";
import type { BooksOff } from "./exchange-books.ts";
import { type Answer, problem } from "./exchange-server.ts";

/** What can go wrong with a request to place an order. */
export const PLACE_FAULTS = {
  none: 60,
  lost_before: 5, // the connection drops and the exchange never saw it
  rejected_then_dropped: 3, // the exchange turns it down, and that answer is lost
  accepted_then_dropped: 9,
  accepted_then_500: 3,
  accepted_then_garbage: 3,
  accepted_then_invisible: 8, // accepted, no answer, and look-ups say "not found" for a while
  accepted_then_silence: 2, // accepted, and the client's own time-out ends the call
  refused: 4,
  throttled: 4,
  error_500: 4,
} as const;

/** What can go wrong with a look-up. */
export const GET_FAULTS = {
  none: 55,
  dropped: 4,
  silence: 1,
  throttled: 4,
  error_500: 4,
  garbage: 3,
  out_of_date: 5,
  not_visible: 2, // a replica that does not know the order yet, or again
  partly_filled_meanwhile: 8,
  dust_left: 9, // filled but for less than can be traded (a buy: filled by no more than that), and ended by the exchange
  vanished: 10, // an acknowledged sell that the exchange does not know any more, and never will
} as const;

/** What can go wrong with a cancel. */
export const CANCEL_FAULTS = {
  none: 44,
  lost_before: 6,
  done_then_dropped: 8,
  done_then_silence: 1,
  refused: 7,
  throttled: 4,
  error_500: 4,
  filled_during: 6,
  partly_filled_then_canceled: 7,
  filled_and_told_late: 8, // reports say "canceled", and some time later that it was filled
  partly_filled_and_told_late: 8,
} as const;

/** By what is asked of the exchange about an order. */
export const REQUEST_FAULTS = { place: PLACE_FAULTS, get: GET_FAULTS, cancel: CANCEL_FAULTS } as const;
export type Operation = keyof typeof REQUEST_FAULTS;

/** Anything that reads a book. */
export const BOOK_FAULTS = { none: 92, dropped: 4, error_500: 4 } as const;

/** What becomes of the books between the adapter and the database. */
export const BOOK_TRANSPORT_FAULTS = {
  none: 94,
  dated_ahead: 3, // as by a clock that is wrong
  half: 3, // holdings left out
} as const;

/** How often one observation of a price is a bad print, in the seeds that have any. */
export const BAD_PRINT_CHANCE = 0.06;
/** Which side of it is off, and by how many percent. */
export const BAD_PRINTS = {
  "both -55": 2,
  "both -15": 3,
  "both 15": 3,
  "both 30": 2,
  "both 120": 1,
  "bid -20": 2, // the other side stands: the spread is wide
  "ask 20": 2,
} as const;

/** How often the feed has nothing about a symbol for a minute. */
export const SILENT_SYMBOL_CHANCE = 0.015;

/** What an exchange may think better of, some time after an order has ended; `price` is by up to half a percent. */
export const SECOND_THOUGHTS = { none: 93, busted: 3, corrected_quantity: 2, corrected_price: 2 } as const;

/** Milliseconds until an exchange thinks better of a fill. */
export const secondThoughtMs = (dice: Dice, fill: string): number => dice.between(15_000, 240_000, "regret", fill);

/** How an order that is filled in full may end: one step of the grid short of it, as by rounding at the exchange. */
export const LAST_FILL_FAULTS = { none: 95, one_step_short: 5 } as const;

/** Faults in which the exchange never answers. */
export const SILENT = new Set<string>(["accepted_then_silence", "silence", "done_then_silence"]);

const OUTAGE_WINDOW_MS = 45_000;

/** True while nobody can reach the exchange. */
export const isOutage = (dice: Dice, at: number): boolean =>
  dice.roll("outage", Math.floor(at / OUTAGE_WINDOW_MS)) < 0.06;

const BOOKS_WINDOW_MS = 150_000;

/** What the exchange's books are off by for a while, as when somebody else trades on the account: usually nothing. */
export const booksOff = (dice: Dice, at: number, book: string): BooksOff => {
  const window = Math.floor(at / BOOKS_WINDOW_MS);
  if (dice.roll("books off?", window) >= 0.12) return null;
  const off = dice.pick({ less_cash: 1, less_held: 2, more_held: 1, none_held: 1 }, "books off", window);
  return book === (off === "less_cash" ? "balances" : "holdings") ? off : null;
};

/** The answer to a request that the exchange did not take. */
export const failure = (fault: "throttled" | "error_500"): Answer =>
  fault === "throttled" ? problem(429, "rate_limited", "slow down") : problem(503, "server_error", "try later");

/** Milliseconds for which the exchange's reports hide a fill of this order; most orders hide nothing. */
export const reportLagMs = (dice: Dice, order: string): number =>
  dice.roll("lag?", order) < 0.1 ? dice.between(5_000, 120_000, "lag", order) : 0;

/** How long an order accepted without an answer stays invisible: half of the time longer than proof of absence takes. */
export const invisibleMs = (dice: Dice, order: string): number =>
  dice.roll("long invisible?", order) < 0.5
    ? dice.between(45_000, 140_000, "invisible", order)
    : dice.between(2_000, 30_000, "invisible", order);

/** How long the fills that came with a cancel are told late. */
export const toldLateMs = (dice: Dice, order: string): number => dice.between(4_000, 150_000, "late", order);

/** Tells whether an order may still trade at the exchange. */
export const isOpen = ({ status }: Pick<PaperOrder, "status">): boolean => status === "pending" || status === "resting";

/** The state of an order at the exchange, in words of the table of faults. */
export function stateAtExchange(order: PaperOrder | undefined): string {
  if (!order) return "absent";
  if (order.status !== "resting") return order.status;
  if (order.cancelAt !== null) return "canceling";
  return order.filledQty === "0" ? "working" : "partly filled";
}

/** Only what rests can be filled at will, and only a sell without a fill can vanish as if it had never been. */
export function canHappen(fault: string, order: PaperOrder | undefined): boolean {
  if (fault === "vanished") return order?.status === "resting" && order.side === "sell" && order.fills.length === 0;
  return !(fault.includes("filled_") || fault === "dust_left") || order?.status === "resting";
}

/** Counts how often each fault met an order in each state. */
export class FaultCounts {
  readonly counts = new Map<string, number>();

  note(fault: string, state: string): void {
    if (fault === "none") return;
    const key = `${fault} | ${state}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}
