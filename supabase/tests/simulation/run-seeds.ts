import { Worker } from "node:worker_threads";
import type { ClusterAddress } from "../support/test-cluster.ts";
import { printFaults } from "./print-faults.ts";
import type { SeedResult } from "./simulate-seed.ts";

/** Which seeds to run, how many at once, and whether to stop at the first that violates something. */
export interface SeedRange {
  readonly first: number;
  readonly count: number;
  readonly workers: number;
  readonly stopAtFirst: boolean;
}

const WORKER = new URL("./worker-entry.mjs", import.meta.url);
const PROGRESS_EVERY = 100;

/** Adds up the results of many seeds. */
class Tally {
  readonly faults = new Map<string, number>();
  readonly counts = new Map<string, number>();
  done = 0;
  violated = 0;
  readonly #started = performance.now();

  add(result: SeedResult): void {
    this.done += 1;
    for (const [fault, times] of result.faults) this.faults.set(fault, (this.faults.get(fault) ?? 0) + times);
    for (const [name, times] of Object.entries(result.counts))
      this.counts.set(name, (this.counts.get(name) ?? 0) + times);
    if (result.violations.length > 0) this.violated += 1;
    for (const violation of result.violations) console.log(`VIOLATED by seed ${result.seed}: ${violation}`);
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  sentence(): string {
    return `${this.done} seeds in ${this.seconds.toFixed(1)} s (${(this.done / this.seconds).toFixed(1)} a second), ${this.violated} with a violation`;
  }
}

/** Runs the seeds and prints what happened. Returns true when an invariant was violated. */
export async function runSeeds(address: ClusterAddress, range: SeedRange): Promise<boolean> {
  const tally = new Tally();
  const end = range.first + range.count;
  let next = range.first;
  const onResult = (result: SeedResult) => {
    tally.add(result);
    if (result.violations.length > 0 && range.stopAtFirst) next = end;
    if (tally.done % PROGRESS_EVERY === 0 && tally.done < range.count) console.log(tally.sentence());
  };
  const takeSeed = () => (next < end ? next++ : null);
  const workers = Math.min(range.workers, range.count);
  await Promise.all(Array.from({ length: workers }, () => runWorker(address, takeSeed, onResult)));
  const { user, system } = process.cpuUsage();
  console.log(`\n${tally.sentence()}; ${((user + system) / 1e6).toFixed(1)} s of processor time in Node`);
  console.log([...tally.counts].map(([name, times]) => `${name.replaceAll("_", " ")} ${times}`).join(", "));
  printFaults(tally.faults);
  return tally.violated > 0;
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
