import { describe, expect, it } from "vitest";
import { reportOf } from "./exchange.ts";
import { candle, place, quote, run, standing, trade } from "./test-exchange.ts";

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

  it("only rests while the last quote is too old to be the market, until the next one", () => {
    const old = run([quote(0, "99", "100"), place(29_800, { limitPrice: "101" }), { type: "time", at: 40_000 }]);
    expect(standing(old)).toEqual(["working", "0", null]);
    expect(standing(run([quote(40_100, "99", "100.5")], old))).toEqual(["filled", "1", "101"]);
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
  });

  it("all orders that rested in a bar share a tenth of its volume", () => {
    const two = run([place(61_500, { clientOrderId: "b", limitPrice: "99" }), { type: "time", at: 62_000 }], byCandles);
    const filled = run([candle(120_000, "98", "100", "100", "12")], two);
    expect(standing(filled)).toEqual(["filled", "1", "99"]);
    expect(standing(filled, "b")).toEqual(["partially_filled", "0.2", "99"]);
    expect(standing(run([candle(120_000, "98", "100", "100", "12")], filled), "b")).toEqual([
      "partially_filled",
      "0.2",
      "99",
    ]);
  });

  it("a bar that opens beyond its limit fills it at the open, for a sell mirrored, and dates it within the bar", () => {
    const gap = { ...candle(120_000, "97", "99", "99") } as Extract<ReturnType<typeof candle>, { type: "candle" }>;
    const opened = run([{ ...gap, candle: { ...gap.candle, open: "98" } }], byCandles);
    expect(standing(opened)).toEqual(["filled", "1", "98"]);
    expect(reportOf(opened, "a", 180_000)?.fills?.[0]?.executedAt).toBe(179_999);
    const selling = run(
      [place(181_000, { clientOrderId: "s", side: "sell", limitPrice: "101" }), { type: "time", at: 182_000 }],
      opened,
    );
    expect(standing(run([candle(240_000, "100", "101", "100")], selling), "s")).toEqual(["working", "0", null]);
    expect(standing(run([candle(240_000, "100", "101.01", "100")], selling), "s")).toEqual(["filled", "1", "101"]);
  });

  it("the open of a running bar fills at once what rested before it, and only once", () => {
    const open = (at: number, since: number, bid: string, ask: string) => {
      const event = quote(at, bid, ask, "0.3", "0.3") as Extract<ReturnType<typeof quote>, { type: "quote" }>;
      return { ...event, quote: { ...event.quote, source: "candles", since } };
    };
    expect(standing(run([open(62_000, 60_000, "97", "98")], byCandles))).toEqual(["working", "0", null]);
    const gapped = run([open(121_000, 120_000, "97", "98")], byCandles);
    expect(standing(gapped)).toEqual(["partially_filled", "0.3", "98"]);
    expect(standing(run([open(126_000, 120_000, "97", "98")], gapped))).toEqual(["partially_filled", "0.3", "98"]);
  });

  it("a candle is not seen before its close, and not at all where quotes are known", () => {
    const early = { ...candle(120_000, "98", "100", "100"), at: 179_999 };
    expect(standing(run([early], byCandles))).toEqual(["working", "0", null]);
    const quoted = run([quote(130_000, "99.5", "100")], byCandles);
    expect(standing(run([candle(120_000, "98", "100", "100")], quoted))).toEqual(["working", "0", null]);
  });

  it("a marketable order is filled at its limit, the worst for us", () => {
    const state = run(
      [place(61_000, { clientOrderId: "m", limitPrice: "101" }), { type: "time", at: 62_000 }],
      byCandles,
    );
    expect(standing(state, "m")).toEqual(["filled", "1", "101"]);
  });

  it("a stop is sold at its limit when the bar that has just closed traded there, wherever the market is now", () => {
    const long = run(
      [place(61_000, { clientOrderId: "m", limitPrice: "100.5" }), { type: "time", at: 62_000 }],
      byCandles,
    );
    const sell = (at: number, limitPrice: string, urgency: "passive" | "stop_loss") =>
      place(at, { clientOrderId: "s", side: "sell", limitPrice, urgency });
    const crashed = run([candle(120_000, "90", "100", "91")], long);
    const stopped = run([sell(180_500, "97.9", "stop_loss"), { type: "time", at: 181_000 }], crashed);
    expect(standing(stopped, "s")).toEqual(["filled", "1", "97.9"]);
    expect(standing(run([sell(180_500, "97.9", "passive"), { type: "time", at: 181_000 }], crashed), "s")).toEqual([
      "working",
      "0",
      null,
    ]);
    const gone = run([candle(180_000, "90", "92", "91")], crashed);
    expect(standing(run([sell(240_500, "97.9", "stop_loss"), { type: "time", at: 241_000 }], gone), "s")).toEqual([
      "working",
      "0",
      null,
    ]);
  });
});
