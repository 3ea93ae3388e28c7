/** Collects the values of a statement while its text is written. */
export class Parameters {
  readonly values: unknown[] = [];

  /** Adds a value and returns its placeholder. */
  place = (value: unknown): string => {
    this.values.push(value);
    return `$${this.values.length}`;
  };
}
