import type { Segment } from "../local/market/market-range.ts";
import type { EquityPoint } from "./backtest-facts.ts";

/** The engine under a clock of its own: the real handlers on a real database, or a stand-in in the loop's own test. */
export interface ReplayedEngine {
  /** Seconds between two runs of the trader. */
  readonly traderSeconds: number;
  showTime(nowMs: number): Promise<void>;
  traderTick(slotMs: number): Promise<void>;
  /** Runs the reposition tick if the database says that work is due; tells whether an order may become due before the next trader tick. */
  repositionTickIfDue(slotMs: number): Promise<"quiet" | "waiting">;
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
 * cadence. While no order waits, only the trader's moments are visited; between two segments nothing runs. Returns the account at
 * each trader tick.
 */
export async function runBacktest({ engine, segments, onDay }: BacktestRun): Promise<EquityPoint[]> {
  const points: EquityPoint[] = [];
  const traderMs = engine.traderSeconds * 1000;
  let day = "";
  let nextSlot = 0;
  for (const { startMs, endMs } of segments) {
    let now = nextMultiple(startMs, DISPATCH_MS);
    while (now < endMs) {
      const today = new Date(now).toISOString().slice(0, 10);
      if (today !== day) onDay?.(today);
      day = today;
      await engine.showTime(now);
      if (now >= nextSlot) {
        await engine.traderTick(Math.floor(now / traderMs) * traderMs);
        nextSlot = nextMultiple(now + 1, traderMs);
        points.push(await engine.equity(now));
      }
      const orders = await engine.repositionTickIfDue(now);
      now = orders === "waiting" ? now + DISPATCH_MS : nextMultiple(nextSlot, DISPATCH_MS);
    }
  }
  return points;
}

function nextMultiple(value: number, of: number): number {
  return Math.ceil(value / of) * of;
}
