import type { Market } from "../functions/_shared/market/market.ts";
import type { MarketSource } from "../local/market/market-source.ts";
import type { TestDatabase } from "../tests/support/test-database.ts";
import { openEngine } from "./embedded-engine.ts";
import { readBooks } from "./read-books.ts";
import { runBacktest, segmentsWithin } from "./run-backtest.ts";
import { type BacktestReport, summarizeBacktest } from "./summarize-backtest.ts";

/** One backtest: from `fromMs` up to, not including, `toMs`, on a freshly migrated database that it may fill. */
export interface Backtest {
  readonly database: TestDatabase;
  readonly source: MarketSource;
  readonly fromMs: number;
  readonly toMs: number;
  readonly knobs: Readonly<Record<string, string>>;
  readonly onDay?: (day: string) => void;
  /** How the ticks see the data, if not directly. */
  readonly marketOf?: (source: MarketSource, now: () => number) => Market;
}

/** Runs the real ticks, guards and paper exchange over recorded data and reports what the books say. */
export async function backtest(wish: Backtest): Promise<BacktestReport> {
  const { database, source, fromMs, toMs, knobs, onDay, marketOf } = wish;
  const segments = segmentsWithin(source.range().segments, fromMs, toMs);
  const engine = await openEngine(database, source, knobs, fromMs, marketOf);
  const equity = await runBacktest({ engine, segments, ...(onDay === undefined ? {} : { onDay }) });
  const books = await readBooks(database.admin, await engine.broker());
  const gaps = source
    .gaps()
    .map(({ symbol, from, to }) => ({ symbol, from: Math.max(from, fromMs), to: Math.min(to, toMs) }))
    .filter(({ from, to }) => from < to);
  return summarizeBacktest({ fromMs, toMs, equity, gaps, ...books });
}
