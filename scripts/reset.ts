import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findOwner } from "../supabase/local/data-folder.ts";
import { locateData } from "../supabase/local/postgres/run-as.ts";
import { stopStalePostmaster } from "../supabase/local/postgres/stale-postmaster.ts";
import { runScript, takeNothing } from "../supabase/local/script.ts";
import { readSettings } from "../supabase/local/settings.ts";
import { StartError } from "../supabase/local/start-error.ts";

const FILES = ["deno", "keys.json", "market.json", "migrations.json", "running.json", "zoe.pid"];

const USAGE = "Usage: npm run reset: empties the local data folder: database, keys, sign-ins.";

/** Empties the local data folder: database, keys, sign-ins. Nothing else in it is touched. */
runScript(USAGE, async (args) => {
  takeNothing(args, USAGE);
  const { dataDir } = readSettings(process.env);
  const owner = findOwner(dataDir);
  if (owner !== null) throw new StartError(`Zoe runs on ${dataDir} (process ${owner}): stop it first.`);
  const cluster = locateData(join(dataDir, "postgres"));
  if (existsSync(cluster)) await stopStalePostmaster(cluster);
  for (const path of [cluster, ...FILES.map((name) => join(dataDir, name))])
    rmSync(path, { recursive: true, force: true });
  console.log(`${dataDir} is empty; \`npm start\` begins afresh.`);
});
