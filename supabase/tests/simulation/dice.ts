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
    return hash53(`${this.#seed}:${question.join(":")}`) / 2 ** 53;
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

/** A hash of a text to 53 bits (cyrb53): thousands of questions a seed make a cryptographic one too dear. */
function hash53(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
