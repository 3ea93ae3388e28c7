/** Returns a number in [0, 1) that depends on nothing but its arguments, so that any moment can be asked for in any order. */
export function unit(seed: number, stream: number, index: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) ^ index;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** Returns a smooth wave through random heights in (-1, 1), one height per period. */
export function wave(seed: number, stream: number, seconds: number, period: number): number {
  const x = seconds / period;
  const at = Math.floor(x);
  const part = x - at;
  const from = unit(seed, stream, at);
  const to = unit(seed, stream, at + 1);
  return 2 * (from + (to - from) * part * part * (3 - 2 * part)) - 1;
}
