/** What has been learned about orders that the exchange does not have. */
export class Absence {
  readonly #notFoundAt = new Map<string, number[]>();
  readonly #seenByAPerson = new Set<string>();

  /** Notes that a look-up was answered "not found". */
  noteNotFound(clientOrderId: string, at: number): void {
    this.#notFoundAt.set(clientOrderId, [...(this.#notFoundAt.get(clientOrderId) ?? []), at]);
  }

  /** Notes that somebody has looked in the exchange's own record, and that there is no such order, or one that came to nothing. */
  noteSeen(clientOrderId: string): void {
    this.#seenByAPerson.add(clientOrderId);
  }

  /** Tells whether an order is proven absent: by a person, or by three definite answers over thirty seconds. */
  isProven(clientOrderId: string): boolean {
    const times = this.#notFoundAt.get(clientOrderId) ?? [];
    const isProvenByAnswers = times.length >= 3 && (times.at(-1) ?? 0) - (times[0] ?? 0) >= 30_000;
    return isProvenByAnswers || this.#seenByAPerson.has(clientOrderId);
  }

  /** The ids of all orders that have been proven absent. */
  proven(): string[] {
    const looked = new Set([...this.#seenByAPerson, ...this.#notFoundAt.keys()]);
    return [...looked].filter((id) => this.isProven(id));
  }
}
