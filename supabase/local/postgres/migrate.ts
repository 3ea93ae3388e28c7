import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { guardChild } from "../process/guard.ts";
import { StartError } from "../start-error.ts";

/** What a push did: the migrations that were new to the database. */
export interface Push {
  applied: string[];
}

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * Applies `supabase/migrations` with the official CLI, history table included, as it would to a hosted project.
 * A migration that fails, and a history that has diverged, are one sentence that names the file.
 */
export async function pushMigrations(url: string, root = ROOT): Promise<Push> {
  const { code, output } = await runCli(
    ["db", "push", `--remote=${url}`, "--include-all", "--skip-vault", "--yes"],
    root,
  );
  if (code === 0)
    return { applied: [...output.matchAll(/Applying migration (\S+?)\.\.\./g)].map((match) => `${match[1]}`) };
  throw new StartError(explain(output));
}

function explain(output: string): string {
  if (/Remote migration versions not found|migration history/i.test(output)) {
    return `The database has migrations that this folder does not: \`npm run reset\` starts afresh. ${lastLines(output)}`;
  }
  const file = [...output.matchAll(/Applying migration (\S+?)\.\.\./g)].at(-1)?.[1];
  const where = file ? `Migration supabase/migrations/${file} failed` : "The migrations could not be pushed";
  return `${where}: ${lastLines(output)}`;
}

/** What the CLI says from its error on; before that it only reports progress. */
function lastLines(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim());
  const error = lines.findIndex((line) => /^(ERROR|Error|error)\b/.test(line));
  return lines.slice(error === -1 ? -12 : error).join("\n");
}

/** Runs the pinned Supabase CLI in the folder and returns everything it said. */
export async function runCli(args: string[], cwd = ROOT): Promise<{ code: number; output: string }> {
  const manifest = createRequire(import.meta.url).resolve("supabase/package.json");
  const program = fileURLToPath(new URL("dist/supabase.js", `file://${manifest}`));
  const env = { ...process.env, DO_NOT_TRACK: "1", SUPABASE_TELEMETRY_DISABLED: "1", SUPABASE_YES: "1", NO_COLOR: "1" };
  const child = spawn(process.execPath, [program, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  guardChild(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? 1));
  });
  return { code, output };
}
