import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../config/parse-config.ts";
import { addPct, decimal } from "../money/decimal.ts";
import { decideExit, type ExitState, initialExitState, restoreExitState, updateExitState } from "./exit.ts";

const touch = (bid: string) => ({ bid, ask: decimal(bid).plus(decimal("0.02")).toFixed() });
const opened = initialExitState("100", 0, DEFAULT_CONFIG);
const decide = (state: ExitState, bid: string, now = 1000) =>
  decideExit(state, touch(bid), now, DEFAULT_CONFIG, "0.01");
const carried = (bids: readonly string[], from = opened) =>
  bids.reduce((state, bid) => updateExitState(state, touch(bid), DEFAULT_CONFIG), from);

describe("an exit", () => {
  it("starts with stop, target and time from the knobs", () => {
    expect(opened).toEqual({
      entryPrice: "100",
      highWater: "100",
      stopPrice: "98.5",
      targetPrice: "102",
      trailArmed: false,
      openedAt: 0,
      exitBy: 7_200_000,
    });
  });

  it("at the stop is marketable below the bid", () => {
    expect(decide(opened, "98.51")).toBeNull();
    expect(decide(opened, "98.5")).toEqual({ reason: "stop", urgency: "stop_loss", limitPrice: "98.31" });
  });

  it("at the target or when time is up is passive at the ask", () => {
    expect(decide(opened, "102")).toEqual({ reason: "target", urgency: "passive", limitPrice: "102.02" });
    expect(decide(opened, "100", 7_199_999)).toBeNull();
    expect(decide(opened, "100", 7_200_000)).toEqual({ reason: "time", urgency: "passive", limitPrice: "100.02" });
  });

  it("looks for the loss before the time", () => {
    expect(decide(opened, "98", 9_999_999)?.reason).toBe("stop");
  });

  it("trails the high-water mark once armed", () => {
    expect(carried(["100.99"])).toMatchObject({ trailArmed: false, stopPrice: "98.5" });
    const armed = carried(["101.6", "101.2"]);
    expect(armed).toMatchObject({ trailArmed: true, highWater: "101.6", stopPrice: "100.838" });
    expect(decide(armed, "100.83")).toMatchObject({ reason: "trailing", urgency: "stop_loss" });
  });

  it("is the same after a restart at any moment: the state is all there is", () => {
    const bids = fc.array(
      fc.integer({ min: 9700, max: 10_300 }).map((cents) => decimal(String(cents)).div(decimal("100")).toFixed()),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(bids, fc.nat(), (path, cut) => {
        const at = cut % path.length;
        const stored = JSON.parse(JSON.stringify(carried(path.slice(0, at)))) as ExitState;
        expect(carried(path.slice(at), restoreExitState(stored, DEFAULT_CONFIG))).toEqual(carried(path));
      }),
    );
  });

  it("only ever raises the stop, and keeps it when the knobs change", () => {
    const bids = fc.array(
      fc.integer({ min: 5000, max: 20_000 }).map((cents) => decimal(String(cents)).div(decimal("100")).toFixed()),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(bids, (path) => {
        let state = opened;
        for (const bid of path) {
          const next = updateExitState(state, touch(bid), DEFAULT_CONFIG);
          expect(decimal(next.stopPrice).gte(decimal(state.stopPrice))).toBe(true);
          if (next.trailArmed)
            expect(decimal(next.stopPrice).gte(addPct(decimal(next.highWater), decimal("-0.75")))).toBe(true);
          state = next;
        }
      }),
    );
    const wider = { ...DEFAULT_CONFIG, TRADER_TRAIL_PCT: "5" };
    expect(updateExitState(carried(["101.6"]), touch("101.7"), wider).stopPrice).toBe("100.838");
    const looser = { ...DEFAULT_CONFIG, TRADER_STOP_PCT: "10" };
    expect(restoreExitState({ ...opened, stopPrice: "98.5" }, looser).stopPrice).toBe("98.5");
  });

  it("fills in what a stored position lacks, rather than being without a stop", () => {
    const bare = {
      entryPrice: "100",
      highWater: null,
      stopPrice: null,
      targetPrice: null,
      trailArmed: false,
      openedAt: 0,
      exitBy: null,
    };
    expect(restoreExitState(bare, DEFAULT_CONFIG)).toEqual(opened);
  });
});
