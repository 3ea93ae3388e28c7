import { setTimeout as sleep } from "node:timers/promises";
import { descendants, isAlive, type Running } from "../support/running-platform.ts";

/**
 * Kills every process of a platform with SIGKILL, as a power cut would: all of them are stopped first, so that none sees
 * another one die and does something about it. Returns how many there were.
 */
export async function killEverything({ child, ended }: Running): Promise<number> {
  const root = child.pid;
  if (root === undefined) throw new Error("the platform has no process");
  const frozen = new Set<number>();
  for (let before = -1; before !== frozen.size; ) {
    before = frozen.size;
    for (const pid of [root, ...descendants(root)]) if (!frozen.has(pid) && signal(pid, "SIGSTOP")) frozen.add(pid);
  }
  for (const pid of frozen) signal(pid, "SIGKILL");
  await ended;
  while ([...frozen].some(isAlive)) await sleep(20);
  return frozen.size;
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // it has ended by itself meanwhile
  }
}

/** Returns a seeded source of numbers from 0 up to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
