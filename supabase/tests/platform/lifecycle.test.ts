import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import postgres from "postgres";
import { afterEach, describe, expect, it } from "vitest";
import { startCluster } from "../../local/postgres/cluster.ts";
import { locateData } from "../../local/postgres/run-as.ts";
import {
  descendants,
  isAlive,
  makePlace,
  type Place,
  type Running,
  runInPlace,
  startInPlace,
} from "../support/running-platform.ts";

const SIMULATION = ["--simulate", "7", "--speed", "5", "--start", "2026-03-01"];
const RUNS = "Zoe runs";

let place: Place;
let running: Running[] = [];

async function start(args = SIMULATION): Promise<Running> {
  place ??= await makePlace();
  const platform = startInPlace(place, args);
  running.push(platform);
  return platform;
}

async function booted(args = SIMULATION): Promise<Running> {
  const platform = await start(args);
  await platform.says(RUNS);
  return platform;
}

async function query<T extends postgres.Row>(text: string): Promise<T | undefined> {
  const sql = postgres(place.databaseUrl, { max: 1 });
  try {
    return (await sql.unsafe<T[]>(text))[0];
  } finally {
    await sql.end();
  }
}

const gone = async (pids: number[]) => {
  while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 50));
};

afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill("SIGINT");
    await ended;
  }
  running = [];
  place.remove();
  place = undefined as unknown as Place;
});

describe("Ctrl-C", () => {
  it("ends every process and leaves no replication slot behind", async () => {
    const { child, ended, output } = await booted();
    const processes = descendants(child.pid ?? 0);
    expect(processes.length).toBeGreaterThan(4);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    expect(output()).toContain("Everything has stopped");
    await gone(processes);
    const port = Number(place.env.ZOE_DB_PORT);
    const cluster = await startCluster({ dataDir: join(place.dataDir, "postgres"), port, durable: false });
    const slots = await query("select count(*)::int as slots from pg_replication_slots");
    await cluster.stop();
    expect(slots).toEqual({ slots: 0 });
  });

  it("while it boots ends what has been started so far", async () => {
    const { child, ended, says } = await start();
    await says("Postgres 17");
    const processes = descendants(child.pid ?? 0);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    await gone(processes);
  });
});

describe("a platform that is killed outright", () => {
  it("takes its children with it, and the next start goes on where it stopped, the clock included", async () => {
    const first = await booted();
    await query("update config set value = '20' where key = 'MAX_NOTIONAL_PER_TRADE'");
    // what was committed counts: a moment that was only looked at may come again
    const before = await query<{ now: Date }>(
      "select updated_at as now from config where key = 'MAX_NOTIONAL_PER_TRADE'",
    );
    const processes = descendants(first.child.pid ?? 0);
    first.child.kill("SIGKILL");
    expect(await first.ended).toBe("SIGKILL");
    await gone(processes);
    await new Promise((resolve) => setTimeout(resolve, 3000)); // at five times the speed: fifteen seconds of clock
    const second = await booted();
    expect(second.output()).toContain("the clock goes on at 2026-03-01T00:0");
    const after = await query<{ now: Date; value: string }>(
      "select private.clock() as now, (select value from config where key = 'MAX_NOTIONAL_PER_TRADE') as value",
    );
    expect(after?.value).toBe("20");
    expect(after?.now.getTime()).toBeGreaterThanOrEqual(before?.now.getTime() ?? Number.NaN);
  });

  it("ends in order when only the npm that began it is killed", async () => {
    place = await makePlace();
    const npm = spawn("npm", ["start", "--", ...SIMULATION, "--no-dashboard"], {
      env: { ...process.env, ...place.env },
      stdio: "pipe",
    });
    npm.stderr.resume();
    await new Promise<void>((resolve) => npm.stdout.on("data", (chunk) => String(chunk).includes(RUNS) && resolve()));
    const processes = descendants(npm.pid ?? 0);
    npm.kill("SIGKILL");
    await gone(processes);
    expect(existsSync(join(place.dataDir, "zoe.pid"))).toBe(false);
  });

  it("leaves a lock that a stranger's process number does not make valid", async () => {
    place = await makePlace();
    mkdirSync(place.dataDir, { recursive: true });
    writeFileSync(join(place.dataDir, "zoe.pid"), `${process.pid}\n`);
    await booted();
  });
});

describe("a platform whose Postgres is killed", () => {
  it("says so, ends everything else and exits with 1", async () => {
    const { child, ended, output } = await booted();
    const processes = descendants(child.pid ?? 0);
    const pid = Number(readFileSync(join(place.dataDir, "postgres", "postmaster.pid"), "utf8").split("\n")[0]);
    process.kill(pid, "SIGKILL");
    expect(await ended).toBe(1);
    expect(output()).toContain("Postgres has ended unexpectedly");
    await gone(processes);
  });
});

describe("a start that cannot work is one clear sentence and exit code 1", () => {
  const refused = async (args: string[], sentence: RegExp) => {
    const { ended, output } = await start(args);
    expect(await ended).toBe(1);
    expect(output()).toMatch(sentence);
    expect(output()).not.toMatch(/^\s+at /m);
  };

  it("when a port is in use", async () => {
    place = await makePlace();
    const squatter = createServer().listen(Number(place.env.ZOE_API_PORT), "127.0.0.1");
    await refused(SIMULATION, /^Port \d+ \(API\) is already in use: .*ZOE_API_PORT\.$/m);
    squatter.close();
  });

  it("when Zoe already runs on the data folder", async () => {
    await booted();
    await refused(SIMULATION, /^Zoe already runs on .* \(process \d+\): stop it first\.$/m);
  });

  it("when the data folder is damaged", async () => {
    place = await makePlace();
    mkdirSync(join(place.dataDir, "postgres"), { recursive: true });
    writeFileSync(join(place.dataDir, "postgres", "PG_VERSION"), "17\n");
    await refused(SIMULATION, /^Postgres could not start on .*`npm run reset` empties the folder\.$/m);
  });

  it("when a dependency is missing", async () => {
    place = await makePlace();
    const alone = join(dirname(place.dataDir), "launch.mjs");
    copyFileSync("supabase/local/launch.js", alone);
    const { ended, output } = runInPlace(place, alone, [], []);
    expect(await ended).toBe(1);
    expect(output()).toBe("The package tsx is missing: run `npm ci` first.\n");
  });

  it("when a flag is unknown or makes no sense", async () => {
    await refused(["--sped", "3"], /^Unknown option '--sped'\.$/m);
    await refused(["--speed", "3"], /^--speed and --start need --replay or --simulate/m);
    await refused(["--simulate", "x"], /^--simulate "x" is not a seed/m);
    await refused(["--replay", "/no/such/btcusd_1m_trade.csv"], /no\/such\/btcusd_1m_trade\.csv/);
  });

  it("when the data folder holds another market", async () => {
    const first = await booted();
    first.child.kill("SIGINT");
    await first.ended;
    await refused(
      ["--simulate", "8"],
      /holds a simulated market \(seed 7\), not the market asked for: `npm run reset` empties it/,
    );
  });
});

describe("a data folder whose migrations were edited afterwards", () => {
  it("is refused, the edited file named", async () => {
    const first = await booted();
    first.child.kill("SIGINT");
    await first.ended;
    const file = join(place.dataDir, "migrations.json");
    const [name = "", digest = ""] =
      Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, string>)[0] ?? [];
    writeFileSync(file, readFileSync(file, "utf8").replace(digest, "another text"));
    const { ended, output } = await start();
    expect(await ended).toBe(1);
    expect(output()).toContain(`Edited since they were applied to ${place.dataDir}: ${name}. `);
  });
});

describe.runIf(userInfo().uid === 0)("for root, whose folders Postgres may not enter", () => {
  it("keeps the data where Postgres can, and finds it again", async () => {
    place = await makePlace();
    chmodSync(dirname(place.dataDir), 0o700);
    const { child, ended } = await booted();
    child.kill("SIGINT");
    await ended;
    const again = await booted();
    expect(again.output()).toContain("the clock goes on at");
    again.child.kill("SIGINT");
    await again.ended;
    expect(await runInPlace(place, "scripts/reset.ts").ended).toBe(0);
    expect(existsSync(locateData(join(place.dataDir, "postgres")))).toBe(false);
  });
});

describe("npm run reset", () => {
  it("refuses while Zoe runs, and empties the folder when it does not", async () => {
    const platform = await booted();
    const tooEarly = runInPlace(place, "scripts/reset.ts");
    expect(await tooEarly.ended).toBe(1);
    expect(tooEarly.output()).toMatch(/stop it first/);
    platform.child.kill("SIGINT");
    await platform.ended;
    const reset = runInPlace(place, "scripts/reset.ts");
    expect(await reset.ended).toBe(0);
    await booted(["--simulate", "8"]);
  });
});
