import { describe, expect, it } from "vitest";
import { runBacktest, segmentsWithin } from "../../backtest/run-backtest.ts";

const T = Date.UTC(2017, 8, 3);

describe("the loop of the backtest", () => {
  const minute = 60_000;
  const record = async (
    segments: { startMs: number; endMs: number }[],
    waiting: (now: number) => boolean = () => true,
    traderSeconds = 60,
  ) => {
    const calls: string[] = [];
    let shown = 0;
    const points = await runBacktest({
      segments,
      engine: {
        traderSeconds,
        showTime: async (now) => {
          shown = now;
        },
        traderTick: async (slot) => {
          calls.push(`trader ${(slot - T) / 1000}`);
          expect(slot).toBeLessThanOrEqual(shown);
        },
        repositionTickIfDue: async (slot) => {
          calls.push(`due? ${(slot - T) / 1000}`);
          return waiting(slot) ? "waiting" : "quiet";
        },
        equity: async (atMs) => ({ atMs, cash: "1", holdings: "0" }),
      },
    });
    return { calls, points };
  };

  it("looks every five seconds, runs the trader at its cadence, and takes the account's measure after each", async () => {
    const { calls, points } = await record([{ startMs: T, endMs: T + 70_000 }]);
    expect(calls.filter((call) => call.startsWith("trader"))).toEqual(["trader 0", "trader 60"]);
    expect(calls.filter((call) => call.startsWith("due?"))).toHaveLength(14);
    expect(points.map((point) => point.atMs)).toEqual([T, T + minute]);
  });

  it("visits only the trader's moments while no order waits", async () => {
    const { calls } = await record(
      [{ startMs: T, endMs: T + 130_000 }],
      (now) => now >= T + minute && now < T + minute + 10_000,
    );
    expect(calls).toEqual([
      "trader 0",
      "due? 0",
      "trader 60",
      "due? 60",
      "due? 65",
      "due? 70",
      "trader 120",
      "due? 120",
    ]);
  });

  it("runs a cadence that is no multiple of five seconds at the first look in each slot, as the schedule does", async () => {
    const { calls } = await record([{ startMs: T, endMs: T + 30_000 }], () => false, 12);
    expect(calls).toEqual(["trader 0", "due? 0", "trader 12", "due? 15", "trader 24", "due? 25"]);
  });

  it("rests between two segments and starts the next on a whole step", async () => {
    const { calls } = await record([
      { startMs: T + 1, endMs: T + 11_000 },
      { startMs: T + 600_000, endMs: T + 605_000 },
    ]);
    expect(calls).toEqual(["trader 0", "due? 5", "due? 10", "trader 600", "due? 600"]);
  });

  it("takes only the part of the data that was asked for", () => {
    const segments = [
      { startMs: T, endMs: T + minute },
      { startMs: T + 10 * minute, endMs: T + 20 * minute },
    ];
    expect(segmentsWithin(segments, T + 2 * minute, T + 12 * minute)).toEqual([
      { startMs: T + 10 * minute, endMs: T + 12 * minute },
    ]);
  });
});
