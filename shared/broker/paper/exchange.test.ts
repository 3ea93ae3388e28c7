import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../config/parse-config.ts";
import type { OrderRequest } from "../port.ts";
import {
  balancesOf,
  type ExchangeEvent,
  type ExchangeRules,
  type ExchangeState,
  exchangeRules,
  holdingsOf,
  openExchange,
  reportOf,
  restoreClosed,
  splitClosed,
  stepExchange,
} from "./exchange.ts";

const SYMBOL = "BTC-USD";
const instrument = {
  symbol: SYMBOL,
  priceIncrement: "0.01",
  qtyIncrement: "0.0001",
  minQty: "0.0001",
  minNotional: "1",
  enabled: true,
};
const rules = exchangeRules(DEFAULT_CONFIG, [instrument]);

const quote = (
  at: number,
  bid: string,
  ask: string,
  bidSize: string | null = null,
  askSize: string | null = null,
): ExchangeEvent => ({
  type: "quote",
  at,
  quote: { symbol: SYMBOL, bid, ask, bidSize, askSize, source: "test", observedAt: at },
});
const trade = (
  at: number,
  price: string,
  qty: string,
  takerSide: "buy" | "sell" = "sell",
  tradeId: string | null = null,
): ExchangeEvent => ({
  type: "trade",
  at,
  trade: { symbol: SYMBOL, tradeId, price, qty, takerSide, at },
});
const request = (change: Partial<OrderRequest> = {}): OrderRequest => ({
  clientOrderId: "a",
  symbol: SYMBOL,
  side: "buy",
  qty: "1",
  limitPrice: "100",
  ...change,
});
const place = (at: number, change: Partial<OrderRequest> = {}): ExchangeEvent => ({
  type: "place",
  at,
  order: request(change),
});
const cancel = (at: number, clientOrderId = "a"): ExchangeEvent => ({ type: "cancel", at, clientOrderId });
const candle = (openedAt: number, low: string, high: string, close: string, volume = "10"): ExchangeEvent => ({
  type: "candle",
  at: openedAt + 60_000,
  candle: { symbol: SYMBOL, openedAt, seconds: 60, open: close, high, low, close, volume },
});

const run = (
  events: readonly ExchangeEvent[],
  from: ExchangeState = openExchange("2000", 0),
  by: ExchangeRules = rules,
) => events.reduce((state, event) => stepExchange(state, event, by).state, from);
const errorOf = (state: ExchangeState, event: ExchangeEvent) => stepExchange(state, event, rules).error;
const standing = (state: ExchangeState, id = "a") => {
  const report = reportOf(state, id, state.clock);
  return report && [report.state, report.filledQty, report.averagePrice];
};

describe("an order's way into the book", () => {
  it("takes effect only after the latency", () => {
    const placed = run([quote(0, "99", "100"), place(1000)]);
    expect(standing(run([quote(1249, "98", "99")], placed))).toEqual(["working", "0", null]);
    expect(standing(run([{ type: "time", at: 1250 }], placed))).toEqual(["filled", "1", "100"]);
  });

  it("takes the displayed size at the ask, then walks on at a worsening price within its limit", () => {
    const state = run([quote(0, "99", "100", "1", "0.25"), place(0, { limitPrice: "101" }), { type: "time", at: 250 }]);
    const fills = reportOf(state, "a", 250)?.fills ?? [];
    expect(fills.map((fill) => [fill.qty, fill.price])).toEqual([
      ["0.25", "100"],
      ["0.75", "100.19"],
    ]);
  });

  it("rests with what its limit keeps it from taking", () => {
    const state = run([quote(0, "99", "100", "1", "0.25"), place(0), { type: "time", at: 250 }]);
    expect(standing(state)).toEqual(["partially_filled", "0.25", "100"]);
    expect(standing(run([trade(300, "99.99", "5")], state))).toEqual(["filled", "1", "100"]);
  });

  it("does not sell the same displayed size twice", () => {
    const state = run([
      quote(0, "99", "100", "1", "1"),
      place(0),
      place(0, { clientOrderId: "b" }),
      { type: "time", at: 250 },
    ]);
    expect([standing(state), standing(state, "b")]).toEqual([
      ["filled", "1", "100"],
      ["working", "0", null],
    ]);
  });
});

describe("a resting order", () => {
  const resting = run([quote(0, "100", "101", "2", "2"), place(0), { type: "time", at: 250 }]);

  it("is not filled by a touch while others queue before it", () => {
    expect(standing(run([trade(300, "100", "2")], resting))).toEqual(["working", "0", null]);
  });

  it("gets what is left of trades at its price once the queue is served", () => {
    const state = run([trade(300, "100", "1.5"), trade(301, "100", "0.9")], resting);
    expect(standing(state)).toEqual(["partially_filled", "0.4", "100"]);
  });

  it("moves up when those before it cancel, and never back when others join", () => {
    const state = run(
      [quote(260, "100", "101", "0.5", "2"), quote(270, "100", "101", "9", "2"), trade(300, "100", "0.75")],
      resting,
    );
    expect(standing(state)).toEqual(["partially_filled", "0.25", "100"]);
  });

  it("is filled at its limit, not better, when the market trades through it", () => {
    expect(standing(run([trade(300, "97", "0.01")], resting))).toEqual(["filled", "1", "100"]);
  });

  it("is never filled by a buyer's trade at its price, nor twice by the same trade", () => {
    expect(standing(run([trade(300, "100", "9", "buy")], resting))).toEqual(["working", "0", null]);
    const repeated = run([trade(300, "100", "2.25", "sell", "77"), trade(300, "100", "2.25", "sell", "77")], resting);
    expect(standing(repeated)).toEqual(["partially_filled", "0.25", "100"]);
  });

  it("with quotes alone fills only when the ask comes strictly below it, up to the displayed size", () => {
    expect(standing(run([quote(300, "99", "100", "1", "1")], resting))).toEqual(["working", "0", null]);
    const crossed = run([quote(300, "98", "99.99", "1", "0.3")], resting);
    expect(standing(crossed)).toEqual(["partially_filled", "0.3", "100"]);
    expect(standing(run([quote(300, "98", "99.99", "1", "0.3")], crossed))).toEqual(["partially_filled", "0.3", "100"]);
    expect(standing(run([quote(301, "98", "99.99", "1", "0.3")], crossed))).toEqual(["partially_filled", "0.6", "100"]);
  });

  it("does not believe a crossed quote or a trade from before it was accepted", () => {
    expect(standing(run([quote(300, "99.5", "99", "1", "1")], resting))).toEqual(["working", "0", null]);
    expect(standing(run([trade(249, "50", "9")], resting))).toEqual(["working", "0", null]);
  });

  it("sells by the same rules, mirrored", () => {
    const long = run([quote(0, "99", "100"), place(0), { type: "time", at: 300 }, quote(301, "100", "101", "2", "2")]);
    const selling = run(
      [place(301, { clientOrderId: "s", side: "sell", limitPrice: "101" }), { type: "time", at: 600 }],
      long,
    );
    expect(standing(run([trade(700, "101", "2", "buy")], selling), "s")).toEqual(["working", "0", null]);
    expect(standing(run([trade(700, "101", "2.5", "buy")], selling), "s")).toEqual(["partially_filled", "0.5", "101"]);
    expect(standing(run([quote(700, "101.01", "102", "1", "1")], selling), "s")).toEqual(["filled", "1", "101"]);
  });
});

describe("a cancel", () => {
  const resting = run([quote(0, "100", "101", "2", "2"), place(0), { type: "time", at: 250 }]);

  it("takes effect after the latency, so that a fill may win", () => {
    const asked = run([cancel(1000)], resting);
    expect(standing(asked)).toEqual(["working", "0", null]);
    expect(standing(run([trade(1249, "99", "1")], asked))).toEqual(["filled", "1", "100"]);
    expect(standing(run([trade(1250, "99", "1")], asked))).toEqual(["canceled", "0", null]);
  });

  it("gives back the cash that the order held", () => {
    expect(balancesOf(resting, 0).reservedCash).toBe("100.95000001");
    expect(balancesOf(run([cancel(1000), { type: "time", at: 2000 }], resting), 0).reservedCash).toBe("0");
  });

  it("of an unknown order is not found, of a closed one refused, and repeated harmless", () => {
    expect(errorOf(resting, cancel(1, "zz"))?.kind).toBe("not_found");
    const done = run([trade(300, "99", "1")], resting);
    expect(errorOf(done, cancel(400))).toMatchObject({ kind: "refused", code: "ORDER_CLOSED" });
    const twice = run([cancel(1000), cancel(1200), { type: "time", at: 1250 }], resting);
    expect(standing(twice)).toEqual(["canceled", "0", null]);
  });
});

describe("the door", () => {
  const open = run([quote(0, "99", "100")]);

  it("takes the same order again as the order that is there, and refuses another one under its id", () => {
    const placed = run([place(0)], open);
    const again = stepExchange(placed, place(5), rules);
    expect(again.error).toBeNull();
    expect(again.reports.map((report) => report.clientOrderId)).toEqual(["a"]);
    expect(Object.keys(again.state.orders)).toEqual(["a"]);
    expect(errorOf(placed, place(5, { qty: "2" }))).toMatchObject({ code: "DUPLICATE_CLIENT_ORDER_ID" });
  });

  it.each([
    ["UNKNOWN_SYMBOL", { symbol: "DOGE-USD" }],
    ["INVALID_QTY", { qty: "0" }],
    ["INVALID_QTY", { qty: "NaN" }],
    ["INVALID_QTY", { qty: "0.00015" }],
    ["INVALID_PRICE", { limitPrice: "-1" }],
    ["INVALID_PRICE", { limitPrice: "100.001" }],
    ["BELOW_MINIMUM", { qty: "0.0099" }],
    ["INSUFFICIENT_CASH", { qty: "20" }],
    ["INSUFFICIENT_HOLDINGS", { side: "sell" as const }],
  ])("refuses with %s and keeps nothing of it: %j", (code, change) => {
    const step = stepExchange(open, place(0, change), rules);
    expect(step.error).toMatchObject({ kind: "refused", code });
    expect(step.state).toEqual(open);
  });

  it("counts fees and open orders against the cash", () => {
    expect(errorOf(open, place(0, { qty: "19.8117" }))).toBeNull();
    expect(errorOf(open, place(0, { qty: "19.8118" }))).toMatchObject({ code: "INSUFFICIENT_CASH" });
    expect(errorOf(run([place(0, { qty: "10" })], open), place(0, { clientOrderId: "b", qty: "10" }))).toMatchObject({
      code: "INSUFFICIENT_CASH",
    });
  });

  it("lets cash in, and out as far as it is free", () => {
    expect(run([{ type: "deposit", at: 0, amount: "500.5" }], open).cash).toBe("2500.5");
    const placed = run([place(0, { qty: "10" })], open);
    expect(errorOf(placed, { type: "deposit", at: 0, amount: "-1500" })).toMatchObject({ code: "INSUFFICIENT_CASH" });
    expect(run([{ type: "deposit", at: 0, amount: "-900" }], placed).cash).toBe("1100");
  });
});

describe("money", () => {
  it("pays notional and fee on a buy, and receives notional less fee on a sell", () => {
    const bought = run([quote(0, "99", "100"), place(0), { type: "time", at: 250 }]);
    expect([bought.cash, holdingsOf(bought, 0).quantities]).toEqual(["1899.05", { [SYMBOL]: "1" }]);
    const sold = run(
      [place(300, { clientOrderId: "s", side: "sell", limitPrice: "99" }), { type: "time", at: 600 }],
      bought,
    );
    expect([sold.cash, holdingsOf(sold, 0).quantities]).toEqual(["1997.1095", {}]);
  });

  it("charges a taker and a maker their own rates", () => {
    const split = { ...rules, takerFeeBps: "100", makerFeeBps: "10" };
    const events = [
      quote(0, "99", "100", "1", "0.5"),
      place(0),
      { type: "time", at: 250 } as const,
      trade(300, "99", "1"),
    ];
    const fees = reportOf(run(events, openExchange("2000", 0), split), "a", 0)?.fills?.map((fill) => fill.fee);
    expect(fees).toEqual(["0.5", "0.05"]);
  });
});

describe("from candles alone", () => {
  const byCandles = run([
    candle(0, "100", "100", "100"),
    place(60_000, { limitPrice: "99" }),
    { type: "time", at: 61_000 },
  ]);

  it("a bar that began before the order was accepted cannot fill it", () => {
    expect(standing(run([candle(60_000, "90", "100", "95")], byCandles))).toEqual(["working", "0", null]);
  });

  it("a later bar fills it only strictly beyond its limit, at its limit, up to the volume", () => {
    const next = run([candle(60_000, "99.5", "100", "100")], byCandles);
    expect(standing(run([candle(120_000, "99", "100", "100")], next))).toEqual(["working", "0", null]);
    expect(standing(run([candle(120_000, "98", "100", "100")], next))).toEqual(["filled", "1", "99"]);
    expect(standing(run([candle(120_000, "98", "100", "100", "0.4")], next))).toEqual([
      "partially_filled",
      "0.4",
      "99",
    ]);
  });

  it("a candle is not seen before its close, and not at all where quotes are known", () => {
    const early = { ...candle(120_000, "98", "100", "100"), at: 179_999 };
    expect(standing(run([early], byCandles))).toEqual(["working", "0", null]);
    const quoted = run([quote(130_000, "99.5", "100")], byCandles);
    expect(standing(run([candle(120_000, "98", "100", "100")], quoted))).toEqual(["working", "0", null]);
  });

  it("a marketable order pays the assumed spread", () => {
    const state = run(
      [place(61_000, { clientOrderId: "m", limitPrice: "101" }), { type: "time", at: 62_000 }],
      byCandles,
    );
    expect(standing(state, "m")).toEqual(["filled", "1", "100.05"]);
  });
});

describe("the state", () => {
  it("survives JSON and gives closed orders away and back without losing their ids", () => {
    const done = run([
      quote(0, "99", "100"),
      place(0),
      { type: "time", at: 250 },
      place(251, { clientOrderId: "b", limitPrice: "90" }),
    ]);
    const { state, closed } = splitClosed(JSON.parse(JSON.stringify(done)) as ExchangeState);
    expect([Object.keys(state.orders), Object.keys(closed)]).toEqual([["b"], ["a"]]);
    expect(restoreClosed(state, closed)).toEqual(done);
    expect(errorOf(restoreClosed(state, closed), place(300, { qty: "2" }))).toMatchObject({
      code: "DUPLICATE_CLIENT_ORDER_ID",
    });
  });
});
