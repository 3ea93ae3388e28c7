import { describe, expect, it } from "vitest";
import { fakeStore, running } from "./fake-store.ts";
import type { Market } from "./market/market.ts";
import { StoreError } from "./rpc.ts";
import { count, type TickBody, type TickDeps } from "./run.ts";
import type { Store } from "./store.ts";
import { runTick } from "./tick.ts";

const market: Market = {
  tickers: async () => new Map(),
  candles: async () => ({ ok: true, value: [] }),
  trades: async () => ({ ok: true, value: [] }),
};
const noBrokers = () => {
  throw new Error("no broker in this test");
};
const run = (store: Store, body: TickBody, deps: Partial<TickDeps> = {}) =>
  runTick(
    "reposition-tick",
    body,
    { store, market, brokers: noBrokers, ...deps },
    { slot: "2026-03-01T12:00:00Z", trigger: "cron" },
  );

const idle: TickBody = async () => undefined;
const boom: TickBody = async () => {
  throw new Error("boom");
};

describe("a tick", () => {
  it("begins, works, commits and finishes in three round trips", async () => {
    const store = fakeStore([running()]);
    const result = await run(store, async (one) => {
      await one.commit({ quotes: [] });
      count(one.findings, "sent", 2);
    });
    expect(store.told.map(({ call }) => call)).toEqual(["begin", "commit", "finish"]);
    expect(store.told[2]?.payload).toEqual({ outcome: "ok", counts: { sent: 2 } });
    expect(result).toMatchObject({ outcome: "ok", rounds: 1, runIds: ["r1"], counts: { sent: 2 } });
  });

  it("hands the environment's knobs to the database", async () => {
    const store = fakeStore([running()]);
    await run(store, idle, { knobs: { MAX_DAILY_NOTIONAL: "10" } });
    expect(store.told[0]?.payload).toEqual({
      name: "reposition-tick",
      slot: "2026-03-01T12:00:00Z",
      trigger: "cron",
      env: { MAX_DAILY_NOTIONAL: "10" },
    });
  });

  it("does nothing when it is skipped", async () => {
    const store = fakeStore([{ outcome: "skipped", reason: "slot_taken" }]);
    expect(await run(store, boom)).toMatchObject({ outcome: "skipped", reason: "slot_taken", rounds: 0 });
    expect(store.told).toHaveLength(1);
  });

  it("goes round again, without a slot, as long as work has arrived", async () => {
    let left = 2;
    const store = fakeStore([running(), running(), running()], undefined, () => ({ again: left-- > 0 }));
    expect(await run(store, idle)).toMatchObject({ outcome: "ok", rounds: 3 });
    expect(store.told.filter(({ call }) => call === "begin")[1]?.payload).toMatchObject({
      slot: null,
      trigger: "wake",
    });
  });

  it("stops going round after ten rounds or a minute, and leaves the rest to the next wake", async () => {
    const endless = () =>
      fakeStore(
        Array.from({ length: 50 }, () => running()),
        undefined,
        () => ({ again: true }),
      );
    expect(await run(endless(), idle)).toMatchObject({ outcome: "ok", rounds: 10 });
    let elapsed = 0;
    expect(await run(endless(), idle, { elapsedMs: () => (elapsed += 10_000) })).toMatchObject({ outcome: "ok" });
    expect(elapsed).toBeLessThan(200_000);
  });

  it("turns an exception into an error of the run, with what it had found until then", async () => {
    const store = fakeStore([running()]);
    const result = await run(store, async (one) => {
      one.findings.reports.push({ order_id: "o1", kind: "report" });
      throw new Error("boom");
    });
    expect(result).toMatchObject({ outcome: "error", error: "boom" });
    expect(store.told[1]).toEqual({
      call: "finish",
      payload: { outcome: "error", error: "boom", counts: {}, reports: [{ order_id: "o1", kind: "report" }] },
    });
  });

  it("commits the reports found so far once, and keeps them for the finish when the commit fails", async () => {
    const body: TickBody = async (one) => {
      one.findings.reports.push({ order_id: "o1" });
      await one.commit({});
    };
    const fine = fakeStore([running()]);
    await run(fine, body);
    expect(fine.told.map(({ payload }) => payload.reports)).toEqual([undefined, [{ order_id: "o1" }], undefined]);
    const failing = fakeStore([running()], () => {
      throw new StoreError("unavailable", "commit_tick: timed out");
    });
    await run(failing, body);
    expect(failing.told.at(-1)?.payload).toMatchObject({ outcome: "error", reports: [{ order_id: "o1" }] });
  });

  it("finishes once more when the database gave no answer, with the same findings", async () => {
    let fails = 1;
    const store = fakeStore([running()], undefined, () => {
      if (fails-- > 0) throw new StoreError("unavailable", "finish_tick: timed out");
      return {};
    });
    await run(store, async (one) => void one.findings.reports.push({ order_id: "o1" }));
    const finishes = store.told.filter(({ call }) => call === "finish");
    expect(finishes.map(({ payload }) => payload.reports)).toEqual([[{ order_id: "o1" }], [{ order_id: "o1" }]]);
  });

  it("gives the lease back without its findings when the database refuses them", async () => {
    let refusals = 1;
    const store = fakeStore([running()], undefined, () => {
      if (refusals-- > 0) throw new StoreError("refused", "finish_tick: bad report");
      return {};
    });
    const result = await run(store, async (one) => void one.findings.reports.push({ order_id: "bad" }));
    expect(result).toMatchObject({ outcome: "error", error: "finish_tick: bad report" });
    expect(store.told.at(-1)?.payload).toEqual({ outcome: "error", error: "finish_tick: bad report", counts: {} });
  });

  it("finishes only once when its lease is lost", async () => {
    const store = fakeStore([running()], undefined, () => {
      throw new StoreError("lease_lost", "finish_tick: lease_lost");
    });
    expect(await run(store, idle)).toMatchObject({ outcome: "error" });
    expect(store.told.filter(({ call }) => call === "finish")).toHaveLength(1);
  });

  it("reports a database that cannot even begin as an error", async () => {
    const store = fakeStore([]);
    const down = { ...store, beginTick: () => Promise.reject(new StoreError("unavailable", "begin_tick: refused")) };
    expect(await run(down, idle)).toMatchObject({ outcome: "error", error: "begin_tick: refused", rounds: 0 });
  });

  it("ends as an error, lease given back, when the work makes no sense", async () => {
    const store = fakeStore([running({ config: { MAX_DAILY_NOTIONAL: "lots" } })]);
    const result = await run(store, idle);
    expect(result.error).toContain("MAX_DAILY_NOTIONAL");
    expect(store.told.at(-1)?.call).toBe("finish");
  });

  it("moves its now on with the time that has passed since it began", async () => {
    let elapsed = 1_000;
    const seen: number[] = [];
    await run(
      fakeStore([running()]),
      async (one) => {
        seen.push(one.now());
        elapsed += 500;
        seen.push(one.now());
      },
      { elapsedMs: () => elapsed },
    );
    expect(seen).toEqual([Date.UTC(2026, 2, 1, 12), Date.UTC(2026, 2, 1, 12) + 500]);
  });
});
