import { describe, expect, it } from "vitest";
import type { Broker, BrokerError, ExecutionReport } from "../../../shared/broker/port.ts";
import { refusal, success } from "../../../shared/result.ts";
import { noBroker } from "../_shared/brokers/none.ts";
import { fakeStore, running } from "../_shared/fake-store.ts";
import type { TickDeps } from "../_shared/run.ts";
import type { Store } from "../_shared/store.ts";
import { runTick } from "../_shared/tick.ts";
import { type ClaimedOrder, readClaimedOrder } from "../_shared/wire/claimed-order.ts";
import type { Json } from "../_shared/wire/write.ts";
import { repositionTick } from "./handler.ts";

const BTC = "BTC-USD";
const NOW = Date.UTC(2026, 2, 1, 12);
const instruments = [
  {
    symbol: BTC,
    price_increment: "0.01",
    qty_increment: "0.00000001",
    min_qty: "0.00001",
    min_notional: "1",
    enabled: true,
  },
];

const order = (part: Json = {}): Json => ({
  id: "o1",
  mode: "paper",
  symbol: BTC,
  side: "buy",
  purpose: "entry",
  urgency: "passive",
  status: "working",
  qty: "0.001",
  filled_qty: "0",
  average_price: null,
  fee: "0",
  limit_price: "20000",
  replace_count: 0,
  cancel_reason_code: null,
  next_action_at: "2026-03-01T11:59:59Z",
  lease_token: 7,
  action: "query",
  ...part,
});
const standing = (part: Partial<ExecutionReport> = {}): ExecutionReport => ({
  clientOrderId: "o1",
  brokerOrderId: "b1",
  symbol: BTC,
  side: "buy",
  qty: "0.001",
  limitPrice: "20000",
  state: "working",
  filledQty: "0",
  averagePrice: null,
  fee: "0",
  fills: null,
  reason: null,
  observedAt: NOW,
  ...part,
});
const quote = {
  symbol: BTC,
  bid: "20100",
  ask: "20110",
  bidSize: null,
  askSize: null,
  source: "test",
  observedAt: NOW,
};
const error = (kind: "not_found" | "unavailable") => refusal<BrokerError>({ kind, message: kind });
const refused = refusal<BrokerError>({ kind: "refused", code: "ORDER_CLOSED", message: "too late" });

const setUp = (
  orders: readonly Json[],
  part: Partial<Broker>,
  claimed: readonly ClaimedOrder[] = [],
  quotes: readonly Json[] = [],
) => {
  const calls: string[] = [];
  const noted =
    <Args extends readonly unknown[], Answer>(
      name: string,
      idOf: (...args: Args) => string,
      call: (...args: Args) => Answer,
    ) =>
    (...args: Args): Answer => {
      calls.push(`${name} ${idOf(...args)}`);
      return call(...args);
    };
  const listening = (broker: Broker): Broker => ({
    ...broker,
    place: noted("place", ({ clientOrderId }) => clientOrderId, broker.place),
    cancel: noted("cancel", (id) => id, broker.cancel),
    getOrder: noted("get", (id) => id, broker.getOrder),
  });
  const store = fakeStore([running({ orders, instruments, quotes })], () => ({ orders: claimed }));
  const broker = listening({
    ...noBroker,
    quotes: async () => success([quote]),
    getOrder: async () => success(standing()),
    ...part,
  });
  const market = { tickers: async () => new Map(), candles: async () => success([]), trades: async () => success([]) };
  const deps: TickDeps = { store, market, brokers: () => broker };
  const run = (more: Partial<TickDeps> = {}) =>
    runTick("reposition-tick", repositionTick, { ...deps, ...more }, { slot: null, trigger: "wake" });
  const payload = (call: "commit" | "finish") => store.told.find((told) => told.call === call)?.payload ?? {};
  return { run, calls, store, payload };
};

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

  it("tells the broker at once what was decided, and hands the child's price over with the proof", async () => {
    const canceling = readClaimedOrder(
      order({ action: "cancel", status: "cancel_pending", cancel_reason_code: "reprice" }),
    );
    const answers = [standing(), standing({ state: "canceled" })];
    const part: Partial<Broker> = {
      getOrder: async () => success(answers.shift() ?? standing()),
      cancel: async () => success({ clientOrderId: "o1", observedAt: NOW }),
    };
    const { run, calls, payload } = setUp([order()], part, [canceling]);
    await run();
    expect(calls).toEqual(["get o1", "cancel o1", "get o1"]);
    expect(payload("finish").reports).toMatchObject([
      { order_id: "o1", state: "canceled", replacement_price: "20105" },
    ]);
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

  it("follows each cancel by a look at the order, and carries the price for its child", async () => {
    const cancel = order({ action: "cancel", status: "cancel_pending", cancel_reason_code: "reprice" });
    const observed = { cancel: async () => success({ clientOrderId: "o1", observedAt: NOW }) };
    const proven = setUp([cancel], { ...observed, getOrder: async () => success(standing({ state: "canceled" })) });
    await proven.run();
    expect(proven.calls).toEqual(["cancel o1", "get o1"]);
    expect(proven.payload("commit").reports).toMatchObject([
      { kind: "report", state: "canceled", replacement_price: "20105" },
    ]);
    const asked = setUp([cancel], observed);
    await asked.run();
    expect(asked.payload("commit").reports).toMatchObject([
      { kind: "report", state: "working" },
      { kind: "cancel_requested" },
    ]);
  });

  it("gives a child its parent's price when the market has come back to it meanwhile", async () => {
    const answered = { cancel: async () => success({ clientOrderId: "o1", observedAt: NOW }) };
    const childOf = async (part: Json) => {
      const canceled = order({ action: "cancel", status: "cancel_pending", cancel_reason_code: "reprice", ...part });
      const getOrder = async () => success(standing({ state: "canceled" }));
      const { run, payload } = setUp([canceled], { ...answered, getOrder });
      await run();
      return (payload("commit").reports as Json[])[0]?.replacement_price;
    };
    expect(await childOf({ limit_price: "20105" })).toBe("20105");
    expect(await childOf({ side: "sell", purpose: "exit", replace_count: 3, limit_price: "20100" })).toBe("20100");
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

  it("believes a refused cancel only together with the order's own state", async () => {
    const cancel = order({ action: "cancel", status: "cancel_pending", cancel_reason_code: "operator" });
    const kindsWith = async (getOrder: Broker["getOrder"]) => {
      const { run, payload } = setUp([cancel], { cancel: async () => refused, getOrder });
      await run();
      return (payload("commit").reports as Json[]).map(({ kind, state }) => state ?? kind);
    };
    const filled = standing({ state: "filled", filledQty: "0.001", averagePrice: "20000" });
    expect(await kindsWith(async () => success(filled))).toEqual(["filled"]);
    expect(await kindsWith(async () => success(standing()))).toEqual(["working", "cancel_refused"]);
    expect(await kindsWith(async () => error("unavailable"))).toEqual(["unavailable"]);
    expect(await kindsWith(async () => error("not_found"))).toEqual(["not_found"]);
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
