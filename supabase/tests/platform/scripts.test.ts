import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CANDLES = "ts_ms,open,high,low,close,volume";
const GOOD = "1504396800000,100,110,90,105.5,1.25";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zoe-scripts-"));
  await writeFile(join(folder, "ADA-USD_1m.csv"), `${CANDLES}\n${GOOD}\n`);
  await writeFile(join(folder, "btcusd.csv"), `${CANDLES}\n1504396800000,100,110,90,NaN,1\n`);
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a program of ours as npm does for somebody who stands in the test's folder, with a data folder that does not exist yet. */
function run(program: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { ZOE_DATA_DIR: _, ...rest } = process.env;
  const env = { ...rest, INIT_CWD: folder, ZOE_DATA_DIR: "data" };
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", program, ...args], { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

describe("--help", () => {
  const names = [
    "backtest",
    "simulate",
    "config",
    "invoke",
    "audit",
    "bench",
    "rollback",
    "reset",
    "status",
    "mutate",
    "screenshots",
  ];
  it.each([...names.map((name) => `scripts/${name}.ts`), "supabase/local/launch.js"])(
    "of %s prints the usage, does nothing, and is no error",
    async (program) => {
      const { code, stdout, stderr } = await run(program, "--help");
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/npm (run|start)/);
    },
  );
});

describe("what can't be used is answered by one sentence, without a stack", () => {
  const data = ["--data", "btcusd.csv"];
  it.each<[program: string, args: string[], code: number, sentence: string]>([
    ["backtest", [...data, "--set", "TRADER_MODE=live"], 2, "a backtest trades on paper; TRADER_MODE must be paper."],
    [
      "backtest",
      [...data, "--set", "TRADER_MODE=disabled"],
      2,
      "a backtest trades on paper; TRADER_MODE must be paper.",
    ],
    [
      "backtest",
      [...data, "--set", "MAX_OPEN_POSITIONS=x"],
      2,
      "MAX_OPEN_POSITIONS can't be 'x': it must be a whole number",
    ],
    ["backtest", ["--data", "ADA-USD_1m.csv"], 2, "ADA-USD is not a product of this market; it has BTC-USD"],
    ["backtest", data, 2, 'btcusd.csv line 2: close "NaN" is not a plain decimal above zero'],
    ["backtest", ["--wat"], 2, "Unknown option '--wat'"],
    ["simulate", ["--seeds", "many"], 2, "--seeds is many; it must be a whole number from 1"],
    ["simulate", ["--sed", "1"], 2, "Unknown option '--sed'"],
    ["bench", ["--only", "speed"], 2, "--only is speed; it must be one of sizes, submit"],
    ["bench", ["--large", "--orders", "1e6"], 2, "--orders is 1e6; it must be a whole number from 1"],
    ["reset", ["everything"], 1, "everything was written"],
    ["config", ["--all"], 1, "Unknown option '--all'"],
    ["invoke", ["trader"], 1, "NAME is one of trader-tick"],
  ])("%s %j", async (name, args, code, sentence) => {
    const answer = await run(`scripts/${name}.ts`, ...args);
    expect(answer).toMatchObject({ code, stderr: expect.stringContaining(sentence) });
    expect(answer.stderr).not.toMatch(/^ +at /m);
  });

  it("a replay of a file that can't be used is refused before a database is made", async () => {
    const answer = await run("supabase/local/launch.js", "--replay", "btcusd.csv", "--no-dashboard");
    expect(answer).toMatchObject({ code: 1, stderr: expect.stringContaining('btcusd.csv line 2: close "NaN"') });
    expect(existsSync(join(folder, "data", "postgres"))).toBe(false);
    expect(answer.stdout).not.toContain("Postgres");
  });
});
