import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../local/process/free-port.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** A data folder and ports of its own, for platforms that a test starts as child processes. */
export interface Place {
  env: Record<string, string>;
  dataDir: string;
  apiUrl: string;
  databaseUrl: string;
  dashboardUrl: string;
  remove(): void;
}

/** Reserves a place for a platform. */
export async function makePlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "zoe-platform-"));
  chmodSync(folder, 0o755); // Postgres, which is not root, shall find its files in the folder itself
  const [api, database, dashboard] = [await freePort(), await freePort(), await freePort()];
  const dataDir = join(folder, "data");
  return {
    env: {
      ZOE_API_PORT: String(api),
      ZOE_DB_PORT: String(database),
      ZOE_DASHBOARD_PORT: String(dashboard),
      ZOE_DATA_DIR: dataDir,
    },
    dataDir,
    apiUrl: `http://127.0.0.1:${api}`,
    databaseUrl: `postgresql://postgres:postgres@127.0.0.1:${database}/postgres`,
    dashboardUrl: `http://127.0.0.1:${dashboard}`,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A platform, or a script, running as a child process. */
export interface Running {
  child: ChildProcess;
  /** Everything it has written so far. */
  output(): string;
  /** Resolves when the output holds the text; rejects when the process ends first. */
  says(text: string | RegExp): Promise<void>;
  /** Resolves to the exit code, or to the signal's name. */
  ended: Promise<number | string>;
}

/** Starts the platform as `npm start -- ...` does, without the dashboard unless asked for. */
export function startInPlace(place: Place, args: string[], dashboard = false): Running {
  return runInPlace(place, "supabase/local/launch.js", dashboard ? args : [...args, "--no-dashboard"], []);
}

/** Runs one of our programs in the place, as another account if one is given. */
export function runInPlace(
  place: Place,
  program: string,
  args: string[] = [],
  loader = ["--import", "tsx"],
  account: { uid?: number; gid?: number } = {},
): Running {
  const home = account.uid === undefined ? {} : { HOME: dirname(place.dataDir) };
  const env = { ...process.env, ...place.env, ...home };
  const child = spawn(process.execPath, [...loader, program, ...args], { cwd: ROOT, env, stdio: "pipe", ...account });
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<number | string>((resolve) =>
    child.once("close", (code, signal) => resolve(signal ?? code ?? 1)),
  );
  const says = (text: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (typeof text === "string" ? !output.includes(text) : !text.test(output)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
      void ended.then((code) => reject(new Error(`ended with ${code} before it said ${text}:\n${output}`)));
    });
  return { child, output: () => output, says, ended };
}

/** Every living process below the given one (Linux), by what /proc says about parents and about our guard's children. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const parent = parentOf(Number(name));
    if (parent !== null) parents.set(Number(name), parent);
  }
  const found = [pid];
  for (const each of found) for (const [child, parent] of parents) if (parent === each) found.push(child);
  return found.slice(1);
}

/** True while the process exists and is not a zombie. */
export const isAlive = (pid: number): boolean => parentOf(pid) !== null;

function parentOf(pid: number): number | null {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return state === "Z" ? null : Number(parent);
  } catch {
    return null; // it has ended
  }
}
