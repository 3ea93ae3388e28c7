import { describe, expect, it } from "vitest";
import { readEnvironment, secretsOf } from "./env.ts";

const complete = {
  SUPABASE_URL: "http://127.0.0.1:54321/",
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_a","automations":"sb_secret_b"}',
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_a"}',
  ZOE_CRON_TOKEN: "0123456789abcdef",
};

const read = (variables: Record<string, string>) => {
  const environment = readEnvironment(variables);
  if (!environment.ok) throw new Error(environment.error.join("; "));
  return environment.value;
};

describe("the environment", () => {
  it("is read with defaults for what is optional", () => {
    expect(read(complete)).toEqual({
      supabaseUrl: "http://127.0.0.1:54321",
      secretKey: "sb_secret_a",
      secretKeys: ["sb_secret_a", "sb_secret_b"],
      publishableKey: "sb_publishable_a",
      cronToken: "0123456789abcdef",
      marketDataUrl: "https://api.exchange.coinbase.com",
      dashboardOrigins: [],
      liveBroker: null,
      knobs: {},
    });
  });

  it("names everything that is missing at once", () => {
    const environment = readEnvironment({});
    expect(environment.ok).toBe(false);
    const text = environment.ok ? "" : environment.error.join("\n");
    for (const name of ["SUPABASE_URL", "SUPABASE_SECRET_KEYS", "SUPABASE_PUBLISHABLE_KEYS", "ZOE_CRON_TOKEN"]) {
      expect(text).toContain(name);
    }
  });

  it("falls back to the legacy keys and accepts either as a caller's key", () => {
    const { SUPABASE_SECRET_KEYS: _, SUPABASE_PUBLISHABLE_KEYS: __, ...rest } = complete;
    const legacy = read({ ...rest, SUPABASE_SERVICE_ROLE_KEY: "eyJ.service", SUPABASE_ANON_KEY: "eyJ.anon" });
    expect(legacy).toMatchObject({ secretKey: "eyJ.service", publishableKey: "eyJ.anon" });
    expect(read({ ...complete, SUPABASE_SERVICE_ROLE_KEY: "eyJ.service" }).secretKeys).toContain("eyJ.service");
  });

  it("refuses addresses that are none, a short cron token and keys that are no JSON", () => {
    const bad = {
      ...complete,
      SUPABASE_URL: "ftp://x",
      MARKET_DATA_URL: "nope",
      LIVE_BROKER_URL: "nope",
      ZOE_CRON_TOKEN: "short",
    };
    const environment = readEnvironment({ ...bad, SUPABASE_SECRET_KEYS: "sb_secret_a" });
    expect(environment.ok ? [] : environment.error).toHaveLength(5);
  });

  it("refuses credentials in an address without repeating them", () => {
    const environment = readEnvironment({ ...complete, LIVE_BROKER_URL: "https://zoe:hunter2@broker.example" });
    expect(environment.ok ? [] : environment.error).toEqual([expect.stringContaining("LIVE_BROKER_TOKEN")]);
    expect(JSON.stringify(environment)).not.toContain("hunter2");
  });

  it("collects the knobs that are set under their runbook names, and nothing else", () => {
    expect(read({ ...complete, MAX_NOTIONAL_PER_TRADE: "10", PATH: "/bin" }).knobs).toEqual({
      MAX_NOTIONAL_PER_TRADE: "10",
    });
  });

  it("reads a list of dashboard origins and a live broker", () => {
    const environment = read({
      ...complete,
      DASHBOARD_ORIGIN: "https://zoe.netlify.app, https://*.netlify.app",
      LIVE_BROKER_URL: "https://broker.example/",
      LIVE_BROKER_TOKEN: "live-token",
    });
    expect(environment.dashboardOrigins).toEqual(["https://zoe.netlify.app", "https://*.netlify.app"]);
    expect(environment.liveBroker).toEqual({ url: "https://broker.example", token: "live-token" });
    expect(secretsOf(environment)).toEqual(["sb_secret_a", "sb_secret_b", "0123456789abcdef", "live-token"]);
  });
});
