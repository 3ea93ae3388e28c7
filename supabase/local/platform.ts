import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { startGateway } from "./api/gateway.ts";
import { assertPortIsFree } from "./api/http.ts";
import { createRestAndAuth } from "./api/rest-and-auth.ts";
import { resumeReplayClock, runReplayClock } from "./clock.ts";
import { startCronAndNet } from "./cron-net/cron-and-net.ts";
import { buildDashboard, startDashboard } from "./dashboard.ts";
import { lockDataFolder } from "./data-folder.ts";
import type { Flags } from "./flags.ts";
import { findDeno } from "./functions/find-deno.ts";
import { functionEnv } from "./functions/function-env.ts";
import { startFunction } from "./functions/function-process.ts";
import { FUNCTION_NAMES } from "./functions/names.ts";
import { type Keys, openKeys } from "./keys.ts";
import { chooseMarket, type Market, serveMarket } from "./market.ts";
import { writeSession } from "./market-session.ts";
import { bootstrapDatabase } from "./postgres/bootstrap.ts";
import { type Cluster, startCluster } from "./postgres/cluster.ts";
import { pushMigrations } from "./postgres/migrate.ts";
import { assertMigrationsUnchanged, rememberMigrations } from "./postgres/migration-digests.ts";
import { createRealtime } from "./realtime/realtime-server.ts";
import { seedPeople, writeVaultSecrets } from "./seed.ts";
import type { Settings } from "./settings.ts";

/** How the platform talks to its console: a finished step with its note, or a line from one of its parts. */
export interface Console {
  step(what: string, note: string): void;
  log(part: string, line: string): void;
}

/** A running embedded platform. */
export interface Platform {
  keys: Keys;
  market: Market;
  /** Address of a live broker that the functions were given, or null. */
  liveBroker: string | null;
  /** Resolves when Postgres ends though nobody asked for it. */
  broken: Promise<void>;
  /** Ends everything, last started first. */
  stop(): Promise<void>;
}

type Stops = (() => unknown)[];

/** Boots the whole platform; what was started already is ended again when a later part refuses. */
export async function startPlatform(settings: Settings, flags: Flags, out: Console): Promise<Platform> {
  const stops: Stops = [];
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= stopAll(stops, out);
    return stopped;
  };
  try {
    return { ...(await boot(settings, flags, out, stops, () => stopped !== undefined)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function stopAll(stops: Stops, out: Console): Promise<void> {
  for (const each of stops.splice(0).reverse()) {
    try {
      await each();
    } catch (error) {
      out.log("zoe", `while stopping: ${(error as Error).message}`);
    }
  }
}

async function boot(settings: Settings, flags: Flags, out: Console, stops: Stops, isStopping: () => boolean) {
  stops.push(lockDataFolder(settings.dataDir));
  await assertPortIsFree(settings.apiPort, "API", "ZOE_API_PORT");
  await assertPortIsFree(settings.databasePort, "database", "ZOE_DB_PORT");
  if (flags.dashboard) await assertPortIsFree(settings.dashboardPort, "dashboard", "ZOE_DASHBOARD_PORT");
  const deno = findDeno();
  const keys = await openKeys(settings.dataDir);
  assertMigrationsUnchanged(settings.dataDir, settings.root);
  const market = await chooseMarket(flags, settings.dataDir, Date.now());
  const building = Promise.allSettled(flags.dashboard ? [buildDashboard(settings.root)] : []);
  const cluster = await startDatabase(settings, market, out, stops);
  const sql = connect(settings, stops);
  const marketDataUrl = await startMarket(settings, market, sql, out, stops);
  await seedPeople(sql, keys);
  await writeVaultSecrets(sql, { project_url: settings.apiUrl, cron_token: keys.cronToken });
  await startApi({ settings, keys, deno, marketDataUrl, cluster, out, stops });
  for (const built of await building) if (built.status === "rejected") throw built.reason;
  if (flags.dashboard) await serveDashboard(settings, keys, out, stops);
  if (market.clockStartMs !== null) await letTimeRun(sql, market, stops);
  await startScheduler(cluster, out, stops);
  stops.push(announce(settings, market));
  const broken = cluster.exited.then(() => (isStopping() ? new Promise<void>(() => {}) : undefined));
  return { keys, market, liveBroker: process.env.LIVE_BROKER_URL || null, broken };
}

function connect({ databaseUrl }: Settings, stops: Stops): postgres.Sql {
  const connection = { application_name: "platform" };
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => {}, connection });
  stops.push(() => sql.end({ timeout: 1 }));
  return sql;
}

async function serveDashboard(settings: Settings, keys: Keys, out: Console, stops: Stops): Promise<void> {
  const { root, dashboardPort: port, apiUrl, dashboardUrl } = settings;
  stops.push((await startDashboard({ root, port, apiUrl, publishableKey: keys.publishable })).stop);
  out.step("Dashboard", dashboardUrl);
}

/** A replay's clock stands still until everything is up, and again as soon as the scheduler has stopped. */
async function letTimeRun(sql: postgres.Sql, { session }: Market, stops: Stops): Promise<void> {
  if (session.kind === "live") return;
  await runReplayClock(sql, session.speed);
  stops.push(() => runReplayClock(sql, 0));
}

async function startScheduler(cluster: Cluster, out: Console, stops: Stops): Promise<void> {
  const log = (line: string) => out.log("scheduler", line);
  stops.push((await startCronAndNet({ databaseUrl: cluster.url("supabase_admin"), log })).stop);
  out.step("Scheduler", "cron and net, as pg_cron and pg_net behave");
}

async function startDatabase(settings: Settings, market: Market, out: Console, stops: Stops): Promise<Cluster> {
  const cluster = await startCluster({
    dataDir: join(settings.dataDir, "postgres"),
    port: settings.databasePort,
    durable: true,
    onLog: (line) => {
      if (/ (PANIC|FATAL):/.test(line) && !line.includes("administrator command")) out.log("postgres", line);
    },
  });
  stops.push(cluster.stop);
  out.step("Postgres 17", `127.0.0.1:${settings.databasePort}${cluster.created ? ", a new cluster" : ""}`);
  await bootstrapDatabase(cluster, "postgres", market.clockStartMs);
  return cluster;
}

/** Pushes the migrations and serves the market from where its clock stands. Returns where it is served; null for the live feed. */
async function startMarket(settings: Settings, market: Market, sql: postgres.Sql, out: Console, stops: Stops) {
  const { dataDir, databaseUrl, root } = settings;
  const stoppedMs = await resumeReplayClock(sql);
  writeSession(dataDir, market.session); // from the first migration on the clock is this market's
  const { applied } = await pushMigrations(databaseUrl, root);
  rememberMigrations(dataDir, root);
  out.step("Migrations", applied.length > 0 ? `${applied.length} applied by the Supabase CLI` : "nothing new");
  if (!market.source) return null;
  const server = await serveMarket(
    market.source,
    sql,
    (line) => out.log("market", line),
    (reached) => tellMarket(dataDir, `${market.sentence}, of which ${reached} x is reached`),
  );
  stops.push(server.stop);
  const startMs = stoppedMs ?? market.clockStartMs;
  const clock = startMs === null ? "" : `, the clock ${stoppedMs === null ? "begins" : "goes on"} at ${iso(startMs)}`;
  out.step("Market server", `${server.url}${clock}`);
  return server.url;
}

const iso = (ms: number) => new Date(ms).toISOString().replace(/\.000Z$/, "Z");

interface ApiParts {
  settings: Settings;
  keys: Keys;
  deno: string;
  marketDataUrl: string | null;
  cluster: Cluster;
  out: Console;
  stops: Stops;
}

async function startApi({ settings, keys, deno, marketDataUrl, cluster, out, stops }: ApiParts): Promise<void> {
  const { apiUrl, apiPort, databaseUrl, dashboardPort, dashboardUrl, dataDir, root } = settings;
  const denoDir = join(dataDir, "deno");
  const secrets = { jwtSecret: keys.jwtSecret, publishableKey: keys.publishable, secretKey: keys.secret };
  const restAndAuth = await createRestAndAuth({
    ...secrets,
    databaseUrl: cluster.url("zoe_gateway"),
    siteUrl: dashboardUrl,
  });
  stops.push(restAndAuth.stop);
  const adminUrl = cluster.url("supabase_admin");
  const realtime = await createRealtime({
    ...secrets,
    databaseUrl: adminUrl,
    log: (line) => out.log("realtime", line),
  });
  stops.push(realtime.stop);
  const dashboardOrigin = `${dashboardUrl},http://localhost:${dashboardPort}`;
  const env = functionEnv({
    apiUrl,
    databaseUrl,
    dashboardOrigin,
    keys,
    marketDataUrl,
    denoDir,
    environment: process.env,
  });
  const functions = FUNCTION_NAMES.map((name) =>
    startFunction({ name, deno, root, env, log: (line) => out.log(name, line) }),
  );
  const stopFunctions = () => Promise.all(functions.map((each) => each.stop()));
  stops.push(stopFunctions);
  const gateway = await startGateway({
    port: apiPort,
    restAndAuth,
    functions,
    realtime,
    log: (line) => out.log("gateway", line),
  });
  // ticks that end their work still need the gateway, so the functions go first
  stops.splice(stops.indexOf(stopFunctions), 1);
  stops.push(gateway.stop, stopFunctions);
  out.step("API gateway", `${apiUrl}: REST, Auth, Realtime, Functions`);
}

/** Says of the running platform's market what has changed. */
function tellMarket(dataDir: string, market: string): void {
  const file = join(dataDir, "running.json");
  if (!existsSync(file)) return;
  writeFileSync(file, `${JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), market }, null, 2)}\n`);
}

/** Writes down where this platform runs, for the scripts, until it ends. */
function announce({ dataDir, apiUrl, databaseUrl, dashboardUrl }: Settings, market: Market): () => void {
  const file = join(dataDir, "running.json");
  writeFileSync(
    file,
    `${JSON.stringify({ pid: process.pid, apiUrl, databaseUrl, dashboardUrl, market: market.sentence }, null, 2)}\n`,
  );
  return () => rmSync(file, { force: true });
}
