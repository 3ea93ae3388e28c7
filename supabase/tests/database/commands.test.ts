import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type BusyDay, busyDay } from "../support/busy-day.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

const ALERT = "7b0b9a7e-4f5f-4c60-8c6c-0a2a0d8a6b11";
let db: TestDatabase;
let day: BusyDay;
let operator: { email: string; sql: postgres.Sql };

const command = async (sql: postgres.Sql, call: string) =>
  (await sql.unsafe(`select public.${call} as answer`))[0]?.answer;
const commands = () => [
  "set_kill_switch(true, 'test')",
  `request_cancel('${day.working.order}', 'test')`,
  `settle_order('${day.working.order}', '0', null, null, 'test')`,
  `correct_order('${day.working.order}', '0', null, null, 'test')`,
  `acknowledge_alert('${ALERT}')`,
  "set_config('MAX_DAILY_NOTIONAL', '1')",
  "run_now('trader-tick')",
  "set_safe_mode(true, 5)",
  "record_cash_event('paper', 'deposit', '10', 'test')",
  "adopt_broker_books('paper', 'ADOPT PAPER')",
];
const counts = async () =>
  (
    await db.admin`
      select (select count(*) from public.config_events)::integer as knobs, (select count(*) from public.order_events)::integer as events,
        (select count(*) from public.cash_ledger)::integer as ledger, (select count(*) from public.thoughts)::integer as thoughts,
        (select bool_or(safe_mode) from public.accounts) as safe_mode, (select count(*) from net.http_request_queue)::integer as calls`
  )[0];

describe("a command", () => {
  beforeAll(async () => {
    db = await testDatabase();
    day = await busyDay(db);
  });
  afterAll(() => db.drop());

  it("is refused to everybody but operators, and changes nothing", async () => {
    const callers: [string, postgres.Sql, string][] = [
      ["a viewer", (await db.person("viewer")).sql, "PT403"],
      ["a stranger", db.as("authenticated", { sub: ALERT }), "PT403"],
      ["a token without a user", db.as("authenticated"), "PT403"],
      [
        "a token that claims a role",
        db.as("authenticated", { sub: ALERT, app_metadata: { role: "operator" }, user_role: "operator" }),
        "PT403",
      ],
      ["the secret key", db.as("service_role"), "42501"],
      ["the publishable key", db.as("anon"), "42501"],
    ];
    const before = await counts();
    for (const [who, sql, code] of callers) {
      for (const call of commands())
        await expect(command(sql, call), `${who}: ${call}`).rejects.toMatchObject({ code });
    }
    expect(await counts()).toEqual(before);
  });

  it("says who asked when it refuses", async () => {
    const { sql } = await db.person("viewer");
    await expect(command(sql, "run_now('trader-tick')")).rejects.toMatchObject({
      message: "operator_required",
      detail: "This needs a signed-in operator; the caller is a viewer.",
    });
  });

  it("works for the database's owner at the SQL editor", async () => {
    expect(await command(db.sql, "set_safe_mode(false, null)")).toBeTruthy();
    const [said] =
      await db.sql`select metadata from public.thoughts where engine = 'operator' order by id desc limit 1`;
    expect(said).toEqual({ metadata: { actor: "sql:postgres" } });
  });

  it("is not believed when the owner's session acts for a signed-in person", async () => {
    const { sql: viewer } = await db.person("viewer");
    const [me] = await viewer`select private.current_user_id() as id`;
    await expect(
      db.sql.begin(async (sql) => {
        await sql`select set_config('request.jwt.claims', ${JSON.stringify({ sub: me?.id, role: "authenticated" })}, true)`;
        await sql`set local role authenticated`;
        await sql`select public.run_now('trader-tick')`;
      }),
    ).rejects.toMatchObject({ code: "PT403" });
  });

  it("of somebody whose row in operators is gone is refused at once", async () => {
    const fired = await db.person("operator");
    await command(fired.sql, "set_safe_mode(false, null)");
    await db.sql`delete from public.operators where user_id = ${fired.id}`;
    await expect(command(fired.sql, "set_safe_mode(false, null)")).rejects.toMatchObject({ code: "PT403" });
  });
});

describe("an operator", () => {
  beforeEach(async () => {
    db = await testDatabase();
    day = await busyDay(db);
    operator = await db.person("operator");
    await db.sql`select vault.create_secret('http://127.0.0.1', 'project_url'), vault.create_secret('token', 'cron_token')`;
    return () => db.drop();
  });
  const actor = () => `operator:${operator.email}`;
  const woken = async () =>
    (
      await db.sql`delete from net.http_request_queue returning url, convert_from(body, 'utf8')::json ->> 'trigger' as trigger`
    ).map(({ url, trigger }) => `${url.split("/").at(-1)} by ${trigger}`);

  it("kills with one call: state, alert, cancel and wake at once, and the log says who and why", async () => {
    await command(operator.sql, "set_kill_switch(true, 'prices look wrong')");
    expect(await command(operator.sql, "dashboard_header('paper')")).toMatchObject({
      kill_switch: true,
      trading_state: { state: "halted", reasons: [expect.objectContaining({ code: "KILL_SWITCH" })] },
    });
    expect(await command(operator.sql, "dashboard_alerts('paper')")).toContainEqual(
      expect.objectContaining({
        kind: "kill_switch",
        severity: "critical",
        detail: expect.stringContaining(operator.email),
      }),
    );
    expect(
      await db.sql`select status, cancel_reason_code from public.crypto_orders where id = ${day.working.order}`,
    ).toEqual([{ status: "cancel_pending", cancel_reason_code: "kill_switch" }]);
    expect(await woken()).toEqual(["reposition-tick by wake"]);
    expect(await db.sql`select content from public.thoughts where metadata ->> 'actor' = ${actor()}`).toEqual([
      { content: "Kill switch on: prices look wrong" },
    ]);
    await command(operator.sql, "set_kill_switch(false, 'checked')");
    expect(await command(operator.sql, "dashboard_alerts('paper')")).not.toContainEqual(
      expect.objectContaining({ kind: "kill_switch" }),
    );
    expect(
      await db.sql`select actor, to_value from public.config_events where key = 'kill_switch' order by id`,
    ).toEqual([
      { actor: actor(), to_value: "true" },
      { actor: actor(), to_value: "false" },
    ]);
  });

  it("cancels an order, which stays cancel_pending until the broker proves it", async () => {
    expect(await command(operator.sql, `request_cancel('${day.working.order}', 'changed my mind')`)).toMatchObject({
      status: "cancel_pending",
      changed: true,
    });
    expect(
      await db.sql`select cancel_reason_code, cancel_requested_by from public.crypto_orders where id = ${day.working.order}`,
    ).toEqual([{ cancel_reason_code: "changed my mind", cancel_requested_by: actor() }]);
    expect(await woken()).toEqual(["reposition-tick by wake"]);
    expect(await command(operator.sql, `request_cancel('${day.bought.order}', '')`)).toMatchObject({
      status: "filled",
      changed: false,
    });
    await expect(command(operator.sql, `request_cancel('${ALERT}', 'x')`)).rejects.toMatchObject({ code: "PT404" });
  });

  it("sets knobs, and is told what is wrong with a bad one", async () => {
    expect(await command(operator.sql, "set_config('MAX_OPEN_POSITIONS', '5')")).toBeTruthy();
    expect(await db.sql`select value, updated_by from public.config where key = 'MAX_OPEN_POSITIONS'`).toEqual([
      { value: "5", updated_by: actor() },
    ]);
    await expect(command(operator.sql, "set_config('MAX_OPEN_POSITIONS', 'many')")).rejects.toMatchObject({
      code: "PT400",
      message: expect.stringContaining("MAX_OPEN_POSITIONS can't be 'many'"),
    });
    await expect(command(operator.sql, "set_config('MAX_FUN', '5')")).rejects.toMatchObject({ code: "PT404" });
  });

  it("runs a tick now", async () => {
    expect(await command(operator.sql, "run_now('trader-tick')")).toEqual({ name: "trader-tick", called: true });
    expect(await woken()).toEqual(["trader-tick by manual"]);
    await expect(command(operator.sql, "run_now('lunch')")).rejects.toMatchObject({ code: "PT404" });
  });

  it("halts entries for some minutes in both modes, and lets them go on", async () => {
    expect(await command(operator.sql, "set_safe_mode(true, 5)")).toEqual([
      { mode: "live", safe_mode: true, until: "2026-03-01T12:05:00.000000Z" },
      { mode: "paper", safe_mode: true, until: "2026-03-01T12:05:00.000000Z" },
    ]);
    expect(await command(operator.sql, "trading_state('paper')")).toMatchObject({ state: "reducing" });
    expect(await command(operator.sql, "dashboard_alerts('paper')")).toContainEqual(
      expect.objectContaining({ kind: "safe_mode" }),
    );
    await db.advanceClock(301);
    await db.sql`select private.run_watchdog()`;
    expect(await command(operator.sql, "trading_state('paper')")).toMatchObject({ state: "active" });
    await command(operator.sql, "set_safe_mode(true, null)");
    await command(operator.sql, "set_safe_mode(false, null)");
    expect(await command(operator.sql, "trading_state('paper')")).toMatchObject({ state: "active" });
    for (const minutes of ["0", "-1", "99999"]) {
      await expect(command(operator.sql, `set_safe_mode(true, ${minutes})`)).rejects.toMatchObject({ code: "PT400" });
    }
  });

  const openPaperBook = () => {
    const state = { cash: "1981.85", orders: { a: { reservedCash: "500" } } };
    return db.admin`update paper_exchange.book set state = ${db.admin.json(state)}`;
  };

  it("enters a deposit, which moves the paper exchange's own cash with it", async () => {
    const paperCash = async () => (await db.admin`select state ->> 'cash' as cash from paper_exchange.book`)[0]?.cash;
    await openPaperBook();
    expect(await command(operator.sql, "record_cash_event('paper', 'deposit', '100', 'from my bank')")).toMatchObject({
      cash: "2081.85",
    });
    expect(await db.sql`select amount, actor from public.cash_ledger where kind = 'deposit'`).toEqual([
      { amount: "100", actor: actor() },
    ]);
    expect(await paperCash()).toBe("2081.85");
    await command(operator.sql, "record_cash_event('paper', 'withdrawal', '81.85', 'to my bank')");
    expect(await paperCash()).toBe("2000");
    await command(operator.sql, "record_cash_event('paper', 'adjustment', '-0.5', 'a correction of our book alone')");
    expect(await paperCash()).toBe("2000");
  });

  it("refuses a withdrawal of cash that open orders at the paper exchange hold back, and books nothing", async () => {
    await openPaperBook();
    const before = await counts();
    await expect(
      command(operator.sql, "record_cash_event('paper', 'withdrawal', '1500.01', 'too much')"),
    ).rejects.toMatchObject({ code: "PT409", detail: expect.stringContaining("500 of it in open orders") });
    expect(await counts()).toEqual(before);
    const engine = db.as("service_role");
    await expect(engine`select private.move_paper_cash(5)`).rejects.toMatchObject({ code: "42501" });
  });

  it("adopts the broker's books only with the right words", async () => {
    await expect(command(operator.sql, "adopt_broker_books('paper', 'yes please')")).rejects.toMatchObject({
      code: /^PT/,
    });
  });

  it("acknowledges an alert once, whoever clicks later", async () => {
    const [alert] = await db.sql`select id from public.alerts where kind = 'rejections'`;
    const first = await command(operator.sql, `acknowledge_alert('${alert?.id}')`);
    const colleague = await db.person("operator");
    expect(await command(colleague.sql, `acknowledge_alert('${alert?.id}')`)).toEqual(first);
    expect(first).toMatchObject({ acknowledged_by: actor(), resolved_at: null });
    await expect(command(operator.sql, `acknowledge_alert('${ALERT}')`)).rejects.toMatchObject({ code: "PT404" });
  });
});
