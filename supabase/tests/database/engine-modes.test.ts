import { beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { tickRpc } from "../support/tick-rpc.ts";
import { ARMING_PHRASE, accepted, entry, exit, order, setKnob, submit } from "./guards-fixture.ts";
import { applyOne, handOver, openAlerts, openBooks, orderOf, type Wish } from "./money-fixture.ts";

let db: TestDatabase;
let ticks: ReturnType<typeof tickRpc>;

beforeEach(async () => {
  db = await openBooks();
  ticks = tickRpc(db);
  await db.sql`select vault.create_secret('http://127.0.0.1', 'project_url'), vault.create_secret('token', 'cron_token')`;
  return () => db.drop();
});

/** Buys 1 of a symbol at 100 and sells nothing. */
const buyOne = async (wish: Wish) => {
  const id = await handOver(db, { qty: "1", price: "100", ...wish });
  await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100", fee: "0.95" });
};
const sellAll = async (wish: Wish) => {
  const id = await handOver(db, { qty: "1", price: "100", side: "sell", ...wish });
  await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100", fee: "0.95" });
};
/** The functions that the dispatch calls now. */
const called = async (): Promise<(string | undefined)[]> => {
  await db.admin`delete from net.http_request_queue`;
  await db.advanceClock(60);
  await db.sql`select private.dispatch_ticks()`;
  const rows = await db.sql<{ url: string }[]>`select url from net.http_request_queue order by url`;
  return rows.map(({ url }) => url.split("/").at(-1));
};
const watch = () => db.sql`select private.run_watchdog()`;

describe("an engine that is disabled while it holds something", () => {
  beforeEach(async () => {
    await buyOne({ symbol: "SOL-USD" });
    await setKnob(db, "TRADER_MODE", "disabled");
  });

  it("enters nothing, and its exit is accepted", async () => {
    expect(await submit(db, entry({ symbol: "ETH-USD" }))).toMatchObject({ code: "MODE_NOT_ARMED" });
    expect(await submit(db, exit({ symbol: "SOL-USD", qty: "1" }))).toMatchObject({ status: "accepted" });
  });

  it("is still called, told what it holds and that it only exits, until it is flat", async () => {
    expect(await called()).toEqual(["trader-tick"]);
    const run = await ticks.start("trader-tick");
    expect(run.work).toMatchObject({ mode: "paper", exits_only: true, elsewhere: [] });
    expect(run.work.positions).toMatchObject([{ symbol: "SOL-USD", free_qty: "1" }]);
    await ticks.finish(run);
    await sellAll({ symbol: "SOL-USD" });
    expect(await called()).toEqual([]);
    expect(await ticks.begin("trader-tick")).toEqual({ outcome: "skipped", reason: "disabled" });
  });

  it("is called as long as an order of its own is live or unexplained, and not for dust or what is somebody else's", async () => {
    await sellAll({ symbol: "SOL-USD" });
    const id = await handOver(db, { symbol: "ETH-USD", qty: "0.00001", price: "100" });
    expect(await called()).toContain("trader-tick");
    await applyOne(db, id, { state: "filled", filled_qty: "0.00001", average_price: "100", fee: "0.00001" });
    await buyOne({ symbol: "AVAX-USD", engine: "manual" });
    expect(await called()).toEqual([]);
  });
});

describe("an engine that is switched from paper to live", () => {
  it("goes on exiting on paper what it holds there, in the same run, and enters live alone", async () => {
    await buyOne({ symbol: "SOL-USD" });
    await setKnob(db, "LIVE_CONFIRM", ARMING_PHRASE);
    await setKnob(db, "TRADER_MODE", "live");
    const run = await ticks.start("trader-tick");
    expect(run.work).toMatchObject({ mode: "live", exits_only: false, positions: [] });
    expect(run.work.elsewhere).toMatchObject([{ mode: "paper", exits_only: true, positions: [{ symbol: "SOL-USD" }] }]);
    const [{ opening_lot: lot } = {}] =
      (run.work.elsewhere as { positions: { opening_lot: string }[] }[])[0]?.positions ?? [];
    const state = { stop_price: "98", high_water: "101", trail_armed: false };
    const states = [{ mode: "paper", symbol: "SOL-USD", opening_lot: lot, ...state }];
    const { intents } = await ticks.commit(run, {
      exit_states: states,
      intents: [exit({ symbol: "SOL-USD", qty: "1" }), entry({ symbol: "SOL-USD" })],
    });
    expect(intents).toMatchObject([{ status: "accepted" }, { code: "MODE_NOT_ARMED" }]);
    await ticks.finish(run);
    expect(await db.sql`select stop_price, high_water from public.positions where symbol = 'SOL-USD'`).toEqual([
      { stop_price: "98", high_water: "101" },
    ]);
  });

  it("while the live system is not armed sends nothing there, not even an exit, and an alert says what is held", async () => {
    await buyOne({ symbol: "SOL-USD", mode: "live" });
    expect(await submit(db, exit({ mode: "live", symbol: "SOL-USD", qty: "1" }))).toMatchObject({
      code: "MODE_NOT_ARMED",
      evidence: { mode: "live" },
    });
    await watch();
    expect(await openAlerts(db)).toContain("exits_blocked");
    await setKnob(db, "LIVE_CONFIRM", ARMING_PHRASE);
    await watch();
    expect(await openAlerts(db)).not.toContain("exits_blocked");
    expect(await submit(db, exit({ mode: "live", symbol: "SOL-USD", qty: "1" }))).toMatchObject({ status: "accepted" });
  });
});

describe("the working entries of an engine", () => {
  const working = async (change = {}) => {
    const id = await accepted(db, entry(change));
    const run = await ticks.start("reposition-tick");
    await ticks.finish(run);
    await applyOne(db, id);
    expect((await order(db, id)).status).toBe("working");
    return id;
  };
  const canceled = { status: "cancel_pending", cancel_reason_code: "mode_not_armed" };

  it("are canceled when it is disabled, its exits go on, and a broker that refuses is asked again", async () => {
    await buyOne({ symbol: "SOL-USD" });
    const id = await working({ symbol: "ETH-USD" });
    const sell = await accepted(db, exit({ symbol: "SOL-USD", qty: "1" }));
    await setKnob(db, "TRADER_MODE", "disabled");
    expect(await orderOf(db, id)).toMatchObject(canceled);
    expect(await orderOf(db, sell)).toMatchObject({ status: "new" });
    await applyOne(db, id, { kind: "cancel_refused", reason: "not now" });
    expect(await orderOf(db, id)).toMatchObject({ status: "working" });
    await db.advanceClock(6);
    const run = await ticks.start("reposition-tick");
    expect(run.work.orders).toContainEqual(expect.objectContaining({ id, action: "cancel" }));
  });

  it("are canceled when it works in another mode, or live is no longer armed; those of others stay", async () => {
    await setKnob(db, "LIVE_CONFIRM", ARMING_PHRASE);
    await setKnob(db, "TRADER_MODE", "live");
    const live = await working({ mode: "live" });
    const manual = await working({ symbol: "ETH-USD", engine: "manual" });
    await setKnob(db, "LIVE_CONFIRM", "no");
    expect(await orderOf(db, live)).toMatchObject(canceled);
    await setKnob(db, "TRADER_MODE", "disabled");
    expect(await orderOf(db, manual)).toMatchObject({ status: "working" });
  });
});

describe("an engine that is disabled and holds nothing", () => {
  it("is never called, never late and never stalled, and its heartbeat and the dashboard say disabled", async () => {
    await setKnob(db, "TRADER_MODE", "disabled");
    for (let minute = 0; minute < 10; minute += 1) {
      expect(await called()).toEqual([]);
      await watch();
    }
    expect(await openAlerts(db)).not.toContain("tick_stalled");
    const beats = await db.sql`
      select component, status, details ->> 'detail' as detail, last_heartbeat = private.clock() as is_fresh
      from public.health_heartbeat where component like '%-tick' order by component`;
    expect(beats).toEqual([
      { component: "edge-factory-tick", status: "ok", detail: "EDGE_FACTORY_MODE is disabled", is_fresh: true },
      { component: "trader-tick", status: "ok", detail: "TRADER_MODE is disabled", is_fresh: true },
    ]);
    const [row] = await db.sql`select private.header_ticks() as ticks`;
    expect(row?.ticks["trader-tick"]).toMatchObject({ disabled: true, late: false });
    expect(row?.ticks["reposition-tick"]).toMatchObject({ disabled: false });
  });

  it("is called at once when it is switched on again, and is not late for the time it was off", async () => {
    await setKnob(db, "TRADER_MODE", "disabled");
    await watch();
    for (let minute = 0; minute < 5; minute += 1) {
      await db.advanceClock(60);
      await watch();
    }
    await setKnob(db, "TRADER_MODE", "paper");
    await watch();
    expect(await openAlerts(db)).not.toContain("tick_stalled");
    expect(await called()).toEqual(["trader-tick"]);
  });
});

describe("a held symbol that leaves the watchlist", () => {
  beforeEach(async () => {
    await buyOne({ symbol: "SOL-USD" });
    await watch();
    await db.sql`update public.instruments set enabled = false where symbol = 'SOL-USD'`;
  });
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await db.advanceClock(60);
      await watch();
    }
  };
  const unquoted = () =>
    db.sql`select key, mode, severity, detail from public.alerts where kind = 'held_unquoted' and resolved_at is null`;

  it("can still be sold, and not be deleted", async () => {
    expect(await submit(db, exit({ symbol: "SOL-USD", qty: "1" }))).toMatchObject({ status: "accepted" });
    await expect(db.sql`delete from public.instruments where symbol = 'SOL-USD'`).rejects.toThrow(/foreign key/);
  });

  it("is told when nothing quotes it any more, until something does", async () => {
    await pass(3);
    expect(await unquoted()).toEqual([]);
    await pass(1);
    expect(await unquoted()).toMatchObject([{ key: "SOL-USD", mode: "paper", severity: "critical" }]);
    const run = await ticks.start("trader-tick");
    const quote = { symbol: "SOL-USD", bid: "99", ask: "99.02", source: "test", observed_at: run.now };
    await ticks.finish(run, { outcome: "ok", quotes: [quote] });
    await watch();
    expect(await unquoted()).toEqual([]);
  });

  it("is told no more when it has been sold", async () => {
    await pass(4);
    await sellAll({ symbol: "SOL-USD" });
    await watch();
    expect(await unquoted()).toEqual([]);
  });
});
