import { createClient } from "@supabase/supabase-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import ws from "ws";
import { testDatabase } from "../support/database.ts";
import { makePlace, type Place, type Running, runInPlace, startInPlace } from "../support/running-platform.ts";

let place: Place;
let platform: Running;
let status: Record<string, string>;

beforeAll(async () => {
  place = await makePlace();
  platform = startInPlace(place, ["--simulate", "11"], true);
  await platform.says("Zoe runs");
  const script = runInPlace(place, "scripts/status.ts");
  expect(await script.ended).toBe(0);
  status = Object.fromEntries(
    [...script.output().matchAll(/^(\w+)="(.*)"$/gm)].map(([, name, value]) => [name, value]),
  );
});

afterAll(async () => {
  platform.child.kill("SIGINT");
  await platform.ended;
  place.remove();
});

const client = (key: string | undefined) =>
  createClient(`${status.API_URL}`, `${key}`, {
    auth: { persistSession: false },
    realtime: { transport: ws as never },
  });

async function script(name: string, ...args: string[]): Promise<{ code: number | string; output: string }> {
  const run = runInPlace(place, `scripts/${name}.ts`, args);
  return { code: await run.ended, output: run.output() };
}

describe("npm start", () => {
  it("says what runs where, which market is used and how to sign in, and shows no secret to a log", () => {
    for (const text of [
      place.dashboardUrl,
      place.apiUrl,
      place.databaseUrl,
      "a simulated market (seed 11)",
      "operator@zoe.local",
    ])
      expect(platform.output()).toContain(text);
    for (const name of ["SECRET_KEY", "JWT_SECRET", "CRON_TOKEN", "OPERATOR_PASSWORD", "VIEWER_PASSWORD"])
      expect(platform.output()).not.toContain(status[name]);
  });

  it("serves the dashboard with its own address and publishable key, whatever page is asked for", async () => {
    expect(await (await fetch(`${place.dashboardUrl}/orders`)).text()).toContain('<div id="root">');
    const config = await (await fetch(`${place.dashboardUrl}/config.js`)).text();
    expect(config).toContain(`{"url":"${place.apiUrl}","publishableKey":"${status.PUBLISHABLE_KEY}"}`);
    expect((await fetch(`${place.dashboardUrl}/missing.js`)).status).toBe(404);
    expect((await fetch(`${place.dashboardUrl}/%2e%2e/%2e%2e/package.json`)).status).toBe(404);
  });

  it("lets operator and viewer in with what `npm run status` prints", async () => {
    for (const role of ["OPERATOR", "VIEWER"]) {
      const visitor = client(status.PUBLISHABLE_KEY);
      const credentials = { email: `${status[`${role}_EMAIL`]}`, password: `${status[`${role}_PASSWORD`]}` };
      expect((await visitor.auth.signInWithPassword(credentials)).error).toBeNull();
      expect((await visitor.rpc("whoami")).data).toMatchObject({ role: role.toLowerCase() });
    }
  });

  it("runs each function in Deno and answers a stranger with 401", async () => {
    for (const name of ["trader-tick", "reposition-tick", "edge-factory-tick"]) {
      const response = await fetch(`${status.API_URL}/functions/v1/${name}`, { method: "POST", body: "{}" });
      expect([name, response.status]).toEqual([name, 401]);
    }
  });
});

describe("the scripts", () => {
  it("invoke runs a tick by hand and prints its result", async () => {
    const { code, output } = await script("invoke", "reposition-tick");
    expect([code, output]).toEqual([0, expect.stringMatching(/"outcome"/)]);
    expect((await script("invoke", "no-such-tick")).output).toMatch(/NAME is one of trader-tick/);
  });

  it("config reads and writes knobs, and passes on the database's refusal", async () => {
    expect(await script("config", "get", "MAX_OPEN_POSITIONS")).toEqual({ code: 0, output: "3\n" });
    expect((await script("config", "set", "MAX_OPEN_POSITIONS", "2")).code).toBe(0);
    expect((await script("config", "list")).output).toMatch(/^MAX_OPEN_POSITIONS +2 +operator +3$/m);
    const refused = await script("config", "set", "MAX_OPEN_POSITIONS", "-1");
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(/MAX_OPEN_POSITIONS/);
    expect((await script("config", "get", "NO_SUCH_KNOB")).code).toBe(1);
  });

  it("audit verifies the chain", async () => {
    expect((await script("audit")).code).toBe(0);
  });

  it("rollback does nothing without a yes", async () => {
    const refused = await script("rollback", `--remote=${place.databaseUrl}`);
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(/Not rolled back: nothing was changed/);
  });

  it("rollback takes Zoe out of the database it is pointed at, and says when there is nothing to take", async () => {
    const database = await testDatabase();
    const remote = `--remote=${database.url()}`;
    expect(await script("rollback", remote, "--yes")).toEqual({
      code: 0,
      output: expect.stringMatching(/^Zoe is gone from/m),
    });
    expect((await script("rollback", remote, "--yes")).output).toMatch(/has no Zoe in it: nothing to roll back/);
    await database.drop();
  });
});
