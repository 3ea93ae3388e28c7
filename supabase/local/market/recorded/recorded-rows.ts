import type { BookLevel, Candle, MarketTrade } from "../market-source.ts";
import { type CsvTable, readCsvTable } from "./csv-table.ts";
import { DataFileError } from "./data-file-error.ts";
import { enclosed, notCrossed, type Place, price, refuse, size, timeMs } from "./row-checks.ts";

/** A bid/ask bar by its OPEN time in UTC milliseconds; closes and sizes are known only when the bar is over. */
export interface QuoteBar {
  readonly openMs: number;
  readonly bidOpen: string;
  readonly bidClose: string;
  readonly bidSize: string;
  readonly askOpen: string;
  readonly askClose: string;
  readonly askSize: string;
}

/** The best bid and ask with their sizes at a moment in UTC milliseconds. */
export interface Quote {
  readonly timeMs: number;
  readonly bid: string;
  readonly bidSize: string;
  readonly ask: string;
  readonly askSize: string;
}

/** Ten levels a side at a moment in UTC milliseconds, best first. */
export interface DepthRow {
  readonly timeMs: number;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** A recorded file's rows, by kind. */
export type RecordedRows =
  | { readonly kind: "candles"; readonly rows: readonly Candle[] }
  | { readonly kind: "quote bars"; readonly rows: readonly QuoteBar[] }
  | { readonly kind: "quotes"; readonly rows: readonly Quote[] }
  | { readonly kind: "trades"; readonly rows: readonly MarketTrade[] }
  | { readonly kind: "depth"; readonly rows: readonly DepthRow[] };

type Cells = readonly string[];
type RowOf<K extends RecordedRows["kind"]> = Extract<RecordedRows, { kind: K }>["rows"][number];

const LEVELS = 10;
const DEPTH_HEADER = ["ts_ms", ...Array.from({ length: LEVELS }, (_, n) => `bid${n},bidq${n},ask${n},askq${n}`)].join(
  ",",
);

/** Reads any recorded file; its header says which kind it is. Throws DataFileError naming file and line. */
export async function readRecorded(path: string): Promise<RecordedRows> {
  const table = await readCsvTable(path);
  switch (table.header) {
    case "ts_ms,open,high,low,close,volume":
      return { kind: "candles", rows: rising(table, candle, (row) => row.openMs) };
    case "ts_ms,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size":
      return { kind: "quote bars", rows: rising(table, quoteBar, (row) => row.openMs) };
    case "ts_ms,update_id,bid,bid_qty,ask,ask_qty":
      return { kind: "quotes", rows: rising(table, quote, (row) => row.timeMs) };
    case "ts_ms,local_ms,trade_id,price,qty,taker_side":
      return { kind: "trades", rows: rising(table, trade, (row) => row.tradeId, "trade_id") };
    case DEPTH_HEADER:
      return { kind: "depth", rows: rising(table, depth, (row) => row.timeMs) };
    default:
      throw new DataFileError(`${table.file} line 1: unknown header "${table.header.slice(0, 80)}"`);
  }
}

/** Reads one-period candles; `openMs` is the open time. */
export const readCandles = (path: string) => readKind(path, "candles");
/** Reads bid/ask bars. */
export const readQuoteBars = (path: string) => readKind(path, "quote bars");
/** Reads best bid and ask by the moment. */
export const readQuotes = (path: string) => readKind(path, "quotes");
/** Reads single trades with the taker's side. */
export const readTrades = (path: string) => readKind(path, "trades");
/** Reads ten levels a side. */
export const readDepth = (path: string) => readKind(path, "depth");

async function readKind<K extends RecordedRows["kind"]>(path: string, kind: K): Promise<readonly RowOf<K>[]> {
  const recorded = await readRecorded(path);
  if (recorded.kind !== kind) throw new DataFileError(`${path} holds ${recorded.kind}, not ${kind}`);
  return recorded.rows as readonly RowOf<K>[];
}

function rising<T>(
  table: CsvTable,
  read: (place: Place, cells: Cells) => T,
  key: (row: T) => number,
  name = "ts_ms",
): T[] {
  let last = Number.NEGATIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  return table.lines.map(({ line, cells }) => {
    const place = { file: table.file, line };
    const row = read(place, cells);
    const at = Number(cells[0]);
    if (at < lastMs) refuse(place, `ts_ms ${at} is earlier than the row before it`);
    if (key(row) <= last) refuse(place, `${name} ${key(row)} does not rise from the row before it`);
    last = key(row);
    lastMs = at;
    return row;
  });
}

function candle(place: Place, [ts = "", open = "", high = "", low = "", close = "", volume = ""]: Cells): Candle {
  enclosed(place, price(place, "low", low), price(place, "high", high), [
    price(place, "open", open),
    price(place, "close", close),
  ]);
  return { openMs: timeMs(place, ts), open, high, low, close, volume: size(place, "volume", volume) };
}

function quoteBar(place: Place, cells: Cells): QuoteBar {
  const [ts = "", bidOpen = "", bidHigh = "", bidLow = "", bidClose = "", bidSize = ""] = cells;
  const [askOpen = "", askHigh = "", askLow = "", askClose = "", askSize = ""] = cells.slice(6);
  const prices = { bidOpen, bidHigh, bidLow, bidClose, askOpen, askHigh, askLow, askClose };
  for (const [name, text] of Object.entries(prices)) price(place, name, text);
  enclosed(place, bidLow, bidHigh, [bidOpen, bidClose]);
  enclosed(place, askLow, askHigh, [askOpen, askClose]);
  notCrossed(place, bidOpen, askOpen);
  notCrossed(place, bidClose, askClose);
  size(place, "bid_size", bidSize);
  size(place, "ask_size", askSize);
  return { openMs: timeMs(place, ts), bidOpen, bidClose, bidSize, askOpen, askClose, askSize };
}

function quote(place: Place, [ts = "", , bid = "", bidSize = "", ask = "", askSize = ""]: Cells): Quote {
  notCrossed(place, price(place, "bid", bid), price(place, "ask", ask));
  size(place, "bid_qty", bidSize);
  size(place, "ask_qty", askSize);
  return { timeMs: timeMs(place, ts), bid, bidSize, ask, askSize };
}

function trade(place: Place, [ts = "", , id = "", at = "", qty = "", side = ""]: Cells): MarketTrade {
  if (!/^\d{1,15}$/.test(id)) refuse(place, `trade_id "${id}" is not a whole number`);
  if (side !== "buy" && side !== "sell") refuse(place, `taker_side "${side}" is neither buy nor sell`);
  return {
    tradeId: Number(id),
    timeMs: timeMs(place, ts),
    price: price(place, "price", at),
    size: size(place, "qty", qty),
    takerSide: side,
  };
}

function depth(place: Place, cells: Cells): DepthRow {
  const bids: BookLevel[] = [];
  const asks: BookLevel[] = [];
  for (let n = 0; n < LEVELS; n += 1) {
    const [bid = "", bidSize = "", ask = "", askSize = ""] = cells.slice(1 + n * 4, 5 + n * 4);
    bids.push([price(place, `bid${n}`, bid), size(place, `bidq${n}`, bidSize), 1]);
    asks.push([price(place, `ask${n}`, ask), size(place, `askq${n}`, askSize), 1]);
  }
  notCrossed(place, bids[0]?.[0] ?? "", asks[0]?.[0] ?? "");
  return { timeMs: timeMs(place, cells[0] ?? ""), bids, asks };
}
