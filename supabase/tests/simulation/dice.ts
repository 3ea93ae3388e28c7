import { createHash } from "node:crypto";

/**
 * Chance that depends on nothing but a seed and the name of the question, so that the order in which parallel
 * requests arrive changes no answer.
 */
export class Dice {
  readonly #seed: number;
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Returns a number in [0, 1). */
  roll(...question: readonly (string | number)[]): number {
    const hash = createHash("sha1")
      .update(`${this.#seed}:${question.join(":")}`)
      .digest();
    return hash.readUIntBE(0, 6) / 2 ** 48;
  }

  /** Returns a number in [least, most). */
  between(least: number, most: number, ...question: readonly (string | number)[]): number {
    return least + (most - least) * this.roll(...question);
  }

  /** Returns a whole number in [least, most]. */
  whole(least: number, most: number, ...question: readonly (string | number)[]): number {
    return Math.floor(this.between(least, most + 1, ...question));
  }

  /** Returns one of the names, each as often as its weight says. */
  pick<Name extends string>(weights: Readonly<Record<Name, number>>, ...question: readonly (string | number)[]): Name {
    const entries = Object.entries(weights) as [Name, number][];
    let left = this.roll(...question) * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    throw new Error("the weights of a pick must not all be zero");
  }
}
