import { afterEach, describe, expect, it } from "vitest";
import { authenticate, equalsInConstantTime } from "./auth.ts";
import type { Environment } from "./env.ts";
import { reply, startTestServer, type TestServer } from "./test-server.ts";

let server: TestServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const environment = (supabaseUrl = "http://127.0.0.1:1"): Environment => ({
  supabaseUrl,
  secretKey: "sb_secret_a",
  secretKeys: ["sb_secret_a", "sb_secret_b"],
  publishableKey: "sb_publishable_a",
  cronToken: "0123456789abcdef",
  marketDataUrl: "http://127.0.0.1:1",
  dashboardOrigins: [],
  liveBroker: null,
  knobs: {},
});

const callerOf = (headers: Record<string, string>, env = environment()) => authenticate(new Headers(headers), env);

const withSession = async (status: number, body: unknown) => {
  server = await startTestServer((_, response) => reply(response, status, body));
  return callerOf({ authorization: "Bearer aaa.bbb.ccc" }, environment(server.url));
};

describe("a caller", () => {
  it("is the schedule with the cron token", async () => {
    expect(await callerOf({ "x-cron-token": "0123456789abcdef" })).toEqual({ ok: true, value: "schedule" });
  });

  it("is a script with any secret key", async () => {
    expect(await callerOf({ apikey: "sb_secret_b" })).toEqual({ ok: true, value: "secret_key" });
  });

  it("is refused with a wrong, an empty or no credential", async () => {
    const wrong: Record<string, string>[] = [
      {},
      { "x-cron-token": "0123456789abcdeX" },
      { "x-cron-token": "" },
      { apikey: "sb_publishable_a" },
      { apikey: "" },
      { authorization: "Basic abc" },
      { authorization: "0123456789abcdef" },
    ];
    for (const headers of wrong) {
      expect(await callerOf(headers)).toMatchObject({ ok: false, error: { status: 401, code: "unauthorized" } });
    }
  });

  it("is not saved by a good key when the cron token is wrong", async () => {
    expect(await callerOf({ "x-cron-token": "wrong", apikey: "sb_secret_a" })).toMatchObject({ ok: false });
  });

  it("is an operator when the REST API says so of the session, asked with the session itself", async () => {
    expect(await withSession(200, { user_id: "u", role: "operator" })).toEqual({ ok: true, value: "operator" });
    expect(server?.seen[0]).toMatchObject({
      path: "/rest/v1/rpc/whoami",
      headers: { authorization: "Bearer aaa.bbb.ccc", apikey: "sb_publishable_a" },
    });
  });

  it("is forbidden as a viewer or as a signed-in stranger", async () => {
    expect(await withSession(200, { role: "viewer" })).toMatchObject({ ok: false, error: { status: 403 } });
    await server?.close();
    expect(await withSession(200, { role: null })).toMatchObject({ ok: false, error: { status: 403 } });
  });

  it("is told to sign in again when the session has expired", async () => {
    expect(await withSession(401, { code: "PGRST303" })).toMatchObject({ ok: false, error: { status: 401 } });
  });

  it("is asked to try again when the session cannot be checked", async () => {
    expect(await withSession(502, "bad gateway")).toMatchObject({ ok: false, error: { status: 503 } });
    expect(await callerOf({ authorization: "Bearer a.b.c" })).toMatchObject({ ok: false, error: { status: 503 } });
  });
});

describe("the comparison of tokens", () => {
  it("holds for equal texts only", async () => {
    expect(await equalsInConstantTime("abc", "abc")).toBe(true);
    expect(await equalsInConstantTime("abd", "abc")).toBe(false);
    expect(await equalsInConstantTime("", "abc")).toBe(false);
    expect(await equalsInConstantTime("abcabc", "abc")).toBe(false);
  });
});
