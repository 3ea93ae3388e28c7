import type { Store } from "../../functions/_shared/store.ts";
import type { Json } from "../../functions/_shared/wire/write.ts";
import type { Dice } from "./dice.ts";
import { BOOK_TRANSPORT_FAULTS } from "./faults.ts";

interface Options {
  readonly dice: Dice;
  readonly now: () => number;
  readonly note: (fault: string, state: string) => void;
  readonly trace: (line: string) => void;
  readonly isOn: () => boolean;
}

const HOUR_MS = 3_600_000;

/** What becomes of the broker's books on their way into the database: dated ahead, as by a wrong clock, or only half of them. */
export class BookTransport {
  /** When the books that nobody may believe say that they were read. */
  readonly spoilt: string[] = [];
  readonly #options: Options;
  #told = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Returns the store of a tick, with books that may be spoilt. */
  over(store: Store): Store {
    return {
      ...store,
      finishTick: (runId, token, payload) => store.finishTick(runId, token, this.#spoil(payload)),
    };
  }

  #spoil(payload: Json): Json {
    const { broker_books: books } = payload;
    return Array.isArray(books)
      ? { ...payload, broker_books: books.map((book: Json) => this.#spoilBook(book)) }
      : payload;
  }

  #spoilBook(book: Json): Json {
    const { dice, now, note, trace, isOn } = this.#options;
    this.#told += 1;
    const fault = isOn() ? dice.pick(BOOK_TRANSPORT_FAULTS, "books", this.#told) : "none";
    if (fault === "none") return book;
    note(`books ${fault}`, "reconciliation");
    trace(`    the broker's books arrive ⚡ ${fault}`);
    const { holdings, ...rest } = book;
    // A millisecond tells them from good ones of the same moment.
    const observedAt = new Date(fault === "half" ? now() - 1 : now() + 6 * HOUR_MS).toISOString();
    this.spoilt.push(observedAt);
    return fault === "half" ? { ...rest, observed_at: observedAt } : { ...rest, holdings, observed_at: observedAt };
  }
}
