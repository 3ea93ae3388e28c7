import { describe, expect, it } from "vitest";
import type { MarketSource } from "../../local/market/market-source.ts";
import { openSimulation } from "../../local/market/simulation/open-simulation.ts";

const NOW = Date.UTC(2026, 10, 23, 2, 0, 30, 250);
const MINUTE = 60_000;
const SYMBOLS = ["BTC-USD", "ETH-USD", "SOL-USD", "AVAX-USD", "DOGE-USD"];

const answers = (market: MarketSource, nowMs: number) =>
  SYMBOLS.map((symbol) => ({
    ticker: market.ticker(symbol, nowMs),
    book: market.book(symbol, nowMs, "full"),
    candles: market.candles(symbol, { granularitySeconds: 300, startMs: nowMs - 50 * 300_000, endMs: nowMs }, nowMs),
    trades: market.trades(symbol, { limit: 20 }, nowMs),
  }));

const spreadBps = (market: MarketSource, symbol: string, nowMs: number) => {
  const { bids, asks } = market.book(symbol, nowMs, "touch");
  return (Number(asks[0]?.[0]) / Number(bids[0]?.[0]) - 1) * 10_000;
};

describe("the simulated market", () => {
  it("gives the same answers at the same moment, whatever was asked before and whenever it was opened", () => {
    const wandering = openSimulation(7, NOW);
    answers(wandering, NOW + 3_600_000);
    answers(wandering, NOW - 3_600_000);
    expect(answers(wandering, NOW)).toEqual(answers(openSimulation(7, NOW), NOW));
    expect(answers(openSimulation(7, NOW - 86_400_000), NOW)).toEqual(answers(wandering, NOW));
    expect(answers(openSimulation(8, NOW), NOW)).not.toEqual(answers(wandering, NOW));
  });

  it("has two days of minute candles before its start, each within its low and high", () => {
    const market = openSimulation(7, NOW);
    const start = NOW - 2 * 86_400_000;
    const query = { granularitySeconds: 60, startMs: start, endMs: start + 299 * MINUTE };
    const candles = market.candles("BTC-USD", query, NOW);
    expect(candles.length).toBeGreaterThan(290);
    for (const { low, high, open, close } of candles) {
      expect(Number(low)).toBeLessThanOrEqual(Math.min(Number(open), Number(close)));
      expect(Number(high)).toBeGreaterThanOrEqual(Math.max(Number(open), Number(close)));
    }
  });

  it("tells no trade and no candle of the future, and a finished candle never changes", () => {
    const market = openSimulation(7, NOW);
    const query = { granularitySeconds: 60, startMs: NOW - 20 * MINUTE, endMs: NOW + 20 * MINUTE };
    const now = market.candles("ETH-USD", query, NOW);
    const later = market.candles("ETH-USD", query, NOW + 20 * MINUTE);
    expect(Math.max(...now.map((candle) => candle.openMs))).toBeLessThanOrEqual(NOW);
    expect(later).toEqual(expect.arrayContaining(now.slice(1)));
    expect(market.trades("ETH-USD", { limit: 5 }, NOW).every((trade) => trade.timeMs <= NOW)).toBe(true);
  });

  it("its candles are made of its trades", () => {
    const market = openSimulation(7, NOW);
    const [, candle] = market.candles(
      "SOL-USD",
      { granularitySeconds: 60, startMs: NOW - 5 * MINUTE, endMs: NOW },
      NOW,
    );
    const openMs = candle?.openMs ?? 0;
    const trades = market
      .trades("SOL-USD", { limit: 1000 }, NOW)
      .filter((t) => t.timeMs >= openMs && t.timeMs < openMs + MINUTE);
    expect(candle).toMatchObject({ open: trades.at(-1)?.price, close: trades[0]?.price });
    expect(Number(candle?.high)).toBe(Math.max(...trades.map((trade) => Number(trade.price))));
  });

  it("trades can be paged both ways without a hole", () => {
    const market = openSimulation(7, NOW);
    const all = market.trades("BTC-USD", { limit: 30 }, NOW).map((trade) => trade.tradeId);
    const older = market.trades("BTC-USD", { limit: 10, olderThanId: all[9] ?? 0 }, NOW).map((trade) => trade.tradeId);
    const newer = market
      .trades("BTC-USD", { limit: 1000, newerThanId: all[20] ?? 0 }, NOW)
      .map((trade) => trade.tradeId);
    expect(older).toEqual(all.slice(10, 20));
    expect(newer).toEqual(all.slice(0, 20));
  });

  it("moves: it drifts, its spread changes and is torn open now and then, and it is never crossed", () => {
    const market = openSimulation(7, NOW);
    const spreads = Array.from({ length: 4000 }, (_, n) => spreadBps(market, "AVAX-USD", NOW - n * MINUTE)).sort(
      (a, b) => a - b,
    );
    expect(spreads[0]).toBeGreaterThan(0);
    expect(spreads.at(-1)).toBeGreaterThan(50);
    expect(spreads[2000]).toBeLessThan(25);
    const [first, last] = [market.ticker("BTC-USD", NOW - 20 * 86_400_000), market.ticker("BTC-USD", NOW)];
    expect(Math.abs(Math.log(Number(last?.price) / Number(first?.price)))).toBeGreaterThan(0.01);
  });

  it("prices are multiples of the increment and every side has ten levels in order", () => {
    const { bids, asks } = openSimulation(3, NOW).book("AVAX-USD", NOW, "full");
    const rising = [...bids]
      .reverse()
      .concat(asks)
      .map(([price]) => Number(price));
    expect(rising).toHaveLength(20);
    expect(rising).toEqual([...new Set(rising)].sort((a, b) => a - b));
    for (const [price] of [...bids, ...asks]) expect(price).toMatch(/^\d+\.\d{2}$/);
  });

  it("says that its prices are invented, and with which seed", () => {
    expect(openSimulation(7, NOW).describe()).toBe(
      "a simulated market (seed 7) of BTC-USD, ETH-USD, SOL-USD, AVAX-USD, DOGE-USD; its prices are invented",
    );
  });
});
