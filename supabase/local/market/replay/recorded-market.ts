import { MINUTE_MS } from "../candles.ts";
import { joinSegments, type Segment } from "../market-range.ts";
import type { Candle, MarketTrade } from "../market-source.ts";
import { DataFileError } from "../recorded/data-file-error.ts";
import {
  type DepthRow,
  type Quote,
  type QuoteBar,
  type RecordedRows,
  readRecorded,
} from "../recorded/recorded-rows.ts";
import { symbolOfFile } from "../recorded/symbol-of-file.ts";
import { TimeSeries } from "./time-series.ts";

/** Everything recorded about one symbol, each kind in the order of time; candles and quote bars are of one minute. */
export interface RecordedMarket {
  readonly symbol: string;
  readonly candles: TimeSeries<Candle>;
  readonly quoteBars: TimeSeries<QuoteBar>;
  readonly quotes: TimeSeries<Quote>;
  readonly depth: TimeSeries<DepthRow>;
  readonly trades: TimeSeries<MarketTrade>;
  readonly segments: readonly Segment[];
}

interface RecordedFile {
  readonly path: string;
  readonly symbol: string;
  readonly recorded: RecordedRows;
}

/** Reads recorded files and joins those of one symbol; throws DataFileError when a file is unusable or two hold the same moment. */
export async function readRecordedMarkets(paths: readonly string[]): Promise<RecordedMarket[]> {
  if (paths.length === 0) throw new DataFileError("no data file is given");
  const files: RecordedFile[] = [];
  for (const path of paths) files.push({ path, symbol: symbolOfFile(path), recorded: await readRecorded(path) });
  for (const file of files) requireMinutes(file);
  return [...new Set(files.map((file) => file.symbol))].sort().map((symbol) =>
    joinFiles(
      symbol,
      files.filter((file) => file.symbol === symbol),
    ),
  );
}

function requireMinutes({ path, recorded }: RecordedFile): void {
  if (recorded.kind !== "candles" && recorded.kind !== "quote bars") return;
  let shortest = Number.POSITIVE_INFINITY;
  recorded.rows.forEach((row, n) => {
    const before = recorded.rows[n - 1];
    if (before !== undefined) shortest = Math.min(shortest, row.openMs - before.openMs);
    if (row.openMs % MINUTE_MS !== 0)
      throw new DataFileError(`${path} line ${n + 2}: ts_ms ${row.openMs} is not a full minute`);
  });
  if (recorded.rows.length > 1 && shortest !== MINUTE_MS) {
    throw new DataFileError(
      `${path}: a replay needs one-minute rows; here they are at least ${shortest / MINUTE_MS} minutes apart`,
    );
  }
}

function joinFiles(symbol: string, files: readonly RecordedFile[]): RecordedMarket {
  const candles = rowsOf(symbol, files, "candles", (row) => row.openMs);
  const quoteBars = rowsOf(symbol, files, "quote bars", (row) => row.openMs);
  const quotes = rowsOf(symbol, files, "quotes", (row) => row.timeMs);
  const depth = rowsOf(symbol, files, "depth", (row) => row.timeMs);
  const trades = rowsOf(symbol, files, "trades", (row) => row.tradeId);
  const bars = [...candles, ...quoteBars].map((row) => ({ startMs: row.openMs, endMs: row.openMs + MINUTE_MS }));
  const moments = [...quotes, ...depth, ...trades].map((row) => ({ startMs: row.timeMs, endMs: row.timeMs + 1 }));
  return {
    symbol,
    candles: new TimeSeries(candles, (row) => row.openMs),
    quoteBars: new TimeSeries(quoteBars, (row) => row.openMs),
    quotes: new TimeSeries(quotes, (row) => row.timeMs),
    depth: new TimeSeries(depth, (row) => row.timeMs),
    trades: new TimeSeries(trades, (row) => row.timeMs),
    segments: joinSegments([...bars, ...moments]),
  };
}

type RowOf<K extends RecordedRows["kind"]> = Extract<RecordedRows, { kind: K }>["rows"][number];

function rowsOf<K extends RecordedRows["kind"]>(
  symbol: string,
  files: readonly RecordedFile[],
  kind: K,
  key: (row: RowOf<K>) => number,
): RowOf<K>[] {
  const mine = files.filter((file) => file.recorded.kind === kind);
  const rows = mine.flatMap((file) => file.recorded.rows as readonly RowOf<K>[]).sort((a, b) => key(a) - key(b));
  rows.forEach((row, n) => {
    const before = rows[n - 1];
    if (before !== undefined && key(before) === key(row)) {
      throw new DataFileError(
        `two of ${mine.map((file) => file.path).join(", ")} hold ${kind} of ${symbol} for the same moment`,
      );
    }
  });
  return rows;
}
