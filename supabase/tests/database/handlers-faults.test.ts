import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Broker, BrokerError } from "../../../shared/broker/port.ts";
import { refusal } from "../../../shared/result.ts";
import { type Bench, BTC, openBench } from "./handlers-fixture.ts";

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  await bench.knob("TRADER_ENTRY_SCORE", "0");
  await bench.knob("TRADER_COST_FILTER_RATIO", "0");
  bench.price("20000", "20010");
  await bench.tick("trader-tick");
  await bench.pass(60);
  bench.price("20000", "20010");
});
afterEach(() => bench.drop());

type Around = (broker: Broker) => Broker;
const unavailable = refusal<BrokerError>({ kind: "unavailable", message: "timed out" });
const down = async () => unavailable;

/** The order arrives, the answer does not. */
const acceptThenTimeOut: Around = (broker) => ({
  ...broker,
  place: async (order) => {
    await broker.place(order);
    return unavailable;
  },
});
/** The order never arrives. */
const timeOut: Around = (broker) => ({ ...broker, place: down });
const wholeBrokerDown: Around = (broker) => ({
  ...broker,
  place: down,
  cancel: down,
  getOrder: down,
  listOpenOrders: down,
  balances: down,
  holdings: down,
});
const counting =
  (calls: string[]): Around =>
  (broker) => ({
    ...broker,
    place: (order) => {
      calls.push(`place ${order.clientOrderId}`);
      return broker.place(order);
    },
  });

const repositionFor = async (seconds: number, step: number, around?: Around) => {
  for (let passed = 0; passed < seconds; passed += step) {
    await bench.pass(step);
    bench.price("20000", "20010");
    await bench.tick("reposition-tick", {}, around);
  }
};

const alerts = async () =>
  (await bench.db.sql`select kind from public.alerts where resolved_at is null order by kind`).map(
    ({ kind }) => kind as string,
  );

describe("an order whose fate is unknown", () => {
  it("stays submitted, takes no second entry, and is found by its client id without being sent again", async () => {
    await bench.tick("trader-tick", {}, acceptThenTimeOut);
    expect((await bench.orders())[0]).toMatchObject({ status: "submitted", unresolved: true });
    const calls: string[] = [];
    await repositionFor(10, 5, counting(calls));
    expect((await bench.orders())[0]).toMatchObject({ status: "working", unresolved: false });
    expect(calls).toEqual([]);
  });

  it("is proven absent only by repeated definite answers over time, never by errors", async () => {
    await bench.knob("SAFE_MODE_BROKER_ERRORS", "1000");
    await bench.tick("trader-tick", {}, timeOut);
    await repositionFor(120, 10, wholeBrokerDown);
    expect((await bench.orders())[0]).toMatchObject({ status: "submitted", unresolved: true });
    await repositionFor(180, 10);
    expect((await bench.orders())[0]).toMatchObject({ status: "rejected", unresolved: false });
  });

  it("keeps its symbol closed to entries while the broker says nothing", async () => {
    await bench.tick("trader-tick", {}, acceptThenTimeOut);
    await bench.pass(60);
    bench.price("20000", "20010");
    await bench.tick("trader-tick", {}, wholeBrokerDown);
    expect(await bench.orders()).toHaveLength(1);
  });
});

describe("a definite refusal", () => {
  it("rejects the order at once and says why", async () => {
    const refuse = async () =>
      refusal<BrokerError>({ kind: "refused", code: "INSUFFICIENT_CASH", message: "not enough" });
    const result = await bench.tick("trader-tick", {}, (broker) => ({ ...broker, place: refuse }));
    expect(result.counts).toMatchObject({ refused: 1 });
    const [order] = await bench.db.sql`select status, reject_reason from public.crypto_orders`;
    expect(order).toEqual({ status: "rejected", reject_reason: "INSUFFICIENT_CASH: not enough" });
  });
});

describe("a run that breaks down", () => {
  it("ends as an error with its sentence, gives its lease back, and keeps what it had learned", async () => {
    const crash: Around = (broker) => ({ ...broker, balances: async () => ({ ok: true, value: null as never }) });
    const result = await bench.tick("trader-tick", {}, crash);
    expect(result).toMatchObject({ outcome: "error", error: expect.stringContaining("null") });
    expect((await bench.orders())[0]).toMatchObject({ status: "working", unresolved: false });
    const [run] = await bench.db
      .sql`select outcome, error from public.tick_runs order by started_at desc, token desc limit 1`;
    expect(run).toEqual({ outcome: "error", error: result.error });
    expect(await bench.tick("trader-tick")).toMatchObject({ outcome: "ok" });
  });

  it("commits nothing once another run has taken its lease", async () => {
    const stale = await bench.store.beginTick("trader-tick", null, "wake", {});
    if (stale.outcome !== "running") throw new Error("the first run was not let in");
    await bench.pass(121);
    bench.price("20000", "20010");
    await bench.tick("trader-tick");
    const thoughts = [{ type: "late", symbol: null, content: "too late" }];
    await expect(bench.store.commitTick(stale.runId, stale.token, { thoughts })).rejects.toMatchObject({
      code: "lease_lost",
    });
    await expect(bench.store.finishTick(stale.runId, stale.token, { outcome: "ok", thoughts })).rejects.toMatchObject({
      code: "lease_lost",
    });
    expect(await bench.db.sql`select from public.thoughts where type = 'late'`).toHaveLength(0);
  });

  it("is turned away while another works, and that one goes round again", async () => {
    const first = await bench.store.beginTick("reposition-tick", null, "wake", {});
    expect(await bench.tick("reposition-tick")).toMatchObject({ outcome: "skipped", reason: "overlap" });
    if (first.outcome !== "running") throw new Error("the first run was not let in");
    expect(await bench.store.finishTick(first.runId, first.token, { outcome: "ok" })).toMatchObject({ again: true });
  });
});

describe("a broker that is down", () => {
  it("puts the mode into safe mode after three errors in a row, and good answers end it", async () => {
    await bench.tick("trader-tick", {}, wholeBrokerDown);
    const [account] = await bench.db.sql`select safe_mode, safe_mode_reason from public.accounts where mode = 'paper'`;
    expect(account).toMatchObject({ safe_mode: true });
    expect(await alerts()).toEqual(expect.arrayContaining(["safe_mode"]));
    await bench.pass(60);
    bench.price("20000", "20010");
    await bench.tick("trader-tick");
    const [after] = await bench.db.sql`select safe_mode from public.accounts where mode = 'paper'`;
    expect(after).toEqual({ safe_mode: false });
  });
});

describe("a market that is down", () => {
  it("leaves every symbol unscored with its reason, and entries end in safe mode after three scans", async () => {
    bench.market.fail(true);
    for (let scan = 0; scan < 3; scan += 1) {
      await bench.pass(60);
      const result = await bench.tick("trader-tick");
      expect(result.outcome).toBe("ok");
    }
    const [scan] = await bench.db
      .sql`select score, no_data_reason from public.candidate_scans order by id desc limit 1`;
    expect(scan).toEqual({ score: null, no_data_reason: "no usable quote" });
    const [account] = await bench.db.sql`select safe_mode from public.accounts where mode = 'paper'`;
    expect(account).toEqual({ safe_mode: true });
    const [beat] = await bench.db
      .sql`select status from public.health_heartbeat where component = 'market_data' and mode = 'paper'`;
    expect(beat).toEqual({ status: "error" });
  });
});

describe("a cancel", () => {
  it("is told to the broker and believed only when it is proven", async () => {
    await bench.tick("trader-tick");
    await bench.db.sql`update public.crypto_orders set status = 'canceled' where symbol = ${BTC}`;
    expect((await bench.orders())[0]).toMatchObject({ status: "cancel_pending" });
    await bench.tick("reposition-tick", {}, wholeBrokerDown);
    expect((await bench.orders())[0]).toMatchObject({ status: "cancel_pending" });
    await repositionFor(40, 10);
    expect((await bench.orders())[0]).toMatchObject({ status: "canceled", cancel_reason_code: "manual_sql" });
  });

  it("that loses against a fill books the fill", async () => {
    await bench.tick("trader-tick");
    await bench.pass(5);
    await bench.db.sql`update public.crypto_orders set status = 'canceled' where symbol = ${BTC}`;
    bench.price("19980", "19990");
    await bench.tick("reposition-tick");
    expect((await bench.orders())[0]).toMatchObject({ status: "filled" });
    const [position] = await bench.db.sql`select qty > 0 as held from public.positions`;
    expect(position).toEqual({ held: true });
  });

  it("of the kill switch takes the entry off the broker's book", async () => {
    await bench.tick("trader-tick");
    await bench.knob("kill_switch", "true");
    await repositionFor(10, 3);
    expect((await bench.orders())[0]).toMatchObject({ status: "canceled", cancel_reason_code: "kill_switch" });
    await bench.pass(60);
    bench.price("20000", "20010");
    const halted = await bench.tick("trader-tick");
    expect(halted.counts.entry_signals).toBeUndefined();
    expect(await bench.orders()).toHaveLength(1);
  });
});

describe("a stop that is hit while a passive exit works", () => {
  it("makes that exit urgent instead of waiting for its patience to run out", async () => {
    await bench.tick("trader-tick");
    await bench.pass(61);
    bench.price("19980", "19990");
    await bench.tick("reposition-tick");
    await bench.pass(60);
    bench.price("20450", "20460");
    await bench.tick("trader-tick");
    expect((await bench.orders())[1]).toMatchObject({ side: "sell", urgency: "passive", status: "working" });
    await bench.pass(5);
    bench.price("19000", "19200");
    const result = await bench.tick("trader-tick");
    expect(result.outcome).toBe("ok");
    expect((await bench.orders())[1]).toMatchObject({ urgency: "stop_loss" });
    for (let round = 0; round < 10; round += 1) {
      await bench.pass(5);
      bench.price("19000", "19200");
      await bench.tick("reposition-tick");
    }
    const sells = (await bench.orders()).filter(({ side }) => side === "sell");
    expect(sells.map(({ status }) => status)).toEqual(["canceled", "filled"]);
  });
});
