import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import type { Cluster } from "./cluster.ts";

const PROJECT = new URL("./sql/", import.meta.url);
const STAND_INS = new URL("../cron-net/", import.meta.url);

/**
 * Makes the database, if it is new, into what a hosted project is before its first migration. The stand-ins for cron, net
 * and vault are brought up to date in any case. `clockStartMs` is what a replay's clock shows first, null where the real time
 * rules. Says whether the database was new.
 */
export async function bootstrapDatabase(
  cluster: Cluster,
  database: string,
  clockStartMs: number | null = null,
): Promise<boolean> {
  await createDatabase(cluster, database);
  const sql = postgres(cluster.url("supabase_admin", database), { max: 1, onnotice: () => {} });
  try {
    const [known] = await sql`select from pg_namespace where nspname = 'auth'`;
    await sql.begin(async (transaction) => {
      if (!known) await runFolder(transaction, PROJECT);
      await runFolder(transaction, STAND_INS);
      await transaction`delete from embedded.clock_start`;
      if (clockStartMs !== null)
        await transaction`insert into embedded.clock_start (at) values (${new Date(clockStartMs)})`;
      await transaction.unsafe(`alter database "${database}" owner to postgres`);
    });
    return !known;
  } finally {
    await sql.end();
  }
}

async function createDatabase(cluster: Cluster, database: string): Promise<void> {
  const sql = postgres(cluster.url("supabase_admin", "template1"), { max: 1, onnotice: () => {} });
  try {
    const [existing] = await sql`select from pg_database where datname = ${database}`;
    if (!existing) await sql.unsafe(`create database "${database}"`);
  } finally {
    await sql.end();
  }
}

/** Runs a folder's SQL files in the order of their names; a failure names the file. */
async function runFolder(sql: postgres.TransactionSql, folder: URL): Promise<void> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  for (const file of names.sort().map((name) => new URL(name, folder))) {
    await sql.unsafe(readFileSync(file, "utf8")).catch((error: Error) => {
      throw new Error(`${fileURLToPath(file)}: ${error.message}`, { cause: error });
    });
  }
}
