const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, right] of [...b].entries()) {
      const change = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
};

/** Returns up to `count` names that a misspelt name may have meant, the nearest first; letter case is ignored. */
export const nearestNames = (name: string, names: readonly string[], count = 3): string[] =>
  names
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance || a.candidate.localeCompare(b.candidate, "en"))
    .slice(0, count)
    .map(({ candidate }) => candidate);

const MOST_EDITS = 2;
const bare = (name: string): string => name.toLowerCase().replace(/^zoe_|[^a-z0-9]/g, "");

/** Returns the name that another one almost is (two edits at most; case, separators and our prefix are ignored), or null. */
export const almost = (name: string, names: readonly string[]): string | null => {
  const [nearest] = nearestNames(bare(name), names.map(bare), 1);
  if (nearest === undefined || editDistance(bare(name), nearest) > MOST_EDITS) return null;
  return names.find((known) => bare(known) === nearest) ?? null;
};
