import type { Gap } from "../../shared/market/gaps.ts";
import type { Amount } from "../../shared/money/decimal.ts";

/** One booked execution; the fee is in USD, the moment in epoch milliseconds. */
export interface BacktestFill {
  readonly symbol: string;
  readonly side: "buy" | "sell";
  readonly qty: Amount;
  readonly price: Amount;
  readonly fee: Amount;
  readonly atMs: number;
}

/** The account at a moment: cash, what the holdings are worth at the middle of the touch, and both together. */
export interface EquityPoint {
  readonly atMs: number;
  readonly cash: Amount;
  readonly holdings: Amount;
}

/** What a finished backtest left in the books, before anything is computed from it. */
export interface BacktestFacts {
  readonly fromMs: number;
  readonly toMs: number;
  readonly startingCash: Amount;
  readonly fills: readonly BacktestFill[];
  /** One point per trader tick, in rising order. */
  readonly equity: readonly EquityPoint[];
  readonly realizedPnl: Amount;
  readonly intents: Readonly<Record<string, number>>;
  readonly denials: Readonly<Record<string, number>>;
  readonly orders: Readonly<Record<string, number>>;
  readonly ticks: Readonly<Record<string, number>>;
  /** What the data lacked between the first and the last moment. */
  readonly gaps: readonly Gap[];
  /** Sentences about books that do not agree or ticks that failed; empty when all is well. */
  readonly problems: readonly string[];
}
