import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { StartError } from "../start-error.ts";

/** The account Postgres runs under; empty when that is simply the caller's own. */
export interface RunAs {
  uid?: number;
  gid?: number;
}

/** Chooses the account for Postgres, which refuses to run as root: `postgres` if the system has it, else `nobody`. */
export function chooseAccount(): RunAs {
  if (userInfo().uid !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    try {
      const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, name], { stdio: "pipe" })));
      if (uid && gid) return { uid, gid };
    } catch {
      // this system does not know the name: try the next one
    }
  }
  throw new StartError("Postgres does not run as root, and this system has neither a user `postgres` nor `nobody`.");
}

/** Tells whether the account may enter every folder above the path. */
export function isReachable(path: string, account: RunAs): boolean {
  if (account.uid === undefined) return true;
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (existsSync(folder)) {
      const { uid, gid, mode } = statSync(folder);
      const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0 && statSync(folder).isDirectory()) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}

/** Names a folder outside root's closed home that stands for the given path, and creates its parent. */
export function reachableTwin(path: string): string {
  const home = "/var/tmp/zoe-embedded";
  mkdirSync(home, { recursive: true, mode: 0o755 });
  if (lstatSync(home).uid !== 0) throw new StartError(`The folder ${home} belongs to somebody else; remove it.`);
  chmodSync(home, 0o755);
  return join(home, createHash("sha256").update(resolve(path)).digest("hex").slice(0, 12));
}

/** Names the folder that data files of this path really lie in. */
export function locateData(path: string, account: RunAs = chooseAccount()): string {
  return isReachable(path, account) ? path : reachableTwin(path);
}

/** Returns the folder itself, or a copy that the account can reach. */
export function reachableCopy(folder: string, account: RunAs): string {
  if (isReachable(folder, account)) return folder;
  const twin = reachableTwin(folder);
  if (!existsSync(twin)) cpSync(folder, twin, { recursive: true, verbatimSymlinks: true });
  return twin;
}
