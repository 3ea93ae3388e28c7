import { parseArgs } from "node:util";
import { benchDashboard } from "../supabase/bench/dashboard.ts";
import { benchLarge } from "../supabase/bench/large.ts";
import { benchReposition } from "../supabase/bench/reposition.ts";
import { benchSizes } from "../supabase/bench/sizes.ts";
import { benchSubmitIntent } from "../supabase/bench/submit-intent.ts";
import { benchTraderTick } from "../supabase/bench/trader-tick.ts";
import { benchWire } from "../supabase/bench/wire.ts";
import { startTestCluster } from "../supabase/tests/support/test-cluster.ts";
import { createTestDatabase } from "../supabase/tests/support/test-database.ts";

/** The performance figures, one JSON object a line. `--large` adds a book of ten million events, or `--orders N` orders and ten times as many events. */
const { values } = parseArgs({
  options: { large: { type: "boolean" }, orders: { type: "string" }, only: { type: "string" } },
});

const cluster = await startTestCluster();
const inDatabase = async (work: (db: Awaited<ReturnType<typeof createTestDatabase>>) => Promise<void>) => {
  const db = await createTestDatabase(cluster.address);
  await work(db).finally(db.drop);
};
const parts: Record<string, () => Promise<void>> = {
  sizes: benchSizes,
  submit: () => inDatabase(benchSubmitIntent),
  reposition: () => benchReposition(cluster.address),
  trader: () => inDatabase(benchTraderTick),
  wire: benchWire,
  dashboard: benchDashboard,
};
if (values.large) parts.large = () => inDatabase((db) => benchLarge(db, Number(values.orders ?? 1_000_000)));
try {
  for (const [name, run] of Object.entries(parts)) if (!values.only || values.only === name) await run();
} finally {
  await cluster.stop();
}
