import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runScript } from "../supabase/local/script.ts";
import { StartError } from "../supabase/local/start-error.ts";
import { MUTATIONS, type Mutation } from "../supabase/tests/simulation/mutations.ts";

const HOME = resolve(import.meta.dirname, "..");
const SOURCES = ["shared", "supabase", "scripts", "package.json", "tsconfig.json"];
const LEFT_OUT = new Set(["node_modules", ".git", ".data", "dist"]);

const USAGE = `npm run mutate -- [--only TEXT] [--seeds N] [--check]
  --only   only the bugs whose name holds the text
  --seeds  how many seeds each bug has to be found in (1000)
  --check  only looks whether every bug can be planted`;

/** The mutation check: each deliberate bug must make the simulation find a violation; exit code 1 when one goes unnoticed. */
runScript(
  USAGE,
  async (args) => {
    const { values } = parseArgs({
      args,
      options: { only: { type: "string" }, seeds: { type: "string" }, check: { type: "boolean" } },
    });
    const { only = "", seeds = "1000", check = false } = values;
    if (!/^[1-9]\d{0,8}$/.test(seeds))
      throw new StartError(`--seeds is ${seeds}; it must be a whole number from 1 to 999999999.`);
    const mutations = MUTATIONS.filter(({ name }) => name.includes(only));
    if (mutations.length === 0)
      throw new StartError(`--only is ${only}; it must be in one of: ${MUTATIONS.map(({ name }) => name).join("; ")}.`);
    if (check) checkPatches();
    else return mutations.filter((mutation) => !isCaught(mutation, seeds)).length === 0 ? 0 : 1;
  },
  2,
);

function isCaught(mutation: Mutation, seeds: string): boolean {
  const started = performance.now();
  const verdict = simulateWith(mutation, seeds);
  const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(5);
  console.log(
    `${verdict.isCaught ? "caught" : "MISSED"}  ${mutation.name.padEnd(36)} ${seconds} s  ${verdict.sentence}`,
  );
  return verdict.isCaught;
}

function simulateWith(mutation: Mutation, seeds: string): { isCaught: boolean; sentence: string } {
  const copy = mkdtempSync(join(tmpdir(), "zoe-mutant-"));
  try {
    copySources(copy);
    symlinkSync(join(HOME, "node_modules"), join(copy, "node_modules"));
    applyPatches(copy, mutation);
    const command = ["--import", "tsx", "scripts/simulate.ts", "--seeds", seeds, "--stop-at-first"];
    const run = spawnSync(process.execPath, command, { cwd: copy, encoding: "utf8", maxBuffer: 1e8 });
    const sentence = run.stdout.split("\n").find((line) => line.startsWith("VIOLATED"));
    if (!sentence && run.status !== 0)
      throw new Error(`${mutation.name}: the simulation did not run: ${run.stdout}${run.stderr}`);
    return { isCaught: sentence !== undefined, sentence: sentence ?? `nothing in ${seeds} seeds` };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Only looks whether every text to be replaced is there. */
function checkPatches(): void {
  const copy = mkdtempSync(join(tmpdir(), "zoe-mutant-"));
  try {
    for (const mutation of MUTATIONS) {
      copySources(copy);
      applyPatches(copy, mutation);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`All ${MUTATIONS.length} bugs can be planted.`);
}

function copySources(copy: string): void {
  const filter = (from: string) => !LEFT_OUT.has(basename(from));
  for (const name of SOURCES) cpSync(join(HOME, name), join(copy, name), { recursive: true, filter });
}

/** Applies the patches; one whose text is not there any more is a mistake in the list, never a bug caught. */
function applyPatches(copy: string, { name, patches }: Mutation): void {
  for (const { file, find, replace } of patches) {
    const place = join(copy, file);
    const files = statSync(place).isDirectory() ? readdirSync(place).map((entry) => join(place, entry)) : [place];
    const having = files.filter((path) => readFileSync(path, "utf8").includes(find));
    const [path] = having;
    const text = path ? readFileSync(path, "utf8") : "";
    if (!path || having.length > 1 || text.split(find).length !== 2)
      throw new Error(`${name}: ${file} does not contain exactly once: ${find}`);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
}
