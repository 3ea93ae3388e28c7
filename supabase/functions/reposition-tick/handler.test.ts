import { describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/port.ts";
import { success } from "../../../shared/result.ts";
import type { Store } from "../_shared/store.ts";
import { readClaimedOrder } from "../_shared/wire/claimed-order.ts";
import type { Json } from "../_shared/wire/write.ts";
import { BTC, error, NOW, order, quote, refused, setUp, standing } from "./fake-run.ts";

describe("the reposition tick", () => {
  it("makes two round trips when nothing is due", async () => {
    const { run, store } = setUp([], {});
    await run();
    expect(store.told.map(({ call }) => call)).toEqual(["begin", "finish"]);
  });

  it("asks before it decides, and reprices from the current touch", async () => {
    const { run, calls, payload } = setUp([order()], {});
    await run();
    expect(calls).toEqual(["get o1"]);
    expect(payload("commit")).toMatchObject({
      reports: [{ order_id: "o1", lease_token: 7, kind: "report", state: "working" }],
      decisions: [{ order_id: "o1", action: "reprice", price: "20105", count: true }],
    });
  });

  it.each(["unavailable", "not_found"] as const)(
    "decides nothing about an order when the answer is %s",
    async (kind) => {
      const { run, payload } = setUp([order()], { getOrder: async () => error(kind) });
      await run();
      expect(payload("commit")).toMatchObject({ reports: [{ order_id: "o1", kind }], decisions: [] });
    },
  );

  it("decides nothing about an order that has just filled, and reads the books", async () => {
    const filled = standing({ state: "filled", filledQty: "0.001", averagePrice: "20000", fee: "0.19" });
    const books = {
      listOpenOrders: async () => success([]),
      balances: async () => success({ cash: "1979.81", reservedCash: "0", observedAt: NOW }),
      holdings: async () => success({ quantities: { [BTC]: "0.001" }, observedAt: NOW }),
    };
    const { run, payload } = setUp([order()], { getOrder: async () => success(filled), ...books });
    await run();
    expect(payload("commit").decisions).toEqual([]);
    expect(payload("finish").broker_books).toEqual([
      {
        mode: "paper",
        cash: "1979.81",
        holdings: { [BTC]: "0.001" },
        open_orders: [],
        observed_at: "2026-03-01T12:00:00.000Z",
      },
    ]);
  });

  it("reports a placement by what is known of it: a report, a refusal with its code, or nothing certain", async () => {
    const send = order({ action: "send", status: "submitted" });
    const reportOf = async (place: Broker["place"]) => {
      const { run, payload } = setUp([send], { place });
      await run();
      return (payload("commit").reports as Json[])[0];
    };
    expect(await reportOf(async () => success(standing()))).toMatchObject({ kind: "report", state: "working" });
    expect(await reportOf(async () => refused)).toMatchObject({ kind: "refused", reason: "ORDER_CLOSED: too late" });
    expect(await reportOf(async () => error("unavailable"))).toMatchObject({ kind: "unavailable" });
    expect(await reportOf(async () => error("not_found"))).toMatchObject({ kind: "unavailable" });
    expect(await reportOf(() => Promise.reject(new TypeError("fetch failed")))).toMatchObject({ kind: "unavailable" });
  });

  it.each([
    ["crossed", { ask: "19000" }],
    ["from the future", { observedAt: NOW + 60_000 }],
  ])("lets a stop-loss follow the last good quote when the newest is %s, and keeps that one", async (_, part) => {
    const known = { symbol: BTC, bid: "19500", ask: "19510", source: "test", observed_at: "2026-03-01T11:59:50Z" };
    const stopLoss = order({ side: "sell", purpose: "exit", urgency: "stop_loss" });
    const { run, payload } = setUp([stopLoss], { quotes: async () => success([{ ...quote, ...part }]) }, [], [known]);
    await run();
    expect(payload("commit")).toMatchObject({ quotes: [], decisions: [{ action: "reprice", price: "19461" }] });
  });

  it("starts nothing on an order near the end of its lease", async () => {
    let elapsed = 0;
    const { run, calls, payload } = setUp([order({ id: "o1" }), order({ id: "o2" })], {
      getOrder: async () => {
        elapsed += 50_000;
        return success(standing());
      },
    });
    await run({ elapsedMs: () => elapsed });
    expect(calls).toEqual(["get o1"]);
    expect(payload("commit").reports).toHaveLength(1);
  });

  it("keeps to the lease that the database gave, however long that is", async () => {
    const { run, calls } = setUp([order({ lease_expires_at: "2026-03-01T12:00:14Z" })], {});
    await run();
    expect(calls).toEqual([]);
  });

  it("counts what quotes and the commit took against the leases", async () => {
    let elapsed = 0;
    const slow = async () => {
      elapsed += 46_000;
      return success([quote]);
    };
    const quoting = setUp([order()], { quotes: slow });
    await quoting.run({ elapsedMs: () => elapsed });
    expect(quoting.calls).toEqual([]);
    const send = readClaimedOrder(order({ id: "o2", action: "send", status: "submitted" }));
    const committing = setUp([order()], {}, [send]);
    const commitTick: Store["commitTick"] = (...args) => {
      elapsed += 46_000;
      return committing.store.commitTick(...args);
    };
    await committing.run({ elapsedMs: () => elapsed, store: { ...committing.store, commitTick } });
    expect(committing.calls).toEqual(["get o1"]);
  });
});
