import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import type { Cluster } from "./cluster.ts";

const FOLDERS = [new URL("./sql/", import.meta.url), new URL("../cron-net/", import.meta.url)];

/** Makes the database, if it is new, into what a hosted project is before its first migration. Says whether it was new. */
export async function bootstrapDatabase(cluster: Cluster, database: string): Promise<boolean> {
  const maintenance = postgres(cluster.url("supabase_admin", "template1"), { max: 1, onnotice: () => {} });
  try {
    const [existing] = await maintenance`select from pg_database where datname = ${database}`;
    if (!existing) await maintenance.unsafe(`create database "${database}"`);
  } finally {
    await maintenance.end();
  }
  const sql = postgres(cluster.url("supabase_admin", database), { max: 1, onnotice: () => {} });
  try {
    const [ready] = await sql`select from pg_namespace where nspname = 'auth'`;
    if (ready) return false;
    await sql.begin(async (transaction) => {
      for (const file of bootstrapFiles()) {
        await transaction.unsafe(readFileSync(file, "utf8")).catch((error: Error) => {
          throw new Error(`${fileURLToPath(file)}: ${error.message}`, { cause: error });
        });
      }
      await transaction.unsafe(`alter database "${database}" owner to postgres`);
    });
    return true;
  } finally {
    await sql.end();
  }
}

function bootstrapFiles(): URL[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".sql"))
      .sort()
      .map((name) => new URL(name, folder)),
  );
}
