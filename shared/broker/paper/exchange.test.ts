import { describe, expect, it } from "vitest";
import {
  balancesOf,
  type ExchangeState,
  holdingsOf,
  openExchange,
  reportOf,
  restoreClosed,
  splitClosed,
  stepExchange,
} from "./exchange.ts";
import { cancel, errorOf, place, quote, rules, run, SYMBOL, standing, trade } from "./test-exchange.ts";

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
