import type { Segment } from "../local/market/market-range.ts";
import type { EquityPoint } from "./backtest-facts.ts";

/** The engine under a clock of its own: the real handlers on a real database, or a stand-in in the loop's own test. */
export interface ReplayedEngine {
  /** Seconds between two runs of the trader. */
  readonly traderSeconds: number;
  showTime(nowMs: number): Promise<void>;
  traderTick(slotMs: number): Promise<void>;
  /** Runs the reposition tick when the database says that an order is due; tells whether it did. */
  repositionTickIfDue(slotMs: number): Promise<boolean>;
  equity(nowMs: number): Promise<EquityPoint>;
}

/** What the loop is told: the stretches of data to run through, and who wants to hear of progress. */
export interface BacktestRun {
  readonly engine: ReplayedEngine;
  readonly segments: readonly Segment[];
  readonly onDay?: (day: string) => void;
}

const DISPATCH_MS = 5_000;

/** Returns the part of the data's segments that lies in [fromMs, toMs). */
export function segmentsWithin(segments: readonly Segment[], fromMs: number, toMs: number): Segment[] {
  return segments
    .map((segment) => ({ startMs: Math.max(segment.startMs, fromMs), endMs: Math.min(segment.endMs, toMs) }))
    .filter((segment) => segment.startMs < segment.endMs);
}

/**
 * Steps the engine through the data as the schedule would: every five seconds a look whether something is due, the trader at its
 * cadence. Between two segments nothing runs. Returns the account at each trader tick.
 */
export async function runBacktest({ engine, segments, onDay }: BacktestRun): Promise<EquityPoint[]> {
  const points: EquityPoint[] = [];
  let day = "";
  for (const now of dispatchTimes(segments)) {
    await engine.showTime(now);
    if (now % (engine.traderSeconds * 1000) === 0) {
      await engine.traderTick(now);
      points.push(await engine.equity(now));
    }
    await engine.repositionTickIfDue(now);
    const today = new Date(now).toISOString().slice(0, 10);
    if (today !== day) onDay?.(today);
    day = today;
  }
  return points;
}

function* dispatchTimes(segments: readonly Segment[]): Generator<number> {
  for (const { startMs, endMs } of segments) {
    for (let now = Math.ceil(startMs / DISPATCH_MS) * DISPATCH_MS; now < endMs; now += DISPATCH_MS) yield now;
  }
}
