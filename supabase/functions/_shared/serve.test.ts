import { describe, expect, it } from "vitest";
import type { Result } from "../../../shared/result.ts";
import type { Environment } from "./env.ts";
import { jsonLog } from "./log.ts";
import { serveTick } from "./serve.ts";
import type { TickRequest, TickResult } from "./tick.ts";

const CRON = { "x-cron-token": "0123456789abcdef" };
const KEY = { apikey: "sb_secret_a" };
const environment: Environment = {
  supabaseUrl: "http://127.0.0.1:1",
  secretKey: "sb_secret_a",
  secretKeys: ["sb_secret_a"],
  publishableKey: "sb_publishable_a",
  cronToken: "0123456789abcdef",
  marketDataUrl: "http://127.0.0.1:1",
  dashboardOrigins: ["http://127.0.0.1:5180"],
  liveBroker: null,
  knobs: {},
};
const done: TickResult = {
  name: "trader-tick",
  outcome: "ok",
  reason: null,
  error: null,
  rounds: 1,
  runIds: [],
  counts: {},
  reconciliation: [],
};

const served = (
  run: (request: TickRequest) => Promise<TickResult>,
  env: Result<Environment, readonly string[]> = { ok: true, value: environment },
) => {
  const lines: string[] = [];
  const background: Promise<unknown>[] = [];
  const seen: TickRequest[] = [];
  const handler = serveTick({
    environment: env,
    log: jsonLog("trader-tick", [], (line) => lines.push(line)),
    waitUntil: (work) => void background.push(work),
    run: (request) => {
      seen.push(request);
      return run(request);
    },
  });
  const call = (headers: Record<string, string>, body: string | null = null, method = "POST") =>
    handler(new Request("http://x/functions/v1/trader-tick", { method, headers, body }));
  return { call, lines, background, seen };
};
const works = () => served(async () => done);

describe("a tick's function", () => {
  it("answers the schedule with 202 at once and works on in the background", async () => {
    let finish: (result: TickResult) => void = () => undefined;
    const { call, background, seen } = served(() => new Promise((resolve) => (finish = resolve)));
    const response = await call(CRON, '{"slot":"2026-03-01T12:00:00Z","trigger":"cron"}');
    expect([response.status, await response.json()]).toEqual([202, { accepted: true }]);
    expect(seen).toEqual([{ slot: "2026-03-01T12:00:00Z", trigger: "cron" }]);
    expect(background).toHaveLength(1);
    finish(done);
    await background[0];
  });

  it("answers a person with the result, whatever slot or trigger they name", async () => {
    const { call, seen } = works();
    const response = await call(KEY, '{"slot":"2026-03-01T12:00:00Z","trigger":"cron"}');
    expect([response.status, await response.json()]).toEqual([200, done]);
    expect(seen).toEqual([{ slot: null, trigger: "manual" }]);
  });

  it("answers a failed tick with 500 and its result", async () => {
    const { call } = served(async () => ({ ...done, outcome: "error", error: "boom" }));
    const response = await call(KEY);
    expect([response.status, (await response.json()).error]).toEqual([500, "boom"]);
  });

  it("does not let a crash escape, in front or in the background", async () => {
    const { call, background, lines } = served(() => Promise.reject(new Error("crash with sb_secret_abc")));
    expect((await call(KEY)).status).toBe(500);
    expect((await call(CRON)).status).toBe(202);
    await Promise.all(background);
    expect(lines.filter((line) => line.includes("tick_crashed"))).toHaveLength(2);
    expect(lines.join()).not.toContain("sb_secret_abc");
  });

  it.each([
    ["no credential", {}, null, "POST", 401, "unauthorized"],
    ["a wrong cron token", { "x-cron-token": "nope" }, null, "POST", 401, "unauthorized"],
    ["another method", KEY, null, "GET", 405, "method_not_allowed"],
    ["a body that is no JSON", KEY, "{", "POST", 400, "bad_body"],
    ["a slot that is no time", CRON, '{"slot":"noon"}', "POST", 400, "bad_request"],
    ["an unknown trigger", CRON, '{"trigger":"whim"}', "POST", 400, "bad_request"],
    ["a huge body", KEY, `{"x":"${"y".repeat(20_000)}"}`, "POST", 413, "body_too_large"],
  ])("refuses %s with a code and a sentence, and starts nothing", async (_, headers, body, method, status, code) => {
    const { call, seen } = works();
    const response = await call(headers, body, method);
    const answer = await response.json();
    expect([response.status, answer.code]).toEqual([status, code]);
    expect(answer.message.length).toBeGreaterThan(10);
    expect(seen).toEqual([]);
  });

  it("says everything that its environment lacks, to the caller and once in its log", async () => {
    const { call, lines, seen } = served(async () => done, {
      ok: false,
      error: ["ZOE_CRON_TOKEN must …", "SUPABASE_URL must …"],
    });
    const response = await call(KEY);
    expect([response.status, (await response.json()).message]).toEqual([
      503,
      "this function's environment is incomplete: ZOE_CRON_TOKEN must …; SUPABASE_URL must …",
    ]);
    expect(lines).toHaveLength(1);
    expect(seen).toEqual([]);
  });

  it("lets the dashboard's browser in by CORS, and no other page", async () => {
    const { call } = works();
    const preflight = await call({ origin: "http://127.0.0.1:5180" }, null, "OPTIONS");
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([
      204,
      "http://127.0.0.1:5180",
    ]);
    const strange = await call({ ...KEY, origin: "https://evil.example" });
    expect(strange.headers.get("access-control-allow-origin")).toBeNull();
  });
});
