import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { findBinaries } from "../../local/postgres/binaries.ts";
import { PASSWORD } from "../../local/postgres/cluster.ts";
import { chooseAccount, type RunAs } from "../../local/postgres/run-as.ts";
import { freePort } from "../../local/process/free-port.ts";
import { guardChild } from "../../local/process/guard.ts";

const EXTENSIONS = fileURLToPath(new URL("./portability-extensions/", import.meta.url));
const PROJECT = new URL("../../local/postgres/sql/", import.meta.url);
const HOSTED = new URL("./portability-hosted.sql", import.meta.url);

/** A Postgres 17 to which pg_cron, pg_net and supabase_vault can be added with `create extension`, and without our stand-ins. */
export interface HostedCluster {
  url(role: string, database: string): string;
  /** Makes a database as a hosted project's is before the first migration. */
  createProject(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts such a Postgres in a folder of its own; it is not one of the embedded platform's. */
export async function startHostedCluster(folder: string): Promise<HostedCluster> {
  const account = chooseAccount();
  const bin = await makePrograms(folder, account);
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  if (account.uid !== undefined && account.gid !== undefined) chownSync(data, account.uid, account.gid);
  const made = spawnSync(join(bin, "initdb"), ["-D", data, "-U", "supabase_admin", "-A", "trust", "-E", "UTF8", "-N"], {
    ...account,
    cwd: "/",
  });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "wal_level=logical",
    "fsync=off",
  ];
  const flags = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  const child = spawn(join(bin, "postgres"), flags, { ...account, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
  guardChild(child);
  await untilReady(child);
  const url = (role: string, database: string) => `postgresql://${role}:${PASSWORD}@127.0.0.1:${port}/${database}`;
  return { url, createProject: (name) => createProject(url, name), stop: () => stop(child) };
}

/** Our package's programs beside a folder of extensions to which ours are added: Postgres finds both from where it lies. */
async function makePrograms(folder: string, account: RunAs): Promise<string> {
  const home = dirname(dirname((await findBinaries(account)).postgres));
  const share = join(folder, "share", "postgresql");
  mkdirSync(join(share, "extension"), { recursive: true });
  symlinkSync(join(home, "lib"), join(folder, "lib"));
  cpSync(join(home, "bin"), join(folder, "bin"), { recursive: true });
  const original = join(home, "share", "postgresql");
  for (const name of readdirSync(original).filter((each) => each !== "extension"))
    symlinkSync(join(original, name), join(share, name));
  cpSync(join(original, "extension"), join(share, "extension"), { recursive: true });
  cpSync(EXTENSIONS, join(share, "extension"), { recursive: true });
  return join(folder, "bin");
}

async function createProject(url: HostedCluster["url"], name: string): Promise<void> {
  await run(url("supabase_admin", "postgres"), `create database ${name}`);
  const files = readdirSync(PROJECT)
    .sort()
    .map((file) => new URL(file, PROJECT));
  for (const file of [...files, HOSTED]) await run(url("supabase_admin", name), readFileSync(file, "utf8"));
  await run(url("supabase_admin", name), `alter database ${name} owner to postgres`);
}

async function run(url: string, text: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(text).simple();
  } finally {
    await sql.end();
  }
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("close", (code) => reject(new Error(`Postgres ended with ${code} before it was ready`)));
    if (!child.stderr) return;
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (line.includes("ready to accept connections")) resolve();
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  await ended;
}
