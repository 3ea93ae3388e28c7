/** Prints a table: each kind of fault, and in which states of the order (or at which call) it struck how often. */
export function printFaults(faults: ReadonlyMap<string, number>): void {
  const byKind = new Map<string, [state: string, times: number][]>();
  for (const [key, times] of [...faults].sort(([a], [b]) => a.localeCompare(b))) {
    const [kind = "", state = ""] = key.split(" | ");
    byKind.set(kind, [...(byKind.get(kind) ?? []), [state, times]]);
  }
  console.log("\nfaults that occurred, by the order's state or the call they hit:");
  for (const [kind, states] of byKind) {
    const total = states.reduce((sum, [, times]) => sum + times, 0);
    const parts = states.sort((a, b) => b[1] - a[1]).map(([state, times]) => `${state} ${times}`);
    console.log(`  ${kind.padEnd(36)} ${String(total).padStart(7)}   ${parts.join(", ")}`);
  }
}
