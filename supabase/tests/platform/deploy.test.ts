import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDeno } from "../../local/functions/find-deno.ts";
import { type DeployServer, startDeployServer } from "../support/deploy-server.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const supabaseCli = join(dirname(createRequire(import.meta.url).resolve("supabase/package.json")), "dist/supabase.js");
const PROJECT = "abcdefghijklmnopqrst";
const NAMES = ["edge-factory-tick", "reposition-tick", "trader-tick"];
const MEGABYTE = 1_048_576;

let server: DeployServer;
let folder: string;

/** Deploys every function with the official CLI, told by a profile that the management API is our stand-in. */
const deploy = async (): Promise<void> => {
  const profile = join(folder, "profile.json");
  const { url } = server;
  await writeFile(
    profile,
    JSON.stringify({ name: "stand-in", api_url: url, dashboard_url: url, project_host: "localhost" }),
  );
  const flags = ["--use-api", `--remote=${PROJECT}`, "--profile", profile, "--agent", "no", "--yes"];
  const env = { ...process.env, SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}`, SUPABASE_TELEMETRY_DISABLED: "1" };
  await run(process.execPath, [supabaseCli, "functions", "deploy", ...flags], { cwd: root, env });
};

/** Lays what arrived out as a server-side bundler would, with nothing beside it but the npm packages. */
const layOut = async (
  name: string,
  under = name,
): Promise<{ readonly at: string; readonly entrypoint: string; readonly importMap: string }> => {
  const upload = server.uploads.get(name);
  if (upload === undefined) throw new Error(`${name} was not deployed`);
  const at = join(folder, under);
  for (const file of upload.files) {
    await mkdir(dirname(join(at, file.path)), { recursive: true });
    await writeFile(join(at, file.path), file.content);
  }
  await symlink(join(root, "node_modules"), join(at, "node_modules"));
  return { at, entrypoint: upload.metadata.entrypoint_path, importMap: upload.metadata.import_map_path };
};

/** Type-checks with real Deno that can reach no network: its proxy is a closed port. */
const check = async (at: string, entrypoint: string, importMap: string): Promise<void> => {
  const nowhere = "http://127.0.0.1:9";
  const env = {
    ...process.env,
    DENO_DIR: join(folder, "deno"),
    NO_COLOR: "1",
    HTTPS_PROXY: nowhere,
    HTTP_PROXY: nowhere,
  };
  const flags = ["check", "--quiet", "--node-modules-dir=manual", "--config", join(at, importMap), entrypoint];
  await run(findDeno(), flags, { cwd: at, env });
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zoe-deploy-"));
  server = await startDeployServer();
  await deploy();
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

describe("supabase functions deploy --use-api", () => {
  it("deploys the three ticks, each checking its callers itself", () => {
    expect([...server.uploads.keys()].sort()).toEqual(NAMES);
    for (const { metadata } of server.uploads.values()) expect(metadata.verify_jwt).toBe(false);
  });

  it("would be caught if it left a module out", async () => {
    const { at, entrypoint, importMap } = await layOut("edge-factory-tick", "incomplete");
    await rm(join(at, "shared/result.ts"));
    await expect(check(at, entrypoint, importMap)).rejects.toThrow(/result\.ts/);
  });

  it.each(NAMES)("uploads for %s a module graph that type-checks alone in real Deno, offline", async (name) => {
    const { at, entrypoint, importMap } = await layOut(name);
    await check(at, entrypoint, importMap);
  });

  it.each(NAMES)("uploads no test, no secret and less than 1 MB for %s", (name) => {
    const files = server.uploads.get(name)?.files ?? [];
    expect(files.map(({ path }) => path).filter((path) => /test|\.env|local\//.test(path))).toEqual([]);
    expect(files.reduce((sum, { content }) => sum + content.length, 0)).toBeLessThan(MEGABYTE);
  });
});
