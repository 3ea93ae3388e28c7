import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../../../shared/config/parse-config.ts";
import { ASSUMED_FEES } from "../../../../shared/money/fees.ts";
import { scriptedMarket } from "../../../tests/support/scripted-market.ts";
import { fakeStore } from "../fake-store.ts";
import type { Store } from "../store.ts";
import { paperBroker } from "./paper.ts";

const BTC = "BTC-USD";
const ID = "131de903-5a9c-4260-abc1-28d562a5dcf0";
const BUY = { clientOrderId: ID, symbol: BTC, side: "buy", qty: "0.001", limitPrice: "20000" } as const;
const instruments = [
  {
    symbol: BTC,
    priceIncrement: "0.01",
    qtyIncrement: "0.00000001",
    minQty: "0.00001",
    minNotional: "1",
    enabled: true,
  },
];

const fees = { paper: ASSUMED_FEES, live: ASSUMED_FEES };

const open = (store: Pick<Store, "paperLoad" | "paperSave"> = fakeStore([])) => {
  const market = scriptedMarket();
  const clock = { now: Date.UTC(2026, 2, 1, 12) };
  const broker = () => paperBroker(store, { config: DEFAULT_CONFIG, instruments, fees, market, now: () => clock.now });
  market.quote(BTC, "20000", "20010", clock.now);
  return { market, clock, broker, store };
};

describe("the broker of paper mode", () => {
  it("opens its own book with the starting cash", async () => {
    const { broker } = open();
    expect(await broker().balances()).toMatchObject({ ok: true, value: { cash: "2000", reservedCash: "0" } });
    expect(await broker().holdings()).toMatchObject({ ok: true, value: { quantities: {} } });
  });

  it("keeps an order across restarts, and fills it only when the market trades through its limit", async () => {
    const { broker, market, clock } = open();
    expect(await broker().place(BUY)).toMatchObject({ ok: true, value: { state: "working", clientOrderId: ID } });
    clock.now += 5_000;
    market.quote(BTC, "19990", "20000", clock.now);
    expect(await broker().getOrder(ID)).toMatchObject({ ok: true, value: { state: "working" } });
    clock.now += 5_000;
    market.quote(BTC, "19980", "19990", clock.now);
    expect(await broker().getOrder(ID)).toMatchObject({
      ok: true,
      value: { state: "filled", averagePrice: "20000", fee: "0.19" },
    });
    expect(await broker().listOpenOrders()).toEqual({ ok: true, value: [] });
    expect(await broker().balances()).toMatchObject({ value: { cash: "1979.81" } });
    expect(await broker().holdings()).toMatchObject({ value: { quantities: { [BTC]: "0.001" } } });
  });

  it("sees the trades since its last step, in their order, each once", async () => {
    const { broker, market, clock } = open();
    await broker().place(BUY);
    clock.now += 1_000;
    await broker().getOrder(ID);
    market.trade(BTC, "19999", "0.5", "sell", clock.now + 500);
    clock.now += 1_000;
    expect(await broker().getOrder(ID)).toMatchObject({ value: { state: "filled", filledQty: "0.001" } });
    expect(await broker().getOrder(ID)).toMatchObject({ value: { filledQty: "0.001" } });
  });

  it("cancels after its latency, and not before", async () => {
    const { broker, market, clock } = open();
    await broker().place(BUY);
    clock.now += 1_000;
    expect(await broker().cancel(ID)).toMatchObject({ ok: true });
    expect(await broker().getOrder(ID)).toMatchObject({ value: { state: "working" } });
    clock.now += 1_000;
    market.quote(BTC, "20000", "20010", clock.now);
    expect(await broker().getOrder(ID)).toMatchObject({ value: { state: "canceled" } });
    expect(await broker().cancel(ID)).toMatchObject({ ok: false, error: { kind: "refused", code: "ORDER_CLOSED" } });
  });

  it("answers for closed orders, and tells that it knows no other", async () => {
    const { broker } = open();
    expect(await broker().getOrder(ID)).toMatchObject({ ok: false, error: { kind: "not_found" } });
    expect(await broker().cancel(ID)).toMatchObject({ ok: false, error: { kind: "not_found" } });
  });

  it("takes the same order twice as one", async () => {
    const { broker } = open();
    await broker().place(BUY);
    expect(await broker().place(BUY)).toMatchObject({ ok: true });
    expect(await broker().listOpenOrders()).toMatchObject({ value: [{ clientOrderId: ID }] });
    expect(await broker().place({ ...BUY, qty: "0.002" })).toMatchObject({ ok: false, error: { kind: "refused" } });
  });

  it("starts over when somebody else saved first, so that two at once lose nothing", async () => {
    const { broker } = open();
    const ids = ["a", "b", "c", "d"].map((letter) => ID.replace(/^./, letter));
    const placed = await Promise.all(ids.map((clientOrderId) => broker().place({ ...BUY, clientOrderId })));
    expect(placed.every(({ ok }) => ok)).toBe(true);
    const open_ = await broker().listOpenOrders();
    expect(open_.ok && open_.value.map(({ clientOrderId }) => clientOrderId).sort()).toEqual(ids);
  });

  it("is unavailable when its storage is, or when it is never free: that proves nothing", async () => {
    const broken = open({ paperLoad: () => Promise.reject(new Error("no database")), paperSave: async () => true });
    expect(await broken.broker().place(BUY)).toMatchObject({
      ok: false,
      error: { kind: "unavailable", message: "no database" },
    });
    const busy = open({ ...fakeStore([]), paperSave: async () => false });
    expect(await busy.broker().place(BUY)).toMatchObject({ ok: false, error: { kind: "unavailable" } });
  });

  it("goes on with the market it knew when the feed is down", async () => {
    const { broker, market, clock } = open();
    await broker().place(BUY);
    clock.now += 5_000;
    market.fail(true);
    expect(await broker().getOrder(ID)).toMatchObject({ ok: true, value: { state: "working" } });
    expect(await broker().quotes([BTC])).toMatchObject({ ok: false, error: { kind: "unavailable" } });
  });

  it("fills nothing at a price it saw long ago, when the feed is down as an order arrives", async () => {
    const { broker, market, clock } = open();
    await broker().place(BUY);
    clock.now += 3_600_000;
    market.fail(true);
    const DEARER = { ...BUY, clientOrderId: ID.replace(/^./, "a"), limitPrice: "30000" };
    await broker().place(DEARER);
    clock.now += 1_000;
    expect(await broker().getOrder(DEARER.clientOrderId)).toMatchObject({ value: { state: "working" } });
    market.fail(false);
    market.quote(BTC, "29000", "29010", clock.now);
    expect(await broker().getOrder(DEARER.clientOrderId)).toMatchObject({
      value: { state: "filled", averagePrice: "30000" },
    });
  });

  it("is not carried into the future by a feed whose clock is ahead", async () => {
    const { broker, market, clock } = open();
    market.quote(BTC, "20000", "20010", clock.now + 86_400_000);
    await broker().place(BUY);
    const report = await broker().getOrder(ID);
    expect(report.ok && report.value.observedAt).toBe(clock.now);
  });
});
