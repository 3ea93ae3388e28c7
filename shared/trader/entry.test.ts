import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../config/parse-config.ts";
import type { Quote } from "../market/quote.ts";
import { decimal } from "../money/decimal.ts";
import { decideEntry, type EntryInput, expectedMovePct, roundTripCostPct } from "./entry.ts";
import type { Indicators } from "./indicators.ts";

const indicators: Indicators = {
  shortMomentumPct: 0.2,
  mediumMomentumPct: 0.4,
  emaGapPct: 0.1,
  rsi: 55,
  atrPct: 0.2,
  barVolatilityPct: 0.15,
  annualVolatilityPct: 109,
  volatilityRatio: 1,
  trendPct: 0.3,
  trendFit: 0.8,
  activeShare: 1,
  barSeconds: 60,
};
const quote = (bid: string, ask: string): Quote => ({
  symbol: "BTC-USD",
  bid,
  ask,
  bidSize: null,
  askSize: null,
  source: "test",
  observedAt: 0,
});
const scored = (score: number, change: Partial<Indicators> = {}) => ({
  kind: "scored" as const,
  score,
  breakdown: { liquidity: 0, momentum: 0, volatility: 0, trend: 0 },
  indicators: { ...indicators, ...change },
});
const input = (change: Partial<EntryInput> = {}): EntryInput => ({
  score: scored(85),
  quote: quote("100", "100.02"),
  instrument: {
    symbol: "BTC-USD",
    priceIncrement: "0.01",
    qtyIncrement: "0.00000001",
    minQty: "0.0001",
    minNotional: "1",
    enabled: true,
  },
  budget: { freeCash: "2000", dailyNotionalLeft: null, openPositions: 0 },
  feeBps: "95",
  isHeld: false,
  hasOpenOrder: false,
  config: DEFAULT_CONFIG,
  ...change,
});

describe("an entry", () => {
  it("joins the bid with the whole notional when confidence is high, less when it is lower", () => {
    expect(decideEntry(input())).toMatchObject({
      action: "enter",
      notional: "25",
      limitPrice: "100",
      confidence: 0.85,
    });
    expect(decideEntry(input({ score: scored(70) }))).toMatchObject({ notional: "20.58" });
  });

  it("is no larger than the day's rest or the cash with its fee allow", () => {
    expect(
      decideEntry(input({ budget: { freeCash: "2000", dailyNotionalLeft: "7.5", openPositions: 0 } })),
    ).toMatchObject({ notional: "7.5" });
    expect(
      decideEntry(input({ budget: { freeCash: "10.095", dailyNotionalLeft: null, openPositions: 0 } })),
    ).toMatchObject({ notional: "10" });
  });

  it("is never smaller than what can be sold again at its stop, and says what that is", () => {
    const rest = (dailyNotionalLeft: string) =>
      decideEntry(input({ budget: { freeCash: "2000", dailyNotionalLeft, openPositions: 0 } }));
    expect(rest("1.03")).toMatchObject({ action: "enter", notional: "1.03" });
    expect(rest("1.02")).toMatchObject({
      code: "budget_below_minimum",
      message: "1.02 USD is below the minimum of 1.026947 that can be sold at its stop",
    });
  });

  it.each([
    ["no_data", { score: { kind: "not_scored" as const, reason: "no_data" as const, detail: "no usable quote" } }],
    ["position_held", { isHeld: true }],
    ["order_working", { hasOpenOrder: true }],
    ["below_threshold", { score: scored(69.99) }],
    ["spread_too_wide", { quote: quote("100", "100.6") }],
    ["move_below_cost", { score: scored(90, { barVolatilityPct: 0.05 }) }],
    ["max_open_positions", { budget: { freeCash: "2000", dailyNotionalLeft: null, openPositions: 3 } }],
    ["budget_below_minimum", { budget: { freeCash: "0.5", dailyNotionalLeft: null, openPositions: 0 } }],
  ])("is skipped with the code %s", (code, change) => {
    expect(decideEntry(input(change))).toMatchObject({ action: "skip", code });
  });

  it("compares the expected move with two fees and the spread, unless the filter is off", () => {
    expect(roundTripCostPct(quote("100", "100.02"), "95")).toBeCloseTo(1.92, 4);
    expect(expectedMovePct(0.15, 60, 120)).toBeCloseTo(1.643, 3);
    const config = { ...DEFAULT_CONFIG, TRADER_COST_FILTER_RATIO: "0" };
    expect(decideEntry(input({ score: scored(90, { barVolatilityPct: 0 }), config })).action).toBe("enter");
  });

  it("never spends more than the limit per trade or the free cash, whatever the budget", () => {
    const dollars = fc
      .integer({ min: 0, max: 10_000_000 })
      .map((cents) => decimal(String(cents)).div(decimal("100")).toFixed());
    fc.assert(
      fc.property(
        dollars,
        fc.option(dollars),
        fc.integer({ min: 70, max: 100 }),
        (freeCash, dailyNotionalLeft, score) => {
          const entry = decideEntry(
            input({ score: scored(score), budget: { freeCash, dailyNotionalLeft, openPositions: 0 } }),
          );
          if (entry.action === "skip") return;
          const notional = decimal(entry.notional);
          expect(notional.lte(decimal(DEFAULT_CONFIG.MAX_NOTIONAL_PER_TRADE))).toBe(true);
          expect(notional.times(decimal("1.0095")).lte(decimal(freeCash))).toBe(true);
          if (dailyNotionalLeft !== null) expect(notional.lte(decimal(dailyNotionalLeft))).toBe(true);
        },
      ),
    );
  });
});
