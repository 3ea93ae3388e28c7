import { parseArgs } from "node:util";
import { benchDashboard } from "../supabase/bench/dashboard.ts";
import { benchLarge } from "../supabase/bench/large.ts";
import { benchReposition } from "../supabase/bench/reposition.ts";
import { benchSizes } from "../supabase/bench/sizes.ts";
import { benchSubmitIntent } from "../supabase/bench/submit-intent.ts";
import { benchTraderTick } from "../supabase/bench/trader-tick.ts";
import { benchWire } from "../supabase/bench/wire.ts";
import { runScript } from "../supabase/local/script.ts";
import { StartError } from "../supabase/local/start-error.ts";
import { type ClusterAddress, startTestCluster } from "../supabase/tests/support/test-cluster.ts";
import { createTestDatabase, type TestDatabase } from "../supabase/tests/support/test-database.ts";

type Part = (address: ClusterAddress, orders: number) => Promise<void>;

const inDatabase =
  (work: (db: TestDatabase, orders: number) => Promise<void>): Part =>
  async (address, orders) => {
    const db = await createTestDatabase(address);
    await work(db, orders).finally(db.drop);
  };
const PARTS: Readonly<Record<string, Part>> = {
  sizes: benchSizes,
  submit: inDatabase(benchSubmitIntent),
  reposition: benchReposition,
  trader: inDatabase(benchTraderTick),
  wire: benchWire,
  dashboard: benchDashboard,
  large: inDatabase(benchLarge),
};

const USAGE = `npm run bench -- [--only PART] [--large [--orders N]]
  --only    one of ${Object.keys(PARTS).join(", ")}
  --large   also with a book of ten million events
  --orders  how many orders that book has (1000000), with ten times as many events`;

/** The performance figures, one JSON object a line. */
runScript(
  USAGE,
  async (args) => {
    const { values } = parseArgs({
      args,
      options: { large: { type: "boolean" }, orders: { type: "string" }, only: { type: "string" } },
    });
    const { large = false, orders = "1000000", only } = values;
    if (!/^[1-9]\d{0,8}$/.test(orders))
      throw new StartError(`--orders is ${orders}; it must be a whole number from 1 to 999999999.`);
    if (only !== undefined && PARTS[only] === undefined)
      throw new StartError(`--only is ${only}; it must be one of ${Object.keys(PARTS).join(", ")}.`);
    const isAsked = (name: string) => (only === undefined ? name !== "large" || large : name === only);
    const cluster = await startTestCluster();
    try {
      for (const [name, run] of Object.entries(PARTS)) if (isAsked(name)) await run(cluster.address, Number(orders));
    } finally {
      await cluster.stop();
    }
  },
  2,
);
