import { Worker } from "node:worker_threads";
import type { ClusterAddress } from "../support/test-cluster.ts";
import type { SeedResult } from "./simulate-seed.ts";

/** Which seeds to run, how many at once, and whether to stop at the first that violates something. */
export interface SeedRange {
  readonly first: number;
  readonly count: number;
  readonly workers: number;
  readonly stopAtFirst: boolean;
}

const WORKER = new URL("./worker-entry.mjs", import.meta.url);

/** Runs the seeds and prints what happened. Returns true when an invariant was violated. */
export async function runSeeds(address: ClusterAddress, range: SeedRange): Promise<boolean> {
  const started = performance.now();
  const faults = new Map<string, number>();
  const totals = new Map<string, number>();
  let next = range.first;
  let done = 0;
  let violatedSeeds = 0;
  const end = range.first + range.count;
  const onResult = (result: SeedResult) => {
    done += 1;
    for (const [fault, times] of result.faults) faults.set(fault, (faults.get(fault) ?? 0) + times);
    for (const [name, times] of Object.entries(result.counts)) totals.set(name, (totals.get(name) ?? 0) + times);
    if (result.violations.length > 0) violatedSeeds += 1;
    for (const violation of result.violations) console.log(`VIOLATED by seed ${result.seed}: ${violation}`);
    if (result.violations.length > 0 && range.stopAtFirst) next = end;
    if (done % 500 === 0)
      console.log(
        `${done} of ${range.count} seeds, ${violatedSeeds} violated, ${((performance.now() - started) / 1000).toFixed(0)} s`,
      );
  };
  const takeSeed = () => (next < end ? next++ : null);
  await Promise.all(
    Array.from({ length: Math.min(range.workers, range.count) }, () => runWorker(address, takeSeed, onResult)),
  );
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `\n${done} seeds in ${seconds.toFixed(1)} s (${(done / seconds).toFixed(1)} a second), ${violatedSeeds} with a violation`,
  );
  console.log([...totals].map(([name, times]) => `${name.replaceAll("_", " ")} ${times}`).join(", "));
  printFaults(faults);
  return violatedSeeds > 0;
}

function runWorker(
  address: ClusterAddress,
  takeSeed: () => number | null,
  onResult: (result: SeedResult) => void,
): Promise<void> {
  const worker = new Worker(WORKER, { workerData: address });
  return new Promise((resolve, reject) => {
    const give = () => worker.postMessage(takeSeed());
    worker.on("online", give);
    worker.on("message", (result: SeedResult) => {
      onResult(result);
      give();
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
}

/** Prints a table: each kind of fault, and in which states of the order it struck how often. */
function printFaults(faults: ReadonlyMap<string, number>): void {
  const byKind = new Map<string, string[]>();
  for (const [key, times] of [...faults].sort(([a], [b]) => a.localeCompare(b))) {
    const [kind = "", state = ""] = key.split(" | ");
    byKind.set(kind, [...(byKind.get(kind) ?? []), `${state} ${times}`]);
  }
  console.log("\nfaults that occurred, by the order's state:");
  for (const [kind, states] of byKind) console.log(`  ${kind.padEnd(28)} ${states.join(", ")}`);
}
