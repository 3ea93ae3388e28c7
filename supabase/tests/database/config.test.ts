import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KNOBS } from "../../../shared/config/knobs.ts";
import type { TestDatabase } from "../support/database.ts";
import { asEngine, openMarket } from "./guards-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openMarket();
});
afterAll(() => db.drop());

const knob = async (key: string) => {
  const [row] =
    await db.sql`select value, source, updated_by, updated_at, operator_value from public.config where key = ${key}`;
  if (!row) throw new Error(`no knob ${key}`);
  return row;
};

describe("the table config", () => {
  it("holds every knob of shared/config with its default, type, range, choices and description", async () => {
    const rows = await db.sql`
      select key as name, value_type as type, default_value as "defaultValue", min::text, max::text, choices, description
      from public.config order by key`;
    const expected = KNOBS.map(({ name, type, defaultValue, min, max, choices, description }) => ({
      name,
      type,
      defaultValue,
      min,
      max,
      choices: choices && [...choices],
      description,
    }));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect([...(rows as unknown as { name: string }[])].sort(byName)).toEqual(expected.sort(byName));
  });

  it("starts with every knob at its default, in the one spelling the trigger would give it", async () => {
    const odd = await db.sql`
      select c.key from public.config as c
      where c.key <> 'kill_switch' and (c.value <> c.default_value or c.source <> 'default' or private.normalise_knob(c, c.value) <> c.value)`;
    expect(odd.map((row) => row.key)).toEqual([]);
  });
});

describe("a knob is changed", () => {
  it("by the runbook's statement, word for word, as it is typed into psql", async () => {
    const result = await db.sql.unsafe("UPDATE config SET value = 'true' WHERE key = 'kill_switch';");
    expect(result.count).toBe(1);
    expect(await knob("kill_switch")).toMatchObject({
      value: "true",
      source: "operator",
      updated_by: "sql:postgres",
      updated_at: new Date("2026-03-01T12:00:00Z"),
    });
    await db.sql.unsafe("UPDATE config SET value = 'false' WHERE key = 'kill_switch';");
    const log = await db.sql`
      select from_value, to_value, actor from public.config_events where key = 'kill_switch' order by id`;
    expect(log).toEqual([
      { from_value: "false", to_value: "true", actor: "sql:postgres" },
      { from_value: "true", to_value: "false", actor: "sql:postgres" },
    ]);
  });

  it("not at all when it has the value already: since when and by whom the kill switch is on stays true", async () => {
    await db.sql`update public.config set value = 'true' where key = 'kill_switch'`;
    const before = await knob("kill_switch");
    await db.advanceClock(60);
    const result = await db.admin`update public.config set value = 'on' where key = 'kill_switch'`;
    expect(result.count).toBe(1);
    expect(await knob("kill_switch")).toEqual(before);
    await db.sql`update public.config set value = 'false' where key = 'kill_switch'`;
  });

  it("by the superuser with who it was", async () => {
    await db.admin`update public.config set value = '4' where key = 'MAX_OPEN_POSITIONS'`;
    expect(await knob("MAX_OPEN_POSITIONS")).toMatchObject({ value: "4", updated_by: "sql:supabase_admin" });
  });

  it("by an upsert of a known key", async () => {
    await db.sql`
      insert into public.config (key, value) values ('MAX_OPEN_POSITIONS', '5')
      on conflict (key) do update set value = excluded.value`;
    expect(await knob("MAX_OPEN_POSITIONS")).toMatchObject({ value: "5" });
  });

  it("by an operator's command, with who it was", async () => {
    await asEngine(db, (sql) => sql`select private.set_knob('MAX_OPEN_POSITIONS', ' 3 ', 'operator:ann@example.test')`);
    expect(await knob("MAX_OPEN_POSITIONS")).toMatchObject({ value: "3", updated_by: "operator:ann@example.test" });
  });

  it.each([
    ["kill_switch", " OFF ", "false"],
    ["STOP_TRADING_ON_DEGRADED", "Yes", "true"],
    ["STOP_TRADING_ON_DEGRADED", "1", "true"],
    ["MAX_NOTIONAL_PER_TRADE", "+025.50", "25.50"],
    ["MAX_NOTIONAL_PER_TRADE", "1e2", "100"],
    ["MAX_OPEN_POSITIONS", "3.0", "3"],
    ["MAX_REPRICE_ATTEMPTS", "0", "0"],
    ["TRADER_MODE", "Paper", "paper"],
    ["LIVE_CONFIRM", " words \n", "words"],
  ])("%s = %j is kept as %j", async (key, value, kept) => {
    await db.sql`update public.config set value = ${value} where key = ${key}`;
    expect((await knob(key)).value).toBe(kept);
  });
});

describe("a knob is refused", () => {
  it.each([
    ["kill_switch", "maybe", "kill_switch can't be 'maybe': it must be true or false."],
    ["kill_switch", "", "kill_switch can't be '': it must be true or false."],
    ["MAX_OPEN_POSITIONS", "2.5", "MAX_OPEN_POSITIONS can't be '2.5': it must be a whole number from 0 to 1000."],
    ["MAX_NOTIONAL_PER_TRADE", "NaN", "MAX_NOTIONAL_PER_TRADE can't be 'NaN': it must be a number from 0 to 1000000."],
    ["MAX_NOTIONAL_PER_TRADE", "-1", "MAX_NOTIONAL_PER_TRADE can't be '-1': it must be a number from 0 to 1000000."],
    [
      "MAX_NOTIONAL_PER_TRADE",
      "Infinity",
      "MAX_NOTIONAL_PER_TRADE can't be 'Infinity': it must be a number from 0 to 1000000.",
    ],
    ["TRADER_MODE", "demo", "TRADER_MODE can't be 'demo': it must be one of disabled, paper, live."],
  ])("%s = %j, with the key, the value and what is allowed", async (key, value, sentence) => {
    const before = await knob(key);
    const failure = await fails(db.sql`update public.config set value = ${value} where key = ${key}`);
    expect(failure).toMatchObject({ code: "PT400", message: sentence });
    expect(await knob(key)).toEqual(before);
  });

  it("when its value is null", async () => {
    expect(await fails(db.sql`update public.config set value = null where key = 'kill_switch'`)).toMatchObject({
      code: "PT400",
    });
  });

  it("when nobody knows it, by insert, by command, and by an update that matches nothing", async () => {
    const known = /Known knobs: .*kill_switch/;
    expect(await fails(db.sql`insert into public.config (key, value) values ('kill_swich', 'true')`)).toMatchObject({
      code: "PT404",
      message: expect.stringMatching(/There is no knob named 'kill_swich'.*kill_switch/),
    });
    expect(await fails(db.sql`update public.config set value = 'true' where key = 'kill_swich'`)).toMatchObject({
      code: "PT404",
      message: expect.stringMatching(known),
    });
    const command = asEngine(db, (sql) => sql`select private.set_knob('kill_swich', 'true', 'x')`);
    expect(await fails(command)).toMatchObject({ code: "PT404", message: expect.stringMatching(known) });
    expect(await fails(db.sql`select private.knob_text('nope')`)).toMatchObject({ code: "PT404" });
  });

  it("when anything but its value is touched, or it is deleted, or all are", async () => {
    for (const statement of [
      "update public.config set max = 1000000 where key = 'MAX_OPEN_POSITIONS'",
      "update public.config set source = 'env' where key = 'MAX_OPEN_POSITIONS'",
      "update public.config set key = 'x' where key = 'MAX_OPEN_POSITIONS'",
      "delete from public.config where key = 'MAX_OPEN_POSITIONS'",
      "truncate public.config cascade",
    ]) {
      expect(await fails(db.sql.unsafe(statement)), statement).toMatchObject({ code: "PT409" });
      expect(await fails(db.admin.unsafe(statement)), statement).toMatchObject({ code: "PT409" });
    }
  });

  it("by every role of the API", async () => {
    const { sql: viewer } = await db.person("viewer");
    const { sql: operator } = await db.person("operator");
    for (const sql of [viewer, operator, db.as("anon"), db.as("service_role")]) {
      const failure = await fails(sql`update public.config set value = 'true' where key = 'kill_switch'`);
      expect(failure).toMatchObject({ code: "42501" });
    }
    expect((await knob("kill_switch")).value).toBe("false");
  });
});

async function fails(attempt: PromiseLike<unknown>): Promise<postgres.PostgresError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof postgres.PostgresError) return error;
    throw error;
  }
  throw new Error("the statement was not refused");
}
