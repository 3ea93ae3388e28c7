import { foldCandles, MINUTE_MS, minutesOfTrades } from "../candles.ts";
import { gapsWithin, joinSegments, rangeOf } from "../market-range.ts";
import type { Book, Candle, CandleQuery, MarketSource, MarketTrade, Ticker, TradeQuery } from "../market-source.ts";
import { productOf } from "../products.ts";
import { DataFileError } from "../recorded/data-file-error.ts";
import { lastTrade } from "./last-trade.ts";
import { type RecordedMarket, readRecordedMarkets } from "./recorded-market.ts";
import { touchAt } from "./touch.ts";
import { volumeOfLastDay } from "./volume.ts";

const DEPTH_MAX_LAG_MS = 2_000;

/**
 * Opens recorded files as a market; several files of one symbol are joined. Throws DataFileError, naming file and line, for data
 * that cannot be used. Only trade files have `trades`: candles tell no single trade, so for them that list is empty.
 */
export async function openReplay(files: readonly string[]): Promise<MarketSource> {
  const markets = await readRecordedMarkets(files);
  const bySymbol = new Map(markets.map((market) => [market.symbol, { market, volume: volumeOfLastDay(market) }]));
  const segments = joinSegments(markets.flatMap((market) => market.segments));
  if (segments.length === 0) throw new DataFileError(`${files.join(", ")}: no data rows`);
  const products = markets.map((market) => productOf(market.symbol));
  const symbols = products.map((product) => product.symbol);
  const find = (symbol: string) => bySymbol.get(symbol);
  return {
    describe: () =>
      `recorded data of ${symbols.join(", ")} from ${files.length} ${files.length === 1 ? "file" : "files"}`,
    range: () => rangeOf(segments),
    gaps: () =>
      markets
        .flatMap(({ symbol, segments: known }) => gapsWithin(symbol, known, rangeOf(segments)))
        .sort((a, b) => a.from - b.from),
    products: () => products,
    ticker: (symbol, nowMs) => {
      const found = find(symbol);
      return found === undefined ? null : tickerAt(found.market, found.volume, nowMs);
    },
    book: (symbol, nowMs, depth) => bookAt(find(symbol)?.market, nowMs, depth),
    candles: (symbol, query, nowMs) => candlesAt(find(symbol)?.market, query, nowMs),
    trades: (symbol, query, nowMs) => tradesAt(find(symbol)?.market, query, nowMs),
  };
}

function tickerAt(market: RecordedMarket, volume: (nowMs: number) => string, nowMs: number): Ticker | null {
  const touch = touchAt(market, nowMs);
  if (touch === null) return null;
  // Where quotes were recorded without trades, the bid stands in as the last price.
  const { tradeId, price, size, timeMs } = lastTrade(market, nowMs) ?? {
    tradeId: 0,
    price: touch.bid,
    size: "0",
    timeMs: touch.untilMs,
  };
  return { tradeId, price, size, timeMs, bid: touch.bid, ask: touch.ask, volume: volume(nowMs) };
}

function bookAt(market: RecordedMarket | undefined, nowMs: number, depth: "touch" | "full"): Book {
  const touch = market === undefined ? null : touchAt(market, nowMs);
  if (market === undefined || touch === null) return { timeMs: nowMs, bids: [], asks: [] };
  const row = depth === "full" ? market.depth.lastUntil(nowMs) : undefined;
  if (row !== undefined && touch.sinceMs - row.timeMs <= DEPTH_MAX_LAG_MS) return row;
  return {
    timeMs: touch.untilMs,
    sinceMs: touch.barMs ?? touch.sinceMs,
    ...(touch.barMs === undefined ? {} : { fromCandles: true }),
    bids: [[touch.bid, touch.bidSize, 1]],
    asks: [[touch.ask, touch.askSize, 1]],
  };
}

function candlesAt(market: RecordedMarket | undefined, query: CandleQuery, nowMs: number): Candle[] {
  if (market === undefined) return [];
  const periodMs = query.granularitySeconds * 1000;
  const firstMs = Math.ceil(query.startMs / periodMs) * periodMs;
  const lastMs = Math.min(nowMs, Math.floor(query.endMs / periodMs) * periodMs + periodMs - 1);
  const recorded = market.candles.between(firstMs, lastMs).map((candle) => asKnownAt(candle, nowMs));
  const traded = minutesOfTrades(market.trades.between(firstMs, lastMs));
  const minutes = [...recorded, ...traded].sort((a, b) => a.openMs - b.openMs);
  return foldCandles(minutes, periodMs).reverse();
}

/** While a candle runs, only its open is known. */
function asKnownAt(candle: Candle, nowMs: number): Candle {
  if (nowMs >= candle.openMs + MINUTE_MS) return candle;
  return {
    openMs: candle.openMs,
    open: candle.open,
    high: candle.open,
    low: candle.open,
    close: candle.open,
    volume: "0",
  };
}

function tradesAt(market: RecordedMarket | undefined, query: TradeQuery, nowMs: number): MarketTrade[] {
  if (market === undefined) return [];
  const known = market.trades.rows.slice(0, market.trades.countUntil(nowMs));
  const { newerThanId = Number.NEGATIVE_INFINITY, olderThanId = Number.POSITIVE_INFINITY, limit } = query;
  const asked = known.filter((trade) => trade.tradeId > newerThanId && trade.tradeId < olderThanId);
  return asked.slice(-limit).reverse();
}
