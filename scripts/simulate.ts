import { parseArgs } from "node:util";
import { runScript } from "../supabase/local/script.ts";
import { StartError } from "../supabase/local/start-error.ts";
import { openArena } from "../supabase/tests/simulation/arena.ts";
import { runSeeds } from "../supabase/tests/simulation/run-seeds.ts";
import { simulateSeed } from "../supabase/tests/simulation/simulate-seed.ts";
import { type ClusterAddress, startTestCluster } from "../supabase/tests/support/test-cluster.ts";

const USAGE = `npm run simulate -- [--seeds N] [--seed S] [--workers N] [--stop-at-first]
  --seeds          how many seeds (300)
  --seed           the first of them (1); alone: tells the story of that one
  --workers        how many at once (2)
  --stop-at-first  end at the first violation`;

/** The fault simulation: counts, and every violated invariant with its seed; exit code 1 when there is one. */
runScript(
  USAGE,
  async (args) => {
    const { values } = parseArgs({
      args,
      options: {
        seeds: { type: "string" },
        seed: { type: "string" },
        workers: { type: "string" },
        "stop-at-first": { type: "boolean" },
      },
    });
    const first = wholeNumber("seed", values.seed, 1);
    const count = wholeNumber("seeds", values.seeds, 300);
    const workers = wholeNumber("workers", values.workers, 2);
    const cluster = await startTestCluster();
    try {
      if (values.seeds === undefined && values.seed !== undefined) return await tellStory(cluster.address, first);
      const stopAtFirst = values["stop-at-first"] ?? false;
      return (await runSeeds(cluster.address, { first, count, workers, stopAtFirst })) ? 1 : 0;
    } finally {
      await cluster.stop();
    }
  },
  2,
);

async function tellStory(address: ClusterAddress, seed: number): Promise<number> {
  const arena = await openArena(address);
  const result = await simulateSeed(arena, seed, (line) => console.log(line));
  await arena.close();
  console.log(`\nseed ${result.seed}: ${JSON.stringify(result.counts)}`);
  for (const violation of result.violations) console.log(`VIOLATED: ${violation}`);
  return result.violations.length > 0 ? 1 : 0;
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new StartError(`--${name} is ${text}; it must be a whole number from 1 to 999999999.`);
}
