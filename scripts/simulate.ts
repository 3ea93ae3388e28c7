import { parseArgs } from "node:util";
import { openArena } from "../supabase/tests/simulation/arena.ts";
import { runSeeds } from "../supabase/tests/simulation/run-seeds.ts";
import { simulateSeed } from "../supabase/tests/simulation/simulate-seed.ts";
import { startTestCluster } from "../supabase/tests/support/test-cluster.ts";

/** The fault simulation: `--seeds N` runs N seeds from `--seed S` (1) on, `--seed S` alone tells one seed's story. */
const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    workers: { type: "string" },
    "stop-at-first": { type: "boolean" },
  },
});
const whole = (name: "seeds" | "seed" | "workers", otherwise: number): number => {
  const text = values[name];
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  console.error(`--${name} is ${text}; it must be a whole number from 1.`);
  process.exit(2);
};

const cluster = await startTestCluster();
let violated = false;
try {
  if (values.seeds === undefined && values.seed !== undefined) {
    const arena = await openArena(cluster.address);
    const result = await simulateSeed(arena, whole("seed", 1), (line) => console.log(line));
    await arena.close();
    console.log(`\nseed ${result.seed}: ${JSON.stringify(result.counts)}`);
    for (const violation of result.violations) console.log(`VIOLATED: ${violation}`);
    violated = result.violations.length > 0;
  } else {
    violated = await runSeeds(cluster.address, {
      first: whole("seed", 1),
      count: whole("seeds", 300),
      workers: whole("workers", 2),
      stopAtFirst: values["stop-at-first"] ?? false,
    });
  }
} finally {
  await cluster.stop();
}
process.exit(violated ? 1 : 0);
