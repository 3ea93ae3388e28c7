import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "../start-error.ts";

/**
 * Ends a postmaster that outlived its platform, and removes the pid file of one that is gone (its number may belong to
 * an innocent process by now, which would make Postgres refuse to start).
 */
export async function stopStalePostmaster(dataDir: string): Promise<void> {
  const file = join(dataDir, "postmaster.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  if (!isPostmasterOf(pid, dataDir)) return rmSync(file, { force: true });
  process.kill(pid, "SIGINT");
  for (let waited = 0; waited < 200; waited += 1) {
    if (!isPostmasterOf(pid, dataDir)) return;
    await sleep(50);
  }
  throw new StartError(`An old Postgres (process ${pid}) still holds ${dataDir} and does not end; end it by hand.`);
}

function isPostmasterOf(pid: number, dataDir: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  const command = commandLine(pid);
  return command.includes("postgres") && command.includes(dataDir);
}

/** Returns the command line of a living process, or nothing. */
export function commandLine(pid: number): string {
  try {
    if (existsSync("/proc/self/cmdline")) return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return execFileSync("ps", ["-p", String(pid), "-o", "args="], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return ""; // no such process
  }
}
