import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  ARMING_PHRASE,
  accepted,
  asEngine,
  entry,
  exit,
  hold,
  moveOrder,
  openMarket,
  order,
  setKnob,
  submit,
} from "./guards-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openMarket();
});
afterEach(() => db.drop());

describe("submit_intent accepts", () => {
  it("an entry that every guard lets pass, and creates its intent, its new order, its event, its lock and its reservation", async () => {
    const answer = await submit(db, entry({ strategy: "s", reason: "r", confidence: 0.7 }));
    expect(answer).toEqual({ status: "accepted", intent_id: expect.any(String), order_id: expect.any(String) });
    expect(await order(db, answer.order_id)).toMatchObject({
      intent_group_id: answer.intent_id,
      status: "new",
      qty: "0.25",
      remaining_qty: "0.25",
      limit_price: "100",
      ttl_seconds: 60,
      replace_count: 0,
      unresolved: false,
    });
    const [intent] = await db.sql`select * from public.order_intents where id = ${answer.intent_id ?? null}`;
    expect(intent).toMatchObject({ status: "active", target_notional: "25", signal_confidence: "0.7", strategy: "s" });
    const events = await db.sql`select event_type, from_status, to_status, qty from public.order_events`;
    expect(events).toEqual([{ event_type: "created", from_status: null, to_status: "new", qty: "0.25" }]);
    const [account] = await db.sql`select reserved_cash from public.accounts where mode = 'paper'`;
    expect(account).toEqual({ reserved_cash: "25" });
    const locks = await db.sql`select symbol, engine from public.trade_locks`;
    expect(locks).toEqual([{ symbol: "BTC-USD", engine: "trader" }]);
  });

  it("an exit of what is held with the exit's own time to live", async () => {
    await hold(db, "BTC-USD", "0.1");
    const id = await accepted(db, exit({ metadata: { urgency: "stop_loss" } }));
    expect(await order(db, id)).toMatchObject({ side: "sell", qty: "0.1", ttl_seconds: 30, urgency: "stop_loss" });
  });

  it("and rounds price and quantity to the increments: a buy's price down, a sell's up, quantities down", async () => {
    await hold(db, "ETH-USD", "0.5");
    const buy = await accepted(db, entry({ limit_price: "99.999", notional: "10" }));
    expect(await order(db, buy)).toMatchObject({ limit_price: "99.99", qty: "0.10001" });
    const sell = await accepted(db, exit({ symbol: "ETH-USD", limit_price: "99.991", qty: "0.100000009" }));
    expect(await order(db, sell)).toMatchObject({ limit_price: "100", qty: "0.1" });
  });
});

describe("submit_intent denies", () => {
  it("MODE_NOT_ARMED: live without the phrase, an engine outside its mode, a disabled engine", async () => {
    await setKnob(db, "TRADER_MODE", "live");
    expect(await submit(db, entry({ mode: "live" }))).toMatchObject({
      code: "MODE_NOT_ARMED",
      evidence: { mode: "live" },
    });
    await setKnob(db, "LIVE_CONFIRM", ARMING_PHRASE.toLowerCase());
    expect(await submit(db, entry({ mode: "live" }))).toMatchObject({ code: "MODE_NOT_ARMED" });
    await setKnob(db, "LIVE_CONFIRM", ARMING_PHRASE);
    expect(await submit(db, entry({ mode: "live" }))).toMatchObject({ status: "accepted" });
    expect(await submit(db, entry())).toMatchObject({
      code: "MODE_NOT_ARMED",
      evidence: { engine: "trader", engine_mode: "live", mode: "paper" },
    });
    expect(await submit(db, entry({ engine: "edge_factory" }))).toMatchObject({
      code: "MODE_NOT_ARMED",
      message: "edge_factory works in mode disabled, not paper.",
    });
  });

  it("KILL_SWITCH: everything but a flatten that is switched on", async () => {
    await hold(db, "BTC-USD", "0.1");
    await setKnob(db, "kill_switch", "true");
    expect(await submit(db, entry())).toMatchObject({ code: "KILL_SWITCH", evidence: { purpose: "entry" } });
    expect(await submit(db, exit())).toMatchObject({ code: "KILL_SWITCH" });
    expect(await submit(db, exit({ purpose: "flatten" }))).toMatchObject({ code: "KILL_SWITCH" });
    await setKnob(db, "KILL_SWITCH_FLATTEN", "true");
    expect(await submit(db, exit())).toMatchObject({ code: "KILL_SWITCH" });
    expect(await submit(db, exit({ purpose: "flatten" }))).toMatchObject({ status: "accepted" });
  });

  it("SAFE_MODE: entries only, until its time is over", async () => {
    await hold(db, "BTC-USD", "0.1");
    await asEngine(
      db,
      (sql) => sql`select private.enter_safe_mode('paper', 'empty scans', private.clock() + interval '20 seconds')`,
    );
    expect(await submit(db, entry())).toMatchObject({
      code: "SAFE_MODE",
      message: "Safe mode: empty scans.",
      evidence: { since: "2026-03-01T12:00:00.000000Z", until: "2026-03-01T12:00:20.000000Z" },
    });
    expect(await submit(db, exit())).toMatchObject({ status: "accepted" });
    await db.advanceClock(20);
    expect(await submit(db, entry({ symbol: "ETH-USD" }))).toMatchObject({ status: "accepted" });
    const [account] = await db.sql`select safe_mode, safe_mode_until from public.accounts where mode = 'paper'`;
    expect(account).toEqual({ safe_mode: false, safe_mode_until: null });
  });

  it("DEGRADED: entries only, and only with STOP_TRADING_ON_DEGRADED", async () => {
    await hold(db, "BTC-USD", "0.1");
    await asEngine(db, (sql) => sql`select private.enter_degraded('paper', 'cash off by 5')`);
    expect(await submit(db, entry())).toMatchObject({ code: "DEGRADED", message: "System degraded: cash off by 5." });
    await setKnob(db, "STOP_TRADING_ON_DEGRADED", "false");
    expect(await submit(db, entry({ symbol: "ETH-USD" }))).toMatchObject({ status: "accepted" });
  });

  it("STALE_QUOTE: no quote, an old one, one from the future, one crossed beyond 5 bps", async () => {
    const quote = (change: string) => asEngine(db, (sql) => sql.unsafe(`${change}`));
    await quote(
      "update public.quotes set observed_at = private.clock() - interval '30 seconds' where symbol = 'BTC-USD'",
    );
    expect(await submit(db, entry({ notional: 2 }))).toMatchObject({ status: "accepted" });
    await quote(
      "update public.quotes set observed_at = private.clock() - interval '30.5 seconds' where symbol = 'ETH-USD'",
    );
    expect(await submit(db, entry({ symbol: "ETH-USD" }))).toMatchObject({
      code: "STALE_QUOTE",
      evidence: { age_seconds: "30.500", max_age_seconds: "30" },
    });
    await quote("update public.quotes set observed_at = private.clock() + interval '1 hour' where symbol = 'ETH-USD'");
    expect(await submit(db, entry({ symbol: "ETH-USD" }))).toMatchObject({ code: "STALE_QUOTE" });
    await quote("update public.quotes set bid = 100.06, ask = 100 where symbol = 'SOL-USD'");
    expect(await submit(db, entry({ symbol: "SOL-USD" }))).toMatchObject({
      code: "STALE_QUOTE",
      evidence: { bid: "100.06" },
    });
    await quote("update public.quotes set bid = 100.05, ask = 100 where symbol = 'SOL-USD'");
    expect(await submit(db, entry({ symbol: "SOL-USD", notional: 2 }))).toMatchObject({ status: "accepted" });
    await db.admin`delete from public.quotes where symbol = 'DOGE-USD'`;
    expect(await submit(db, entry({ symbol: "DOGE-USD", limit_price: 1 }))).toMatchObject({
      code: "STALE_QUOTE",
      message: "No usable quote for DOGE-USD: there is none.",
    });
  });

  it("no exit for a stale quote, but opens an alert about it", async () => {
    await hold(db, "BTC-USD", "0.1");
    await db.advanceClock(300);
    const id = await accepted(db, exit());
    const alerts = await db.sql`select kind, key, mode from public.alerts where kind = 'stale_exit_quote'`;
    expect(alerts).toEqual([{ kind: "stale_exit_quote", key: id, mode: "paper" }]);
  });

  it("ORDER_UNRESOLVED and ORDER_WORKING: entries into a symbol with an order of unknown fate, or any live one", async () => {
    await setKnob(db, "MAX_DAILY_NOTIONAL", "500");
    const id = await accepted(db, entry());
    expect(await submit(db, entry())).toMatchObject({
      code: "ORDER_WORKING",
      evidence: { order_id: id, status: "new" },
    });
    await moveOrder(db, id, "submitted");
    expect(await submit(db, entry())).toMatchObject({ code: "ORDER_UNRESOLVED", evidence: { order_id: id } });
    await moveOrder(db, id, "working");
    expect(await submit(db, entry())).toMatchObject({ code: "ORDER_WORKING", evidence: { status: "working" } });
    await moveOrder(db, id, "cancel_pending", "canceled");
    expect(await submit(db, entry())).toMatchObject({ status: "accepted" });
  });

  it("MAX_NOTIONAL_PER_TRADE: a cent too much", async () => {
    expect(await submit(db, entry({ notional: "25.01" }))).toMatchObject({
      code: "MAX_NOTIONAL_PER_TRADE",
      message: "25.01 USD is more than the 25 USD allowed per trade.",
      evidence: { notional: "25.01", limit: "25" },
    });
  });

  it("MAX_OPEN_POSITIONS: symbols held above dust or with an open entry", async () => {
    await setKnob(db, "MAX_DAILY_NOTIONAL", "1000");
    await hold(db, "BTC-USD", "1");
    await hold(db, "DOGE-USD", "0.009");
    await accepted(db, entry({ symbol: "ETH-USD" }));
    await accepted(db, entry({ symbol: "SOL-USD" }));
    expect(await submit(db, entry({ symbol: "AVAX-USD" }))).toMatchObject({
      code: "MAX_OPEN_POSITIONS",
      evidence: { positions: 4, limit: "3" },
    });
    expect(await submit(db, entry({ symbol: "BTC-USD" })), "more of what is held").toMatchObject({
      status: "accepted",
    });
  });

  it("INSUFFICIENT_CASH: free cash must cover the notional with fees, beside what open entries reserve", async () => {
    const cash = (amount: string) =>
      asEngine(db, (sql) => sql`update public.accounts set cash = ${amount} where mode = 'paper'`);
    await cash("25.2374");
    expect(await submit(db, entry())).toMatchObject({
      code: "INSUFFICIENT_CASH",
      evidence: {
        free: expect.stringMatching(/^25\.2374/),
        needed: expect.stringMatching(/^25\.2375/),
        fee_bps: "95",
        fee_source: "knob",
      },
    });
    await cash("50.4750");
    await accepted(db, entry());
    await accepted(db, entry({ symbol: "ETH-USD" }));
    await setKnob(db, "MAX_DAILY_NOTIONAL", "52");
    expect(await submit(db, entry({ symbol: "SOL-USD", notional: 2 }))).toMatchObject({ code: "INSUFFICIENT_CASH" });
  });

  it("EXCEEDS_POSITION: more than is held less what is already being sold; and no second live exit", async () => {
    expect(await submit(db, exit())).toMatchObject({ code: "EXCEEDS_POSITION", evidence: { held: "0", selling: "0" } });
    await hold(db, "BTC-USD", "0.3");
    const id = await accepted(db, exit({ qty: "0.2" }));
    expect(await submit(db, exit({ qty: "0.2" }))).toMatchObject({
      code: "EXCEEDS_POSITION",
      evidence: { held: "0.3", selling: "0.2", qty: "0.2" },
    });
    expect(await submit(db, exit({ qty: "0.1" }))).toMatchObject({ code: "ORDER_WORKING", evidence: { order_id: id } });
  });

  it("EXCEEDS_POSITION while degraded: no more than the broker confirms", async () => {
    await hold(db, "BTC-USD", "0.3");
    await asEngine(db, async (sql) => {
      await sql`
        insert into public.crypto_reconciliation_events
          (mode, local_cash, broker_cash, cash_diff, local_holdings, broker_holdings, holdings_diff, cash_tolerance, qty_tolerance,
           status, facts_hash, observed_at)
        values ('paper', 1, 1, 0, '{"BTC-USD": "0.3"}', '{"BTC-USD": "0.1"}', '{"BTC-USD": "0.2"}', 2, 0.000001, 'degraded', 'x',
          private.clock())`;
      await sql`select private.enter_degraded('paper', 'holdings')`;
    });
    expect(await submit(db, exit({ qty: "0.2" }))).toMatchObject({
      code: "EXCEEDS_POSITION",
      evidence: { confirmed_by_broker: "0.1" },
    });
    expect(await submit(db, exit({ qty: "0.1" }))).toMatchObject({ status: "accepted" });
  });
});
