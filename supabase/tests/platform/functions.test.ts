import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startGateway } from "../../local/api/gateway.ts";
import { findDeno } from "../../local/functions/find-deno.ts";
import { functionEnv } from "../../local/functions/function-env.ts";
import { type FunctionProcess, startFunction } from "../../local/functions/function-process.ts";
import { freePort } from "../../local/process/free-port.ts";

const SOURCE = `
const seen = [];
globalThis.EdgeRuntime.waitUntil(Promise.resolve());
Deno.serve(async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname.endsWith("/env")) return Response.json(Deno.env.toObject());
  if (pathname.endsWith("/crash")) { console.log("about to crash"); Deno.exit(7); }
  if (pathname.endsWith("/later")) {
    EdgeRuntime.waitUntil(new Promise((done) => setTimeout(done, 300)).then(() => console.log("background done")));
    return Response.json({ accepted: true }, { status: 202 });
  }
  if (pathname.endsWith("/fail-later")) {
    EdgeRuntime.waitUntil(Promise.reject(new Error("too late")));
    return new Response(null, { status: 202 });
  }
  return Response.json({ pathname, method: request.method, body: await request.text(), token: request.headers.get("x-cron-token") });
});`;

const secrets = {
  publishable: "sb_publishable_x",
  secret: "sb_secret_x",
  jwtSecret: "j",
  cronToken: "c",
  operator: { email: "o", password: "p" },
  viewer: { email: "v", password: "p" },
};

let root: string;
let url: string;
let echo: FunctionProcess;
let gateway: { stop(): Promise<void> };
let lines: string[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "zoe-functions-"));
  mkdirSync(join(root, "supabase/functions/echo"), { recursive: true });
  writeFileSync(join(root, "supabase/functions/echo/index.ts"), SOURCE);
  writeFileSync(join(root, "deno.json"), "{}");
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const env = functionEnv({
    apiUrl: url,
    databaseUrl: "postgresql://somewhere",
    dashboardOrigin: "http://127.0.0.1:5180",
    keys: secrets,
    marketDataUrl: "http://127.0.0.1:1",
    denoDir: join(root, "deno"),
    environment: { MAX_NOTIONAL_PER_TRADE: "10", HOME: "/nowhere", UNRELATED_SECRET: "x" },
  });
  echo = startFunction({ name: "echo", deno: findDeno(), root, env, log: (line) => lines.push(line) });
  gateway = await startGateway({
    port,
    functions: [echo],
    restAndAuth: { fetch: async () => new Response("rest"), stop: async () => {} },
    realtime: { handleUpgrade: (_request, socket) => void socket.end() },
    log: (line) => lines.push(line),
  });
});

afterEach(() => {
  lines = [];
});

afterAll(async () => {
  await echo.stop();
  await gateway.stop();
  rmSync(root, { recursive: true, force: true });
});

const call = (path: string, init?: RequestInit) => fetch(`${url}/functions/v1/${path}`, init);
const untilLogged = async (text: RegExp) => {
  while (!lines.some((line) => text.test(line))) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe("an Edge Function on the embedded platform", () => {
  it("runs in Deno behind the gateway, with the path, method, headers and body it was called with", async () => {
    const response = await call("echo/deep?x=1", { method: "POST", body: "hello", headers: { "x-cron-token": "t" } });
    expect(await response.json()).toEqual({ pathname: "/echo/deep", method: "POST", body: "hello", token: "t" });
  });

  it("finds the environment of a hosted function, the user's knobs, and nothing else of ours", async () => {
    const env = await (await call("echo/env")).json();
    expect(env).toMatchObject({
      SUPABASE_URL: url,
      SUPABASE_DB_URL: "postgresql://somewhere",
      SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_x"}',
      SUPABASE_SECRET_KEYS: '{"default":"sb_secret_x"}',
      SUPABASE_JWKS: '{"keys":[]}',
      ZOE_CRON_TOKEN: "c",
      MARKET_DATA_URL: "http://127.0.0.1:1",
      MAX_NOTIONAL_PER_TRADE: "10",
    });
    expect(env).not.toHaveProperty("UNRELATED_SECRET");
  });

  it("goes on under EdgeRuntime.waitUntil after it has answered", async () => {
    const response = await call("echo/later", { method: "POST" });
    expect(response.status).toBe(202);
    expect(lines).not.toContain("background done");
    await untilLogged(/^background done$/);
  });

  it("survives background work that fails, and says so", async () => {
    await call("echo/fail-later", { method: "POST" });
    await untilLogged(/background work failed.*too late/);
    expect((await call("echo/still-here")).status).toBe(200);
  });

  it("is started again when it crashes, its last words on the console", async () => {
    const response = await call("echo/crash", { method: "POST" });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: "WORKER_ERROR" });
    await untilLogged(/ended \(exit code 7\); starting again/);
    expect(lines).toContain("about to crash");
    expect((await call("echo/alive")).status).toBe(200);
  });

  it("that does not exist is a 404, like any other address that means nothing", async () => {
    expect((await call("nothing")).status).toBe(404);
    expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
  });
});
