import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import postgres from "postgres";
import { findOwner } from "./data-folder.ts";
import { readSettings } from "./settings.ts";
import { refusedArguments, StartError } from "./start-error.ts";

/** Where the platform of a data folder listens. */
export interface Addresses {
  running: boolean;
  dataDir: string;
  apiUrl: string;
  databaseUrl: string;
  dashboardUrl: string;
  /** What the market is, and how fast a replay really runs when that is not what was asked for; only of a running platform. */
  market?: string;
}

/**
 * Runs a script; a number that it returns is the exit code. `--help` prints the usage and nothing else is done. An expected refusal
 * is its sentence on stderr and exit code 1, or `refused`; a bug is a stack.
 */
export function runScript(usage: string, main: (args: string[]) => Promise<unknown>, refused = 1): void {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    return;
  }
  main(args).then(
    (code) => {
      process.exitCode = typeof code === "number" ? code : 0;
    },
    (thrown: unknown) => {
      const error = refusedArguments(thrown, usage);
      const expected = error instanceof StartError || error instanceof postgres.PostgresError;
      console.error(expected ? sentenceOf(error) : error);
      process.exitCode = expected ? refused : 1;
    },
  );
}

/** Refuses whatever was written after a command that takes nothing. */
export function takeNothing(args: readonly string[], usage: string): void {
  if (args.length > 0) throw new StartError(`This command takes nothing, and ${args.join(" ")} was written.\n${usage}`);
}

function sentenceOf(error: Error & { detail?: string | undefined; hint?: string | undefined }): string {
  return [error.message, error.detail, error.hint].filter(Boolean).join("\n");
}

/** Finds the platform: where it says it runs, else where it would. */
export function findPlatform(): Addresses {
  const settings = readSettings(process.env);
  const { dataDir, apiUrl, databaseUrl, dashboardUrl } = settings;
  const file = join(dataDir, "running.json");
  if (findOwner(dataDir) === null || !existsSync(file)) {
    return { running: false, dataDir, apiUrl, databaseUrl, dashboardUrl };
  }
  return {
    dataDir,
    ...(JSON.parse(readFileSync(file, "utf8")) as Omit<Addresses, "running" | "dataDir">),
    running: true,
  };
}

/** Returns the running platform; one that is not running is a sentence. */
export function requirePlatform(): Addresses {
  const platform = findPlatform();
  if (!platform.running) throw new StartError("Zoe is not running here: `npm start` starts it.");
  return platform;
}

/** Splits `--remote=URL`, `--yes` and the words; an unknown flag is a sentence. A negative number is a word. */
export function readArguments(args: string[], usage: string): { remote?: string; yes: boolean; words: string[] } {
  const flags = args.filter((arg) => arg.startsWith("--"));
  const unknown = flags.find((flag) => flag !== "--yes" && !flag.startsWith("--remote="));
  if (unknown) throw new StartError(`Unknown option '${unknown}'.\n${usage}`);
  const remote = flags.find((flag) => flag.startsWith("--remote="))?.slice("--remote=".length);
  const words = args.filter((arg) => !arg.startsWith("--"));
  return { ...(remote === undefined ? {} : { remote }), yes: flags.includes("--yes"), words };
}

/** Connects to the named database, or to the running platform's, as the role in the address. */
export async function withDatabase<T>(remote: string | undefined, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const url = remote ?? requirePlatform().databaseUrl;
  if (!/^postgres(ql)?:\/\//.test(url)) throw new StartError("--remote must be a postgresql:// address.");
  const sql = postgres(url, {
    max: 1,
    connect_timeout: 15,
    prepare: false,
    onnotice: ({ message }) => console.error(message),
  });
  try {
    return await work(sql);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (/^(ECONN|ENOTFOUND|EAI_AGAIN|CONNECT_TIMEOUT|ETIMEDOUT)/.test(code ?? ""))
      throw new StartError(`The database does not answer: ${message || code}.`);
    throw error;
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** Asks on the terminal; only the exact word counts as yes. Without a terminal the answer is no. */
export async function confirm(question: string, word: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} Type "${word}" to go on: `);
  terminal.close();
  return answer.trim() === word;
}

/** Returns rows as aligned columns under their names. */
export function table(rows: Record<string, unknown>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? "")))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
