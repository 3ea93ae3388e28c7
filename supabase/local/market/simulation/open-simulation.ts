import Big from "big.js";
import { foldCandles, MINUTE_MS, minutesOfTrades } from "../candles.ts";
import { rangeOf } from "../market-range.ts";
import type { Candle, CandleQuery, MarketSource, MarketTrade, Ticker, TradeQuery } from "../market-source.ts";
import { productOf } from "../products.ts";
import type { MarketCharacter } from "./price-path.ts";
import { momentOfTrade, SimulatedMarket } from "./simulated-market.ts";

const MARKETS: readonly MarketCharacter[] = [
  {
    symbol: "BTC-USD",
    stream: 1,
    price: 64_000,
    marketVolatility: 0.6,
    ownVolatility: 0.25,
    spreadBps: 0.8,
    size: 0.15,
    tradeChance: 0.95,
  },
  {
    symbol: "ETH-USD",
    stream: 2,
    price: 3_100,
    marketVolatility: 0.75,
    ownVolatility: 0.45,
    spreadBps: 1.2,
    size: 2,
    tradeChance: 0.9,
  },
  {
    symbol: "SOL-USD",
    stream: 3,
    price: 150,
    marketVolatility: 0.85,
    ownVolatility: 0.8,
    spreadBps: 4,
    size: 25,
    tradeChance: 0.75,
  },
  {
    symbol: "AVAX-USD",
    stream: 4,
    price: 32,
    marketVolatility: 0.85,
    ownVolatility: 1,
    spreadBps: 8,
    size: 60,
    tradeChance: 0.45,
  },
  {
    symbol: "DOGE-USD",
    stream: 5,
    price: 0.38,
    marketVolatility: 0.95,
    ownVolatility: 1.1,
    spreadBps: 6,
    size: 5_000,
    tradeChance: 0.6,
  },
];
const HISTORY_MS = 30 * 24 * 60 * MINUTE_MS;
const DAY_MINUTES = 24 * 60;
const END_MS = Date.UTC(2100, 0, 1);
const LOOK_BACK_MS = 10 * MINUTE_MS;

/**
 * Opens an invented market: the same seed and moment give the same answer, whatever was asked before and whenever it was opened.
 * Candles and trades go back thirty days before `startMs`. The seed is a whole number.
 */
export function openSimulation(seed: number, startMs: number): MarketSource {
  const markets = new Map(MARKETS.map((character) => [character.symbol, new SimulatedMarket(seed, character)]));
  const firstMs = Math.floor((startMs - HISTORY_MS) / MINUTE_MS) * MINUTE_MS;
  const find = (symbol: string) => markets.get(symbol);
  return {
    describe: () => `a simulated market (seed ${seed}) of ${[...markets.keys()].join(", ")}; its prices are invented`,
    gaps: () => [],
    range: () => rangeOf([{ startMs: firstMs, endMs: END_MS }]),
    products: () => [...markets.keys()].map(productOf),
    ticker: (symbol, nowMs) => tickerAt(find(symbol), nowMs),
    book: (symbol, nowMs) => {
      const market = find(symbol);
      return { timeMs: nowMs, ...(market === undefined ? { bids: [], asks: [] } : market.levels(nowMs)) };
    },
    candles: (symbol, query, nowMs) => candlesAt(find(symbol), query, firstMs, nowMs),
    trades: (symbol, query, nowMs) => tradesAt(find(symbol), query, firstMs, nowMs),
  };
}

function tickerAt(market: SimulatedMarket | undefined, nowMs: number): Ticker | null {
  const last = market?.trades(nowMs - LOOK_BACK_MS, nowMs).at(-1);
  if (market === undefined || last === undefined) return null;
  const { bids, asks } = market.levels(nowMs);
  const { tradeId, price, size, timeMs } = last;
  return {
    tradeId,
    price,
    size,
    timeMs,
    bid: bids[0]?.[0] ?? price,
    ask: asks[0]?.[0] ?? price,
    volume: volumeOfLastDay(market, nowMs),
  };
}

function volumeOfLastDay(market: SimulatedMarket, nowMs: number): string {
  const endMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  let volume = new Big(0);
  for (let n = 1; n <= DAY_MINUTES; n += 1) volume = volume.plus(market.minute(endMs - n * MINUTE_MS)?.volume ?? 0);
  return volume.toFixed();
}

function candlesAt(
  market: SimulatedMarket | undefined,
  query: CandleQuery,
  historyMs: number,
  nowMs: number,
): Candle[] {
  if (market === undefined) return [];
  const periodMs = query.granularitySeconds * 1000;
  const firstMs = Math.ceil(Math.max(query.startMs, historyMs) / periodMs) * periodMs;
  const lastMs = Math.min(nowMs, Math.floor(query.endMs / periodMs) * periodMs + periodMs - 1);
  const minutes: Candle[] = [];
  let openMs = firstMs;
  for (; openMs + MINUTE_MS <= nowMs && openMs <= lastMs; openMs += MINUTE_MS) {
    const candle = market.minute(openMs);
    if (candle !== null) minutes.push(candle);
  }
  if (openMs <= lastMs) minutes.push(...minutesOfTrades(market.trades(openMs, lastMs)));
  return foldCandles(minutes, periodMs).reverse();
}

function tradesAt(
  market: SimulatedMarket | undefined,
  query: TradeQuery,
  historyMs: number,
  nowMs: number,
): MarketTrade[] {
  if (market === undefined) return [];
  const { newerThanId = -1, olderThanId = Number.POSITIVE_INFINITY, limit } = query;
  const earliestMs = Math.max(historyMs, momentOfTrade(newerThanId));
  let endMs = Math.min(nowMs, momentOfTrade(olderThanId) + LOOK_BACK_MS);
  const found: MarketTrade[] = [];
  while (endMs >= earliestMs && found.length < limit) {
    const startMs = Math.max(earliestMs, endMs - MINUTE_MS + 1);
    const asked = market.trades(startMs, endMs).filter((t) => t.tradeId > newerThanId && t.tradeId < olderThanId);
    found.push(...asked.reverse());
    endMs = startMs - 1;
  }
  return found.slice(0, limit);
}
