import { readFileSync } from "node:fs";
import { commandLine } from "../postgres/stale-postmaster.ts";

const EVERY_MS = 500;

/**
 * Calls back when the `npm start` that began this process has vanished without a word: a killed npm leaves its shell and
 * us running, with the ports taken. Does nothing for a process that was not begun by `npm start`.
 */
export function whenLauncherIsGone(callback: () => void): void {
  if (process.env.npm_lifecycle_event !== "start") return;
  const shell = process.ppid;
  const npm = commandLine(shell).includes("launch.js") ? parentOf(shell) : null;
  const watch = setInterval(() => {
    if (process.ppid === shell && (npm === null || parentOf(shell) === npm)) return;
    clearInterval(watch);
    callback();
  }, EVERY_MS);
  watch.unref();
}

function parentOf(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]);
  } catch {
    return null; // not Linux, or it has ended
  }
}
