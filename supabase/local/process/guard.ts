import { type ChildProcess, spawn } from "node:child_process";

/**
 * Reads the list of living children, one line at a time, and interrupts them all when the line breaks: that is how
 * children die with a parent that was killed outright and could not say goodbye.
 */
const SCRIPT = `trap '' INT TERM HUP
while read -r line; do pids=$line; done
[ -n "$pids" ] || exit 0
for pid in $pids; do kill -INT "$pid" 2>/dev/null; done
sleep 5
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done`;

let guard: ChildProcess | undefined;
const guarded = new Set<number>();

function report(): void {
  guard ??= startGuard();
  guard.stdin?.write(`${[...guarded].join(" ")}\n`);
}

function startGuard(): ChildProcess {
  const child = spawn("/bin/sh", ["-c", SCRIPT], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  child.unref();
  const pipe = child.stdin as typeof child.stdin & { unref?: () => void };
  pipe?.unref?.();
  pipe?.on("error", () => {
    guard = undefined;
  });
  return child;
}

/** Makes sure that the child ends when this process ends, however it ends. */
export function guardChild(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  guarded.add(pid);
  report();
  child.once("exit", () => {
    guarded.delete(pid);
    report();
  });
}
