/** Rows in the order of their times, found by the moment. */
export class TimeSeries<T> {
  readonly rows: readonly T[];
  readonly #timeOf: (row: T) => number;

  constructor(rows: readonly T[], timeOf: (row: T) => number) {
    this.rows = rows;
    this.#timeOf = timeOf;
  }

  /** Returns how many rows are not later than `ms`. */
  countUntil(ms: number): number {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = this.rows[middle];
      if (row !== undefined && this.#timeOf(row) <= ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Returns the last row that is not later than `ms`. */
  lastUntil(ms: number): T | undefined {
    return this.rows[this.countUntil(ms) - 1];
  }

  /** Returns the rows with startMs <= time <= endMs. */
  between(startMs: number, endMs: number): readonly T[] {
    return this.rows.slice(this.countUntil(startMs - 1), this.countUntil(endMs));
  }
}
