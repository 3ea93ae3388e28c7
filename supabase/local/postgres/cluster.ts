import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { guardChild } from "../process/guard.ts";
import { StartError } from "../start-error.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { chooseAccount, locateData, type RunAs } from "./run-as.ts";
import { stopStalePostmaster } from "./stale-postmaster.ts";

/** Everything that decides how a cluster runs. */
export interface ClusterOptions {
  /** Folder of the data files; created when it does not exist. */
  dataDir: string;
  port: number;
  /** False only for throw-away test clusters: no fsync. */
  durable: boolean;
  onLog?: (line: string) => void;
}

/** A running Postgres 17 that listens on 127.0.0.1 only. */
export interface Cluster {
  port: number;
  /** Where the data files really are. */
  dataDir: string;
  /** True when the data files were created by this start. */
  created: boolean;
  url(role?: string, database?: string): string;
  /** Resolves when the server has ended, however it ended. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

/** The password of every login role of an embedded cluster, as with the Supabase CLI; it listens on 127.0.0.1 only. */
export const PASSWORD = "postgres";

/** Starts Postgres on the folder, creating the cluster first when the folder is empty. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const account = chooseAccount();
  const binaries = await findBinaries(account);
  const dataDir = locateData(options.dataDir, account);
  await stopStalePostmaster(dataDir);
  const created = prepareFolder(dataDir, binaries, account);
  const child = spawn(binaries.postgres, serverArguments(dataDir, options), {
    ...account,
    cwd: "/",
    detached: true,
    env: { ...process.env, LC_ALL: "C", PGTZ: "UTC" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  guardChild(child);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await untilReady(child, options);
  return {
    port: options.port,
    dataDir,
    created,
    url: (role = "postgres", database = "postgres") =>
      `postgresql://${role}:${PASSWORD}@127.0.0.1:${options.port}/${database}`,
    exited,
    stop: async () => {
      child.kill("SIGINT"); // fast shutdown: sessions are ended, everything is written
      await exited;
    },
  };
}

function prepareFolder(dataDir: string, binaries: Binaries, account: RunAs): boolean {
  if (existsSync(join(dataDir, "PG_VERSION"))) return false;
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0)
    throw new StartError(`The data folder ${dataDir} is damaged (PG_VERSION is missing): run \`npm run reset\`.`);
  const unfinished = `${dataDir}.unfinished`; // a cluster whose making was broken off is none
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  if (account.uid !== undefined && account.gid !== undefined) chownSync(unfinished, account.uid, account.gid);
  initialize(unfinished, binaries, account);
  rmSync(dataDir, { recursive: true, force: true });
  renameSync(unfinished, dataDir);
  return true;
}

function initialize(dataDir: string, binaries: Binaries, account: RunAs): void {
  const passwordFile = join(tmpdir(), `zoe-initdb-${process.pid}-${process.hrtime.bigint()}`);
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  if (account.uid !== undefined && account.gid !== undefined) chownSync(passwordFile, account.uid, account.gid);
  try {
    const flags = ["--username=supabase_admin", "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "--encoding=UTF8"];
    const locale = ["--locale-provider=builtin", "--locale=C.UTF-8", "--lc-messages=C", "--no-sync"];
    const run = spawnSync(binaries.initdb, ["-D", dataDir, ...flags, ...locale], { ...account, cwd: "/" });
    if (run.status !== 0) {
      const reason = run.error?.message ?? run.stderr.toString().trim().split("\n").join(" ");
      throw new StartError(`The Postgres cluster could not be created in ${dataDir}: ${reason}`);
    }
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function serverArguments(dataDir: string, { port, durable }: ClusterOptions): string[] {
  const settings: Record<string, string | number> = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    // only the postmaster's own command line can set this: it is what allows the replay clock
    cluster_name: "zoe-embedded",
    wal_level: "logical",
    // a replay that was killed goes on where the last commit left it
    track_commit_timestamp: "on",
    max_connections: durable ? 100 : 300,
    max_replication_slots: 20,
    max_wal_senders: 20,
    max_slot_wal_keep_size: "512MB",
    shared_buffers: "128MB",
    timezone: "UTC",
    log_timezone: "UTC",
    ...(durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off", wal_writer_delay: "10ms" }),
  };
  return ["-D", dataDir, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

/** Waits for the line that says so; a server that ends before it explains itself in its last fatal line. */
function untilReady(child: ChildProcess, { port, dataDir, onLog }: ClusterOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const complaints: string[] = [];
    child.once("error", (error) => reject(new StartError(`Postgres could not be started: ${error.message}.`)));
    child.once("close", () => {
      const reason = complaints.join(" ") || "it ended without a reason";
      const taken = /could not bind|Address already in use/.test(reason);
      reject(
        new StartError(
          taken
            ? `Port ${port} (database) is already in use: end the other program or choose another with ZOE_DB_PORT.`
            : `Postgres could not start on ${dataDir}: ${reason}. \`npm run reset\` empties the folder.`,
        ),
      );
    });
    if (!child.stderr) return;
    createInterface({ input: child.stderr }).on("line", (line) => {
      onLog?.(line);
      const complaint = /(?:FATAL|PANIC|LOG):\s+(.*)$/.exec(line)?.[1] ?? "";
      if (/FATAL|PANIC|could not bind/.test(line)) complaints.push(complaint);
      if (line.includes("database system is ready to accept connections")) resolve();
    });
  });
}
