import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { bootstrapDatabase } from "../../local/postgres/bootstrap.ts";
import { type Cluster, startCluster } from "../../local/postgres/cluster.ts";
import { pushMigrations } from "../../local/postgres/migrate.ts";
import { freePort } from "../../local/process/free-port.ts";

/** Where the test cluster listens; databases are made from its two templates. */
export interface ClusterAddress {
  port: number;
}

/** A hosted project before our first migration, and after the last one. */
export const BARE_TEMPLATE = "zoe_bare";
export const TEMPLATE = "zoe_template";

/** Starts a throw-away cluster without fsync, with both templates made. Migrations that fail are named in the error. */
export async function startTestCluster(): Promise<{ address: ClusterAddress; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "zoe-test-"));
  chmodSync(folder, 0o755);
  const cluster = await startCluster({ dataDir: join(folder, "postgres"), port: await freePort(), durable: false });
  const stop = async () => {
    await cluster.stop();
    for (const path of [cluster.dataDir, folder]) rmSync(path, { recursive: true, force: true });
  };
  try {
    await makeTemplates(cluster);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: { port: cluster.port }, stop };
}

async function makeTemplates(cluster: Cluster): Promise<void> {
  await bootstrapDatabase(cluster, BARE_TEMPLATE);
  const sql = postgres(cluster.url("supabase_admin", "postgres"), { max: 1 });
  try {
    await sql.unsafe(`create database ${TEMPLATE} template ${BARE_TEMPLATE} owner postgres`);
  } finally {
    await sql.end();
  }
  await pushMigrations(cluster.url("postgres", TEMPLATE));
}
