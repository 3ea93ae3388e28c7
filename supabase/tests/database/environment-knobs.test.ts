import fc from "fast-check";
import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { KNOBS } from "../../../shared/config/knobs.ts";
import { knobsInEnvironment, parseKnob } from "../../../shared/config/parse-config.ts";
import type { TestDatabase } from "../support/database.ts";
import {
  accepted,
  asEngine,
  entry,
  exit,
  hold,
  moveOrder,
  openMarket,
  order,
  quoteAll,
  submit,
} from "./guards-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openMarket();
});
afterAll(() => db.drop());

const knob = async (key: string) => {
  const [row] = await db.sql`select value, source, updated_by from public.config where key = ${key}`;
  return row ?? {};
};
const alerts = () =>
  db.sql`select key, mode, severity, count, detail from public.alerts where kind = 'bad_knob' and resolved_at is null order by key`;
const state = async () => (await db.sql`select public.trading_state('paper') as state`)[0]?.state;
function apply(env: Record<string, unknown>) {
  return asEngine(db, async (sql) => {
    const values = sql.json(env as postgres.JSONValue);
    const [row] = await sql<{ changed: number }[]>`select private.apply_env_knobs(${values}) as changed`;
    return row?.changed;
  });
}

describe("the environment of the functions", () => {
  beforeEach(() => apply({}));

  it("is looked at again while it holds something bad, though every engine is disabled and flat", async () => {
    const isCalled = async () =>
      (await asEngine(db, (sql) => sql`select private.tick_has_work('trader-tick') as due`))[0]?.due;
    const off = { TRADER_MODE: "disabled", EDGE_FACTORY_MODE: "disabled" };
    await apply({ ...off, MAX_NOTIONAL_PER_TRADE: "25,5" });
    expect(await submit(db, entry({ engine: "manual" }))).toMatchObject({ code: "BAD_KNOB" });
    expect(await isCalled()).toBe(true);
    await apply(off);
    expect(await isCalled()).toBe(false);
  });

  it("wins over an operator's value until the variable is gone", async () => {
    await db.sql`update public.config set value = '40' where key = 'MAX_DAILY_NOTIONAL'`;
    expect(await apply({ MAX_DAILY_NOTIONAL: " 70.5 ", RETENTION_DAYS_RUNS: "7" })).toBe(2);
    expect(await knob("MAX_DAILY_NOTIONAL")).toMatchObject({ value: "70.5", source: "env", updated_by: "environment" });
    expect(await apply({})).toBe(2);
    expect(await knob("MAX_DAILY_NOTIONAL")).toMatchObject({ value: "40", source: "operator" });
    expect(await knob("RETENTION_DAYS_RUNS")).toMatchObject({ value: "14", source: "default" });
  });

  it("makes a hand's change of the same knob an error that says so", async () => {
    await apply({ MAX_DAILY_NOTIONAL: "70" });
    await expect(db.sql`update public.config set value = '40' where key = 'MAX_DAILY_NOTIONAL'`).rejects.toMatchObject({
      code: "PT409",
      message:
        "MAX_DAILY_NOTIONAL is set to '70' by an environment variable of the functions, which wins. Remove the variable, then set the knob.",
    });
  });

  it("writes nothing and takes no lock when nothing changed", async () => {
    await apply({ MAX_DAILY_NOTIONAL: "70" });
    const holder = await db.connect("postgres", { max: 1 }).reserve();
    await holder`begin`;
    await holder`select private.lock_accounts()`;
    expect(await apply({ MAX_DAILY_NOTIONAL: "70.0".replace(".0", "") })).toBe(0);
    await holder`rollback`;
    holder.release();
  });

  it("can't touch the kill switch, and what isn't a knob is ignored", async () => {
    await db.sql`update public.config set value = 'true' where key = 'kill_switch'`;
    expect(await apply({ kill_switch: "false", PATH: "/bin" })).toBe(0);
    expect((await knob("kill_switch")).value).toBe("true");
    await db.sql`update public.config set value = 'false' where key = 'kill_switch'`;
  });

  it("can't even reach config with the kill switch: a true one keeps entries out and says why", async () => {
    await apply({ kill_switch: "true" });
    expect((await knob("kill_switch")).value).toBe("false");
    expect(await alerts()).toEqual([expect.objectContaining({ key: "kill_switch", severity: "critical" })]);
    expect(await state()).toMatchObject({ state: "reducing", reasons: [{ code: "BAD_KNOB" }] });
  });
});

describe("a bad knob in the environment of the functions", () => {
  beforeEach(() => apply({}));
  const refusal = "MAX_NOTIONAL_PER_TRADE can't be '25,5': it must be a number from 0 to 1000000.";

  it("is refused alone: the valid ones apply, and the stored value stays in force", async () => {
    await db.sql`update public.config set value = '20' where key = 'MAX_NOTIONAL_PER_TRADE'`;
    expect(await apply({ MAX_NOTIONAL_PER_TRADE: "25,5", MAX_DAILY_NOTIONAL: "70" })).toBe(1);
    expect(await knob("MAX_DAILY_NOTIONAL")).toMatchObject({ value: "70", source: "env" });
    expect(await knob("MAX_NOTIONAL_PER_TRADE")).toMatchObject({ value: "20", source: "operator" });
    await db.sql`update public.config set value = '25' where key = 'MAX_NOTIONAL_PER_TRADE'`;
  });

  it("is named by an alert with its value and what is allowed, until it is gone", async () => {
    await apply({ MAX_NOTIONAL_PER_TRADE: "25,5" });
    await apply({ MAX_NOTIONAL_PER_TRADE: "25,5" });
    await db.sql`select private.run_watchdog()`;
    expect(await alerts()).toEqual([
      {
        key: "MAX_NOTIONAL_PER_TRADE",
        mode: null,
        severity: "critical",
        count: 1,
        detail: `${refusal} What was in force stays in force; it guards against loss, so there are no new entries meanwhile. Exits go on.`,
      },
    ]);
    await apply({ MAX_NOTIONAL_PER_TRADE: "25.5" });
    expect(await alerts()).toEqual([]);
    expect(await state()).toEqual({ state: "active", reasons: [] });
  });

  it("keeps new entries out while it is a risk control; exits pass, and open entries are canceled", async () => {
    await quoteAll(db);
    const working = await accepted(db, entry({ symbol: "ETH-USD" }));
    await moveOrder(db, working, "submitted", "working");
    await hold(db, "BTC-USD", "1");
    await apply({ MAX_NOTIONAL_PER_TRADE: "25,5" });
    expect(await submit(db, entry({ symbol: "SOL-USD" }))).toMatchObject({
      code: "BAD_KNOB",
      message: `Bad setting in the functions' environment: ${refusal}`,
    });
    expect((await submit(db, exit())).status).toBe("accepted");
    expect(await order(db, working)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "bad_knob" });
    const text = `Bad setting in the functions' environment: ${refusal.slice(0, -1)}`;
    const since = "2026-03-01T12:00:00.000000Z";
    expect(await state()).toEqual({ state: "reducing", reasons: [{ code: "BAD_KNOB", text, since, until: null }] });
  });

  it("that is no risk control is told, and trading goes on", async () => {
    await apply({ RETENTION_DAYS_RUNS: "a week" });
    expect(await alerts()).toEqual([expect.objectContaining({ key: "RETENTION_DAYS_RUNS", severity: "warning" })]);
    expect(await state()).toEqual({ state: "active", reasons: [] });
  });

  it("keeps what the environment set before, when it is one that did", async () => {
    await apply({ MAX_DAILY_NOTIONAL: "40" });
    await apply({ MAX_DAILY_NOTIONAL: "lots" });
    expect(await knob("MAX_DAILY_NOTIONAL")).toMatchObject({ value: "40", source: "env" });
  });

  it("may be a name that is almost a knob's: it is told with the knob that was probably meant", async () => {
    await apply(knobsInEnvironment({ MAX_NOTIONAL_PER_TARDE: "10", ALERT_REJECTIONS_COUNT: "5", PATH: "/bin" }));
    expect((await alerts()).map(({ key, severity, detail }) => [key, severity, detail.split(".")[0]])).toEqual([
      [
        "ALERT_REJECTIONS_COUNT",
        "warning",
        "There is no knob named ALERT_REJECTIONS_COUNT; ALERT_REJECTION_COUNT is near to it",
      ],
      [
        "MAX_NOTIONAL_PER_TARDE",
        "critical",
        "There is no knob named MAX_NOTIONAL_PER_TARDE; MAX_NOTIONAL_PER_TRADE is near to it",
      ],
    ]);
  });

  it("fails no tick", async () => {
    const [row] = await db.as("service_role")`
      select public.begin_tick('trader-tick', null, 'wake', '{"MAX_NOTIONAL_PER_TRADE": "25,5", "MAX_OPEN_POSITIONS": "2"}') as answer`;
    expect(row?.answer).toMatchObject({ outcome: "running", work: { config: { MAX_OPEN_POSITIONS: "2" } } });
    expect(row?.answer.work.trading_state.reasons).toEqual([expect.objectContaining({ code: "BAD_KNOB" })]);
  });
});

describe("what a knob may be", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      "true",
      "T",
      "Yes",
      "n",
      "OFF",
      "1",
      "0",
      "live",
      "Paper",
      "demo",
      "1e2",
      "1e-19",
      "+3.0",
      ".5",
      "5.",
      "-0",
      "25,5",
      "NaN",
      "0x1",
      " 7 ",
    ),
    fc.double({ noNaN: true, min: -10, max: 2e6 }).map((n) => n.toFixed(5)),
    fc.integer({ min: -2, max: 100_001 }).map(String),
    fc.nat(30).map((digits) => `0.${"0".repeat(digits)}1`),
    fc.integer({ min: 498, max: 502 }).map((length) => "x".repeat(length)),
  );

  it("is the same in SQL and in TypeScript, and so is the sentence that refuses it", async () => {
    const asked = fc.tuple(
      fc.constantFrom(...KNOBS.map((each) => each.name)),
      text.filter((value) => !value.includes("\0")),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(asked, { minLength: 50, maxLength: 50 }), async (pairs) => {
        const rows = await db.admin<{ value: string | null; refusal: string }[]>`
          select private.read_knob(c, p.value) as value, private.knob_refusal(c, p.value) as refusal
          from unnest(${pairs.map(([key]) => key)}::text[], ${pairs.map(([, value]) => value)}::text[]) with ordinality as p (key, value, n)
          join public.config as c on c.key = p.key order by p.n`;
        for (const [index, [key, value]] of pairs.entries()) {
          const here = parseKnob(key, value);
          const there = rows[index];
          if (!here.ok) expect([there?.value, there?.refusal]).toEqual([null, here.error.message]);
          else expect(parseKnob(key, there?.value ?? "refused by SQL")).toEqual(here);
        }
      }),
      { numRuns: 40 },
    );
  });
});
