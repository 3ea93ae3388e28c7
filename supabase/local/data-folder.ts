import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "./postgres/stale-postmaster.ts";
import { StartError } from "./start-error.ts";

/** Takes the folder for this process; a folder in use by a living platform is refused. Returns how to give it back. */
export function lockDataFolder(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new StartError(`The data folder ${dataDir} cannot be made: ${(error as Error).message}.`);
  }
  const owner = findOwner(dataDir);
  if (owner !== null) throw new StartError(`Zoe already runs on ${dataDir} (process ${owner}): stop it first.`);
  const file = join(dataDir, "zoe.pid");
  writeFileSync(file, `${process.pid}\n`);
  return () => rmSync(file, { force: true });
}

/** Returns the process that runs a platform on the folder, or null. */
export function findOwner(dataDir: string): number | null {
  const file = join(dataDir, "zoe.pid");
  if (!existsSync(file)) return null;
  const pid = Number(readFileSync(file, "utf8"));
  // after a crash the number may belong to another program by now
  return pid !== process.pid && /supabase[\\/]local[\\/](launch|start)/.test(commandLine(pid)) ? pid : null;
}
