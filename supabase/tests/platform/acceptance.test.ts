import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasMarketData, marketDataFile } from "../support/market-data.ts";
import { makePlace, type Place, type Running, runInPlace, startInPlace } from "../support/running-platform.ts";
import { engineBooks, exchangeBooks, innerDisagreements, recount } from "./acceptance-books.ts";
import { type Callers, findCallers } from "./acceptance-callers.ts";

const RECORDINGS = ["btcusd_1m_trade", "btcusd_1m_quote", "ethusd_1m_trade", "ethusd_1m_quote"].map(
  (name) => `lean_coinbase_${name}.csv`,
);

describe.skipIf(!hasMarketData(...RECORDINGS))("paper trading end to end (recorded data)", () => {
  let place: Place;
  let platform: Running;
  let sql: postgres.Sql;
  let callers: Callers;

  const setKnobs = async (knobs: Record<string, string>) => {
    for (const [key, value] of Object.entries(knobs)) await sql`update config set value = ${value} where key = ${key}`;
  };
  const until = async (condition: () => postgres.PendingQuery<{ holds: boolean }[]>) => {
    for (;;) {
      const [row] = await condition();
      if (row?.holds) return;
      await sleep(200);
    }
  };

  beforeAll(async () => {
    place = await makePlace();
    const files = RECORDINGS.map(marketDataFile).join(",");
    platform = startInPlace(place, ["--replay", files, "--speed", "120", "--start", "2017-09-03"]);
    await platform.says("Zoe runs");
    sql = postgres(place.databaseUrl, { max: 2, onnotice: () => {} });
    // what ten minutes can bring is never worth the fees, which is not the question here
    await setKnobs({ TRADER_MAX_HOLD_MINUTES: "10", TRADER_COST_FILTER_RATIO: "0" });
    callers = await findCallers(place);
  });

  afterAll(async () => {
    await sql?.end();
    platform?.child.kill("SIGINT");
    await platform?.ended;
    place?.remove();
  });

  it("scans, enters, fills and exits by itself, and its books agree to the last digit", async () => {
    await until(() => sql`select exists (select from lot_closures) as holds`);
    await setKnobs({ TRADER_ENTRY_SCORE: "100" });
    await until(
      () => sql`
        select not exists (select from crypto_orders where closed_at is null or unresolved)
          and not exists (select from positions where qty > 0) as holds`,
    );
    const [engine, exchange] = [await engineBooks(sql), await exchangeBooks(sql)];
    expect(engine).toEqual(exchange);
    expect({ cash: engine.cash, holdings: engine.holdings }).toEqual(recount("2000", exchange.orders));
    expect(await innerDisagreements(sql)).toEqual([]);
    const sides = Object.values(engine.orders).flatMap(({ side, fills }) => fills.map(() => side));
    expect(new Set(sides)).toEqual(new Set(["buy", "sell"]));
    const [scanned] =
      await sql`select count(distinct symbol)::int as symbols from candidate_scans where score is not null`;
    expect(scanned).toEqual({ symbols: 2 });
  }, 600_000);

  it("has no tick that failed, and nothing on its console that looks like trouble", async () => {
    expect(await sql`select name, error from tick_runs where outcome = 'error'`).toEqual([]);
    expect(platform.output()).not.toMatch(/error|failed|crash|ended \(/i);
  });

  it("never calls the edge factory, which is disabled and holds nothing, and its heartbeat says why", async () => {
    expect(await sql`select from tick_runs where name = 'edge-factory-tick' and trigger = 'cron'`).toHaveLength(0);
    const [beat] = await sql`
      select status, details ->> 'detail' as detail from health_heartbeat where component = 'edge-factory-tick'`;
    expect(beat).toEqual({ status: "ok", detail: "EDGE_FACTORY_MODE is disabled" });
  });

  it("runs a tick by hand through npm run invoke", async () => {
    const invoke = runInPlace(place, "scripts/invoke.ts", ["trader-tick"]);
    expect(await invoke.ended).toBe(0);
    const result = JSON.parse(invoke.output());
    expect(result).toMatchObject({ name: "trader-tick", error: null });
    expect(["ok", "skipped"]).toContain(result.outcome); // skipped: the schedule's own run was at work
  });

  it("is halted by one statement in SQL: the header says so and the next intent is denied", async () => {
    const intent = {
      engine: "manual",
      mode: "paper",
      symbol: "BTC-USD",
      side: "buy",
      purpose: "entry",
      notional: "20",
      limit_price: "4000",
      idempotency_key: "while halted",
    };
    await sql`update config set value = 'true' where key = 'kill_switch'`;
    const header = await callers.rpc(callers.operator, "dashboard_header", { p_mode: "paper" });
    expect(header.body).toMatchObject({ kill_switch: true, trading_state: { state: "halted" } });
    const denied = await callers.rpc(callers.operator, "submit_intent", { intent });
    expect(denied.body).toMatchObject({ status: "denied", code: "KILL_SWITCH" });
    await sql`update config set value = 'false' where key = 'kill_switch'`;
    const [by] = await sql`select count(*)::int as changes from config_events where key = 'kill_switch'`;
    expect(by).toEqual({ changes: 2 });
  });

  describe("bad input is answered with a clear error, and nothing is changed", () => {
    const knobs = () => sql`select key, value, source, updated_at from config order by key`;
    const intents = () => sql`select count(*)::int from order_intents`;

    it.each([
      ["an unknown knob", "anon", { key: "NO_SUCH_KNOB", value: "1" }, 401],
      ["an unknown knob", "stranger", { key: "NO_SUCH_KNOB", value: "1" }, 403],
      ["an unknown knob", "viewer", { key: "NO_SUCH_KNOB", value: "1" }, 403],
      ["an unknown knob", "secretKey", { key: "NO_SUCH_KNOB", value: "1" }, 403],
      ["an unknown knob", "operator", { key: "NO_SUCH_KNOB", value: "1" }, 404],
      ["a bad value", "operator", { key: "MAX_DAILY_NOTIONAL", value: "lots" }, 400],
      ["a value out of range", "operator", { key: "MAX_DAILY_NOTIONAL", value: "-1" }, 400],
      ["NaN", "operator", { key: "MAX_DAILY_NOTIONAL", value: "NaN" }, 400],
      ["a good value", "viewer", { key: "MAX_DAILY_NOTIONAL", value: "51" }, 403],
      ["a good value", "expired", { key: "MAX_DAILY_NOTIONAL", value: "51" }, 401],
      ["a good value", "forged", { key: "MAX_DAILY_NOTIONAL", value: "51" }, 401],
    ] as const)("set_config with %s by %s", async (_what, who, parameters, status) => {
      const before = await knobs();
      const answer = await callers.rpc(callers[who], "set_config", parameters);
      expect(answer).toMatchObject({ status, body: { message: expect.stringMatching(/\w+/) } });
      if (who === "operator") expect(JSON.stringify(answer.body)).toContain(parameters.key);
      expect(await knobs()).toEqual(before);
    });

    it.each(["anon", "stranger", "viewer", "operator", "secretKey", "expired", "forged"] as const)(
      "a plain UPDATE of a knob over REST by %s",
      async (who) => {
        const before = await knobs();
        const answer = await callers.rest(callers[who], "PATCH", "config?key=eq.MAX_DAILY_NOTIONAL", { value: "51" });
        expect([401, 403]).toContain(answer.status);
        expect(await knobs()).toEqual(before);
      },
    );

    it.each([
      ["an unknown symbol", { symbol: "NO-SUCH" }],
      ["a symbol in odd case", { symbol: "btc-usd" }],
      ["a negative amount", { notional: "-20" }],
      ["NaN", { notional: "NaN" }],
      ["a field too many", { surprise: true }],
      ["no idempotency key", { idempotency_key: undefined }],
    ])("an intent with %s is denied INVALID_INTENT", async (what, change) => {
      const intent = {
        engine: "manual",
        mode: "paper",
        symbol: "BTC-USD",
        side: "buy",
        purpose: "entry",
        notional: "20",
        limit_price: "4000",
        idempotency_key: `bad: ${what}`,
        ...change,
      };
      const answer = await callers.rpc(callers.operator, "submit_intent", { intent });
      expect(answer.body).toMatchObject({ status: "denied", code: "INVALID_INTENT", message: expect.any(String) });
      expect(await sql`select from crypto_orders where engine = 'manual'`).toHaveLength(0);
    });

    it.each(["anon", "stranger", "viewer", "expired", "forged"] as const)("any intent by %s", async (who) => {
      const before = await intents();
      const answer = await callers.rpc(callers[who], "submit_intent", { intent: {} });
      expect([401, 403]).toContain(answer.status);
      expect(answer.body).toMatchObject({ message: expect.stringMatching(/\w+/) });
      expect(await intents()).toEqual(before);
    });

    it.each([
      ["no key at all", () => ({}), 401, "unauthorized"],
      ["a wrong cron token", () => ({ "x-cron-token": "wrong" }), 401, "unauthorized"],
      ["the publishable key", () => callers.anon, 401, "unauthorized"],
      ["an expired session", () => callers.expired, 401, "unauthorized"],
      ["a forged session", () => callers.forged, 401, "unauthorized"],
      ["a stranger's session", () => callers.stranger, 403, "forbidden"],
      ["a viewer's session", () => callers.viewer, 403, "forbidden"],
    ] as const)("a tick asked for with %s", async (_what, caller, status, code) => {
      const manual = () => sql`select count(*)::int from tick_runs where trigger <> 'cron'`;
      const before = await manual();
      const answer = await callers.invoke(caller(), "edge-factory-tick");
      expect(answer).toMatchObject({ status, body: { code, message: expect.stringMatching(/\w+ \w+/) } });
      expect(await manual()).toEqual(before);
    });
  });
});
