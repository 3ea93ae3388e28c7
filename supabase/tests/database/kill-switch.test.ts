import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
  setKnob,
  submit,
} from "./guards-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openMarket();
  await setKnob(db, "MAX_DAILY_NOTIONAL", "1000");
});
afterEach(() => db.drop());

const kill = () => setKnob(db, "kill_switch", "true");
const claim = async () => {
  const rows = await asEngine(db, (sql) => sql`select private.claim_orders(${randomUUID()}, 1, 100) as claimed`);
  return rows.map((row) => row.claimed as { id: string; action: string; purpose: string; symbol: string });
};
const working = async (intent: Record<string, unknown>) => {
  const id = await accepted(db, intent);
  await moveOrder(db, id, "submitted", "working");
  return id;
};
const state = async (mode = "paper") => (await db.sql`select public.trading_state(${mode}) as state`)[0]?.state;

describe("the kill switch", () => {
  it("cancels open entries in both modes, the never sent ones on the spot, and lets exits finish", async () => {
    await setKnob(db, "LIVE_CONFIRM", "I UNDERSTAND THIS IS REAL MONEY");
    await hold(db, "SOL-USD", "1");
    const fresh = await accepted(db, entry());
    const open = await working(entry({ symbol: "ETH-USD" }));
    const live = await working(entry({ mode: "live", engine: "manual" }));
    const sent = await working(exit({ symbol: "SOL-USD", qty: "0.5" }));
    const [{ id: repricing } = { id: "" }] = await asEngine(
      db,
      (sql) =>
        sql<{ id: string }[]>`select private.cancel_orders(array[${open}]::uuid[], 'reprice', 'reposition-tick') as id`,
    );
    await kill();
    expect(await order(db, fresh)).toMatchObject({ status: "canceled", cancel_reason_code: "kill_switch" });
    expect(await order(db, repricing)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "kill_switch" });
    expect(await order(db, live)).toMatchObject({ status: "cancel_pending", cancel_requested_by: "kill_switch" });
    expect(await order(db, sent)).toMatchObject({ status: "working" });
  });

  it("cancels exits too when KILL_SWITCH_CANCELS_EXITS, but never a flatten", async () => {
    await setKnob(db, "KILL_SWITCH_CANCELS_EXITS", "true");
    await setKnob(db, "KILL_SWITCH_FLATTEN", "true");
    await hold(db, "SOL-USD", "1");
    await hold(db, "ETH-USD", "1");
    const sell = await working(exit({ symbol: "SOL-USD" }));
    const flatten = await working(exit({ symbol: "ETH-USD", purpose: "flatten" }));
    await kill();
    expect(await order(db, sell)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "kill_switch" });
    expect(await order(db, flatten)).toMatchObject({ status: "working" });
  });

  it("lets no entry be claimed for sending after its commit, and lets one claimed before be canceled next", async () => {
    const claimed = await accepted(db, entry());
    await claim();
    const late = await accepted(db, entry({ symbol: "ETH-USD" }));
    await kill();
    expect(await order(db, claimed)).toMatchObject({ status: "cancel_pending", unresolved: true });
    expect(await order(db, late)).toMatchObject({ status: "canceled", submitted_at: null });
    expect(await claim(), "its sender still holds the lease").toEqual([]);
    await db.advanceClock(60);
    expect(await claim()).toMatchObject([{ id: claimed, action: "cancel" }]);
  });

  it("wakes the reposition tick once, whatever the number of orders", async () => {
    await db.admin`select vault.create_secret('http://127.0.0.1:1', 'project_url'), vault.create_secret('t', 'cron_token')`;
    await working(entry());
    await working(entry({ symbol: "ETH-USD" }));
    await kill();
    const calls = await db.admin`select url from net.http_request_queue where url like '%reposition-tick'`;
    expect(calls).toHaveLength(1);
  });

  it("holds though the call that should wake the tick can't be made", async () => {
    const open = await working(entry());
    await db.admin`drop function net.http_post(text, jsonb, jsonb, jsonb, integer) cascade`;
    await db.admin`select vault.create_secret('http://127.0.0.1:1', 'project_url'), vault.create_secret('t', 'cron_token')`;
    await kill();
    expect(await order(db, open)).toMatchObject({ status: "cancel_pending" });
    expect((await submit(db, entry())).code).toBe("KILL_SWITCH");
  });

  it("is logged with who and when, and so is its re-arming; what it canceled stays canceled", async () => {
    const fresh = await accepted(db, entry());
    await asEngine(db, (sql) => sql`select private.set_knob('kill_switch', 'true', 'operator:ann@example.test')`);
    await db.advanceClock(90);
    await asEngine(db, (sql) => sql`select private.set_knob('kill_switch', 'false', 'operator:bob@example.test')`);
    const log =
      await db.sql`select from_value, to_value, actor, ts from public.config_events where key = 'kill_switch' order by id`;
    expect(log).toEqual([
      {
        from_value: "false",
        to_value: "true",
        actor: "operator:ann@example.test",
        ts: new Date("2026-03-01T12:00:00Z"),
      },
      {
        from_value: "true",
        to_value: "false",
        actor: "operator:bob@example.test",
        ts: new Date("2026-03-01T12:01:30Z"),
      },
    ]);
    expect((await order(db, fresh)).status).toBe("canceled");
    await quoteAll(db);
    expect(await submit(db, entry())).toMatchObject({ status: "accepted" });
  });
});

describe("KILL_SWITCH_FLATTEN", () => {
  beforeEach(async () => {
    await setKnob(db, "KILL_SWITCH_FLATTEN", "true");
    await hold(db, "SOL-USD", "1");
  });

  it("sells what is held once every entry is canceled, at a price that crosses the spread", async () => {
    const open = await working(entry());
    await kill();
    expect((await claim()).map((claimed) => claimed.action)).toEqual(["cancel"]);
    await moveOrder(db, open, "canceled");
    expect((await db.sql`select private.work_is_due() as due`)[0]?.due).toBe(true);
    expect(await claim()).toMatchObject([{ action: "send", purpose: "flatten", symbol: "SOL-USD" }]);
    const [sale] = await db.sql`select * from public.crypto_orders where purpose = 'flatten'`;
    expect(sale).toMatchObject({ qty: "1", limit_price: "99.8", urgency: "stop_loss", side: "sell" });
    expect(await claim(), "no second one").toEqual([]);
  });

  it("waits for an exit that is already on its way, and leaves dust and other symbols' locks alone", async () => {
    await hold(db, "DOGE-USD", "0.000001");
    const sell = await working(exit({ symbol: "SOL-USD", qty: "0.4" }));
    await kill();
    expect(await claim()).toMatchObject([{ id: sell, action: "query" }]);
    expect(await db.sql`select from public.crypto_orders where purpose = 'flatten'`).toHaveLength(0);
    await moveOrder(db, sell, "filled");
    await hold(db, "SOL-USD", "0.6");
    expect(await claim()).toMatchObject([{ action: "send", symbol: "SOL-USD" }]);
  });

  it("tries a sale that the broker refuses again with back-off, as one intent and not as ever new ones", async () => {
    await kill();
    for (const seconds of [15, 30, 60]) {
      const [sale] = await claim();
      expect(sale).toMatchObject({ action: "send", purpose: "flatten" });
      await db.sql`select public.apply_execution_reports(${db.sql.json([{ order_id: sale?.id, kind: "refused" }] as never)})`;
      expect((await db.sql`select private.work_is_due() as due`)[0]?.due).toBe(false);
      expect(await claim()).toEqual([]);
      await db.advanceClock(seconds);
      await asEngine(db, (sql) => sql`select private.recover_intents()`);
    }
    expect(await db.sql`select status from public.order_intents`).toEqual([{ status: "active" }]);
  });

  it("sells what the broker confirms while the books disagree", async () => {
    await asEngine(db, async (sql) => {
      await sql`select private.enter_degraded('paper', 'a holding is off')`;
      await sql`
        insert into public.crypto_reconciliation_events (
          mode, status, local_cash, broker_cash, cash_diff, local_holdings, broker_holdings, holdings_diff, cash_tolerance,
          qty_tolerance, facts_hash, observed_at
        )
        values ('paper', 'degraded', 0, 0, 0, '{}', '{"SOL-USD": "0.9"}', '{}', 2, 0.000001, 'test', private.clock())`;
    });
    await kill();
    expect(await claim()).toMatchObject([{ action: "send", purpose: "flatten", qty: "0.9" }]);
  });

  it("is no work where it would be denied: live, and not armed", async () => {
    await hold(db, "SOL-USD", "0");
    await hold(db, "ETH-USD", "1", "trader", "live");
    await kill();
    expect((await db.sql`select private.work_is_due() as due`)[0]?.due).toBe(false);
    expect(await claim()).toEqual([]);
  });

  it("does nothing unless the kill switch is on", async () => {
    expect(await claim()).toEqual([]);
    expect((await db.sql`select private.work_is_due() as due`)[0]?.due).toBe(false);
  });
});

describe("the trading state", () => {
  it("is active, reducing or halted, with every reason, since and until when", async () => {
    expect(await state()).toEqual({ state: "active", reasons: [] });
    await asEngine(db, async (sql) => {
      await sql`select private.enter_safe_mode('paper', 'empty_scans', private.clock() + interval '5 minutes')`;
      await sql`select private.enter_degraded('paper', 'cash off by 5')`;
    });
    expect(await state()).toEqual({
      state: "reducing",
      reasons: [
        {
          code: "SAFE_MODE",
          text: "Safe mode: empty_scans",
          since: "2026-03-01T12:00:00.000000Z",
          until: "2026-03-01T12:05:00.000000Z",
        },
        { code: "DEGRADED", text: "System degraded: cash off by 5", since: "2026-03-01T12:00:00.000000Z", until: null },
      ],
    });
    await kill();
    expect(await state()).toMatchObject({
      state: "halted",
      reasons: [{ code: "KILL_SWITCH", text: "Kill switch is on, set by sql:postgres" }, {}, {}],
    });
    expect(await state("live")).toMatchObject({
      state: "halted",
      reasons: [{ code: "KILL_SWITCH" }, { code: "MODE_NOT_ARMED" }],
    });
    await db.advanceClock(300);
    expect((await state()).reasons.map((reason: { code: string }) => reason.code)).toEqual(["KILL_SWITCH", "DEGRADED"]);
  });

  it("tells readers only", async () => {
    const ask = async (sql: TestDatabase["sql"]) =>
      (await sql`select public.trading_state('paper') as state`)[0]?.state;
    expect(await ask((await db.person("viewer")).sql)).toMatchObject({ state: "active" });
    expect(await ask(db.as("service_role"))).toMatchObject({ state: "active" });
    expect(await ask(db.as("authenticated", { sub: randomUUID() }))).toBeNull();
    await expect(ask(db.as("anon"))).rejects.toMatchObject({ code: "42501" });
  });
});
