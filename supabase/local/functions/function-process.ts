import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { guardChild } from "../process/guard.ts";

/** One Edge Function in its own Deno, started again when it ends. */
export interface FunctionProcess {
  name: string;
  /** Resolves to the port it listens on, waiting while it starts; null when it does not come up in the given time. */
  port(patienceMs: number): Promise<number | null>;
  stop(): Promise<void>;
}

export interface FunctionOptions {
  name: string;
  deno: string;
  root: string;
  env: Record<string, string>;
  log(line: string): void;
}

const HOST = fileURLToPath(new URL("host.ts", import.meta.url));
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
const SETTLED_MS = 30_000;
/** How long work under `EdgeRuntime.waitUntil` may go on once we stop. */
const FAREWELL_MS = 5_000;

/** Starts the function and keeps it running, with a growing pause between crashes, until `stop()`. */
export function startFunction(options: FunctionOptions): FunctionProcess {
  return new SupervisedFunction(options);
}

class SupervisedFunction implements FunctionProcess {
  readonly name: string;
  readonly #options: FunctionOptions;
  #child: ChildProcess;
  #listening = deferred<number>();
  #delay = FIRST_DELAY_MS;
  #stopping = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: FunctionOptions) {
    this.name = options.name;
    this.#options = options;
    this.#child = this.#run();
  }

  port(patienceMs: number): Promise<number | null> {
    return Promise.race([this.#listening.promise, after(patienceMs)]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), FAREWELL_MS);
    await ended;
    clearTimeout(force);
  }

  #run(): ChildProcess {
    const startedAt = performance.now();
    const child = spawnDeno(this.#options);
    guardChild(child);
    relay(child.stdout, (line) => {
      const port = /^@zoe-host listening (\d+)$/.exec(line)?.[1];
      if (port) this.#listening.resolve(Number(port));
      else this.#options.log(line);
    });
    relay(child.stderr, this.#options.log);
    child.once("exit", (code, signal) => {
      if (!this.#stopping) this.#startAgain(`${signal ?? `exit code ${code}`}`, performance.now() - startedAt);
    });
    return child;
  }

  #startAgain(reason: string, livedMs: number): void {
    if (livedMs > SETTLED_MS) this.#delay = FIRST_DELAY_MS;
    this.#options.log(`ended (${reason}); starting again in ${this.#delay / 1000} s`);
    this.#listening = deferred<number>(this.#listening);
    this.#retry = setTimeout(() => {
      this.#child = this.#run();
    }, this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
  }
}

function spawnDeno({ name, deno, root, env }: FunctionOptions): ChildProcess {
  const entrypoint = new URL(`supabase/functions/${name}/index.ts`, `file://${root}/`).href;
  const flags = ["--quiet", "--no-prompt", "--no-check", "--allow-net", "--allow-env", "--allow-read", "--allow-sys"];
  return spawn(deno, ["run", ...flags, "--config", `${root}/deno.json`, HOST, entrypoint], {
    cwd: root,
    detached: true, // Ctrl-C belongs to the platform, which ends its children in order
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "",
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function relay(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on("line", onLine);
}

interface Deferred<T> {
  promise: Promise<T>;
  resolve(value: T): void;
}

/** A promise to be kept later; whoever still waits for `previous` is served by it too. */
function deferred<T>(previous?: Deferred<T>): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  if (previous) void promise.then(previous.resolve);
  return { promise, resolve };
}

function after(milliseconds: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, null).unref());
}
