import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePlace, type Place, type Running, runInPlace, startInPlace } from "../support/running-platform.ts";
import { type Callers, findCallers } from "./acceptance-callers.ts";

const TICKS = ["trader-tick", "reposition-tick", "edge-factory-tick"];

let place: Place;
let platform: Running;
let sql: postgres.Sql;
let callers: Callers;

beforeAll(async () => {
  place = await makePlace();
  platform = startInPlace(place, ["--simulate", "3", "--speed", "20", "--start", "2026-03-01", "--verbose"]);
  await platform.says("Zoe runs");
  sql = postgres(place.databaseUrl, { max: 2, onnotice: () => {} });
  callers = await findCallers(place);
});

afterAll(async () => {
  await sql?.end();
  platform?.child.kill("SIGINT");
  await platform?.ended;
  place?.remove();
});

const origin = () => place.dashboardUrl;
const post = (name: string, init: RequestInit) =>
  fetch(`${place.apiUrl}/functions/v1/${name}`, { method: "POST", ...init });

describe("a function's answer to browsers", () => {
  it.each(TICKS)("%s lets the dashboard's origin ask, and no other", async (name) => {
    const ask = (from: string) => post(name, { method: "OPTIONS", headers: { origin: from } });
    const allowed = await ask(origin());
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(origin());
    for (const from of ["https://evil.example", "null", `${origin()}.evil.example`, `${origin()}0`]) {
      expect((await ask(from)).headers.get("access-control-allow-origin"), from).toBeNull();
    }
  });

  it.each(TICKS)("%s gives another origin nothing to read, even with a good key or when it refuses", async (name) => {
    for (const headers of [callers.secretKey, { "x-cron-token": "wrong" }]) {
      const answer = await post(name, { headers: { ...headers, origin: "https://evil.example" } });
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});

describe("a function's limit on what it reads", () => {
  const big = JSON.stringify({ filler: "x".repeat(17 * 1024) });

  it.each(TICKS)("%s refuses a body above 16 KiB, its length told or not", async (name) => {
    const headers = { ...callers.secretKey, "content-type": "application/json" };
    const stream = new Blob([big]).stream();
    const inits = [{ body: big }, { body: stream, duplex: "half" }] as RequestInit[];
    for (const init of inits) {
      const answer = await post(name, { headers, ...init });
      expect(answer.status).toBe(413);
      expect(await answer.json()).toMatchObject({ code: "body_too_large" });
    }
  });

  it.each(TICKS)("%s refuses what is no JSON object", async (name) => {
    for (const body of ["{", "[]", '"text"', "null"]) {
      const answer = await callers.invoke(callers.secretKey, name, { body });
      expect(answer).toMatchObject({ status: 400, body: { code: "bad_body" } });
    }
  });
});

describe("no secret is ever told", () => {
  /** Every kind of call there is, good and bad, and things going wrong in the middle of it. */
  async function makeTrouble(): Promise<void> {
    const { keys } = callers;
    const everybody = [
      callers.anon,
      callers.viewer,
      callers.operator,
      callers.stranger,
      callers.expired,
      callers.forged,
    ];
    for (const name of TICKS) {
      for (const caller of [...everybody, callers.secretKey, callers.cron, { "x-cron-token": `${keys.cronToken}x` }])
        await callers.invoke(caller, name, { body: JSON.stringify({ trigger: "manual", token: keys.cronToken }) });
      await callers.invoke(callers.secretKey, name, { body: `{"slot": "${keys.secret}"}` });
      await callers.invoke(callers.cron, name, { body: JSON.stringify({ slot: keys.cronToken }) });
    }
    for (const caller of [...everybody, callers.secretKey]) {
      await callers.rpc(caller, "whoami");
      await callers.rpc(caller, "begin_tick", { name: "no-such-tick" });
      await callers.rpc(caller, "set_config", { key: "LIVE_CONFIRM_", value: "x" });
      await callers.rest(caller, "GET", `config?select=*&apikey=${keys.secret}`);
      await callers.rest(caller, "GET", "no_such_table");
    }
    await fetch(`${place.apiUrl}/nowhere?apikey=${keys.secret}`);
    const wrong = { email: keys.operator.email, password: `${keys.operator.password}x` };
    const signIn = { method: "POST", headers: { ...callers.anon, "content-type": "application/json" } };
    await fetch(`${place.apiUrl}/auth/v1/token?grant_type=password`, { ...signIn, body: JSON.stringify(wrong) });
    expect(await runInPlace(place, "scripts/invoke.ts", ["trader-tick"]).ended).toBe(0);
  }

  const secretOf = async (name: string) => {
    const [row] = await sql<{ id: string }[]>`select id from vault.decrypted_secrets where name = ${name}`;
    return row?.id ?? "";
  };
  /** What the alert about the trader says its last call was answered. */
  const stalledBecause = async (): Promise<string> => {
    const [alert] = await sql<{ detail: string }[]>`
      select detail from alerts where kind = 'tick_stalled' and key = 'trader-tick' and resolved_at is null`;
    return alert?.detail.split("Its last call was answered ")[1] ?? "";
  };
  const ticks = async () => (await sql<{ n: number }[]>`select count(*)::int as n from tick_runs`)[0]?.n ?? 0;

  it("not by the console, though every function logs every line of it", async () => {
    await makeTrouble();
    // the schedule itself calls with a token that is wrong: for a while every call of it is refused
    const id = await secretOf("cron_token");
    await sql`select vault.update_secret(${id}, ${`${callers.keys.cronToken}?`})`;
    const told = platform.output().length;
    while (!platform.output().slice(told).includes("request_refused")) await sleep(100);
    while (!(await stalledBecause()).startsWith("401")) await sleep(200);
    await sql`select vault.update_secret(${id}, ${callers.keys.cronToken})`;
    const before = await ticks();
    while ((await ticks()) < before + 3) await sleep(200);
    const output = platform.output();
    expect(output).toContain("run_started"); // every line is there
    for (const secret of secrets()) expect(output.includes(secret), `a secret of ${secret.length} letters`).toBe(false);
  });

  it("not by what the database keeps about runs, alerts, health, thoughts and calls", async () => {
    const [kept] = await sql<{ text: string }[]>`
      select concat(
        (select jsonb_agg(to_jsonb(t)) from tick_runs as t), (select jsonb_agg(to_jsonb(t)) from alerts as t),
        (select jsonb_agg(to_jsonb(t)) from health_heartbeat as t), (select jsonb_agg(to_jsonb(t)) from thoughts as t),
        (select jsonb_agg(to_jsonb(t)) from config as t), (select jsonb_agg(to_jsonb(t)) from config_events as t),
        (select jsonb_agg(to_jsonb(t)) from order_intents as t), (select jsonb_agg(to_jsonb(t)) from order_events as t),
        (select jsonb_agg(to_jsonb(t)) from cron.job as t), (select jsonb_agg(to_jsonb(t)) from cron.job_run_details as t),
        (select jsonb_agg(to_jsonb(t)) from net._http_response as t)
      ) as text`;
    expect(kept?.text.length).toBeGreaterThan(10_000);
    for (const secret of secrets()) expect(kept?.text.includes(secret), `${secret.length} letters`).toBe(false);
  });

  it("not by any file but keys.json, which its owner alone may read", () => {
    expect(statSync(join(place.dataDir, "keys.json")).mode & 0o077).toBe(0);
    for (const file of ["running.json", "market.json"]) {
      const text = readFileSync(join(place.dataDir, file), "utf8");
      for (const secret of secrets()) expect(text.includes(secret)).toBe(false);
    }
  });

  const secrets = () => {
    const { secret, cronToken, jwtSecret, operator, viewer } = callers.keys;
    return [secret, cronToken, jwtSecret, operator.password, viewer.password, ...callers.tokens];
  };
});
