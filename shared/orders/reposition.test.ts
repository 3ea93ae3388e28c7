import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../config/parse-config.ts";
import { midPrice, type Quote } from "../market/quote.ts";
import { addBps, decimal, isMultipleOf } from "../money/decimal.ts";
import { decideReposition, type RepositionOrder, ttlSeconds } from "./reposition.ts";

const NOW = 1_000_000;
const quote = (bid: string, ask: string, ageSeconds = 1): Quote => ({
  symbol: "BTC-USD",
  bid,
  ask,
  bidSize: null,
  askSize: null,
  source: "test",
  observedAt: NOW - ageSeconds * 1000,
});
const entry = (change: Partial<RepositionOrder> = {}): RepositionOrder => ({
  side: "buy",
  purpose: "entry",
  urgency: "passive",
  status: "working",
  limitPrice: "99",
  replaceCount: 0,
  nextActionAt: NOW,
  priceIncrement: "0.01",
  ...change,
});
const exit = (change: Partial<RepositionOrder> = {}) =>
  entry({ side: "sell", purpose: "exit", limitPrice: "101", ...change });
const stopLoss = (change: Partial<RepositionOrder> = {}) => exit({ urgency: "stop_loss", ...change });
const decide = (order: RepositionOrder, market: Quote | null, config = DEFAULT_CONFIG) =>
  decideReposition(order, market, config, NOW);

describe("repositioning", () => {
  it("waits until the order is due, and touches only orders known to work", () => {
    expect(decide(entry({ nextActionAt: NOW + 1 }), quote("100", "100.1"))).toEqual({
      action: "wait",
      reason: "not_due",
    });
    for (const status of ["new", "submitted", "cancel_pending", "filled", "canceled"] as const) {
      expect(decide(entry({ status }), quote("100", "100.1"))).toEqual({ action: "wait", reason: "not_working" });
    }
  });

  it("steps from the current bid toward mid, never from the stale limit", () => {
    const market = quote("103", "103.4");
    expect(decide(entry({ limitPrice: "100" }), market)).toMatchObject({
      action: "reprice",
      price: "103.05",
      countsAttempt: true,
    });
    expect(decide(entry({ replaceCount: 1 }), market)).toMatchObject({ price: "103.1" });
  });

  it("does not go beyond mid before the last attempt", () => {
    expect(decide(entry(), quote("100", "100.02"))).toMatchObject({ price: "100.01" });
    expect(decide(exit(), quote("100", "100.02"))).toMatchObject({ price: "100.01" });
  });

  it("crosses mid on the last attempt, to the far touch or MAX_CROSS_SPREAD_BPS, whichever is nearer", () => {
    expect(decide(entry({ replaceCount: 2 }), quote("100", "100.02"))).toMatchObject({ price: "100.02" });
    expect(decide(entry({ replaceCount: 2 }), quote("100", "100.49"))).toMatchObject({ price: "100.44" });
    expect(decide(exit({ replaceCount: 2 }), quote("100", "100.02"))).toMatchObject({ price: "100" });
    expect(decide(exit({ replaceCount: 2 }), quote("100", "100.49"))).toMatchObject({ price: "100.05" });
  });

  it("counts an attempt whose price is unchanged without sending it", () => {
    expect(decide(entry({ limitPrice: "100.01" }), quote("100", "100.02"))).toEqual({
      action: "keep",
      reason: "price_unchanged",
      countsAttempt: true,
      alert: null,
    });
  });

  it("cancels an entry in a wide spread, keeps a passive exit with an alert, and lets a stop-loss go on", () => {
    const wide = quote("100", "101");
    expect(decide(entry(), wide)).toEqual({ action: "cancel", reason: "liquidity_guard" });
    expect(decide(exit(), wide)).toMatchObject({
      action: "keep",
      reason: "liquidity_guard",
      alert: "liquidity_guard_exit",
    });
    expect(decide(stopLoss(), wide)).toMatchObject({ action: "reprice", price: "99.8" });
  });

  it("cancels an entry after MAX_REPRICE_ATTEMPTS, at once when that is zero", () => {
    expect(decide(entry({ replaceCount: 3 }), quote("100", "100.1"))).toEqual({
      action: "cancel",
      reason: "max_reprices",
    });
    const never = { ...DEFAULT_CONFIG, MAX_REPRICE_ATTEMPTS: 0 };
    expect(decide(entry(), quote("100", "100.1"), never)).toEqual({ action: "cancel", reason: "max_reprices" });
  });

  it("pegs an exit at its maximum again when the market has left it behind, without counting", () => {
    const spent = exit({ replaceCount: 3, limitPrice: "100.05" });
    expect(decide(spent, quote("98", "98.1"))).toMatchObject({
      action: "reprice",
      price: "98",
      reason: "left_behind",
      countsAttempt: false,
    });
    expect(decide(spent, quote("100.05", "100.06"))).toMatchObject({
      action: "keep",
      reason: "keeps_working",
      countsAttempt: false,
    });
  });

  it("lets a stop-loss follow the bid down, beyond the last attempt too, and never up", () => {
    expect(decide(stopLoss({ limitPrice: "99.8" }), quote("98", "98.1"))).toMatchObject({
      price: "97.81",
      countsAttempt: true,
    });
    expect(decide(stopLoss({ limitPrice: "99.8", replaceCount: 3 }), quote("98", "98.1"))).toMatchObject({
      price: "97.81",
      countsAttempt: false,
    });
    expect(decide(stopLoss({ limitPrice: "99.8" }), quote("105", "105.1"))).toMatchObject({
      action: "keep",
      reason: "price_unchanged",
    });
  });

  it("keeps a stop-loss marketable when the increment is coarser than the cap", () => {
    expect(decide(stopLoss({ limitPrice: "12", priceIncrement: "1" }), quote("10", "11"))).toMatchObject({
      price: "10",
    });
  });

  it("moves nothing on an old, missing or crossed quote, but a stop-loss goes by the last one it has", () => {
    for (const market of [null, quote("100", "100.1", 31), quote("100.1", "100")]) {
      expect(decide(entry(), market)).toMatchObject({ action: "keep", reason: "no_fresh_quote", countsAttempt: false });
      expect(decide(exit(), market)).toMatchObject({ action: "keep", alert: "stale_exit_quote", countsAttempt: false });
    }
    expect(decide(stopLoss(), quote("100", "100.1", 31))).toMatchObject({
      action: "reprice",
      alert: "stale_exit_quote",
    });
  });

  it("reads the knobs at every decision", () => {
    const knobs = { ...DEFAULT_CONFIG, REPRICE_STEP_BPS: "10", LIQUIDITY_GUARD_SPREAD_PCT: "2" };
    expect(decide(entry(), quote("100", "101"), knobs)).toMatchObject({ price: "100.1" });
    expect([
      ttlSeconds("entry", DEFAULT_CONFIG),
      ttlSeconds("exit", DEFAULT_CONFIG),
      ttlSeconds("flatten", DEFAULT_CONFIG),
    ]).toEqual([60, 30, 30]);
  });

  it("never abandons an exit, never pays beyond mid, or in its last attempt the ask or the cap, and always stays on the grid", () => {
    const anyOrder = fc.record({
      isEntry: fc.boolean(),
      isStopLoss: fc.boolean(),
      limit: fc.integer({ min: 1, max: 20_000 }),
      replaceCount: fc.nat(4),
      bid: fc.integer({ min: 5_000, max: 20_000 }),
      spread: fc.integer({ min: 0, max: 90 }),
      age: fc.integer({ min: 0, max: 40 }),
    });
    fc.assert(
      fc.property(anyOrder, (input) => {
        const cents = (units: number) => decimal(String(units)).div(decimal("100")).toFixed();
        const build = input.isEntry ? entry : input.isStopLoss ? stopLoss : exit;
        const order = build({ limitPrice: cents(input.limit), replaceCount: input.replaceCount });
        const market = quote(cents(input.bid), cents(input.bid + input.spread), input.age);
        const decision = decide(order, market);
        if (!input.isEntry) expect(decision.action).not.toBe("cancel");
        if (decision.action !== "reprice") return;
        const price = decimal(decision.price);
        expect(isMultipleOf(price, decimal("0.01"))).toBe(true);
        expect(price.eq(decimal(order.limitPrice))).toBe(false);
        const mid = midPrice(market);
        const isLast = input.replaceCount >= DEFAULT_CONFIG.MAX_REPRICE_ATTEMPTS - 1;
        if (input.isEntry) {
          expect(price.lte(decimal(market.ask))).toBe(true);
          expect(price.lte(isLast ? addBps(mid, decimal("20")) : mid)).toBe(true);
        } else if (!input.isStopLoss) {
          expect(price.gte(decimal(market.bid))).toBe(true);
          expect(price.gte(isLast ? addBps(mid, decimal("-20")) : mid)).toBe(true);
        } else
          expect(price.gte(addBps(decimal(market.bid), decimal("-20"))) && price.lte(decimal(market.bid))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
