import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../config/parse-config.ts";
import type { Candle } from "../market/candle.ts";
import { decimal } from "../money/decimal.ts";
import { type ExitState, initialExitState } from "./exit.ts";
import { decideExitByCandles } from "./exit-by-candles.ts";

const MINUTE = 60_000;
const candle = (minute: number, open: string, low: string, high: string, close: string): Candle => ({
  symbol: "BTC-USD",
  openedAt: minute * MINUTE,
  seconds: 60,
  open,
  low,
  high,
  close,
  volume: "1",
});
/** Bought at 100 in the very last moment of minute 0: stop 98.5, target 102, armed at 101. */
const opened = initialExitState("100", MINUTE - 1, DEFAULT_CONFIG);
const touch = { bid: "99.99", ask: "100.01" };
const decide = (candles: readonly Candle[], state: ExitState = opened, seenUntil = state.openedAt, now = 10 * MINUTE) =>
  decideExitByCandles(state, seenUntil, candles, touch, now, DEFAULT_CONFIG, "0.01");

describe("from candles alone", () => {
  it("a low 5 % below the stop sells at the stop less half the spread and slippage, wherever the bar closes", () => {
    for (const close of ["100", "93.6"]) {
      expect(decide([candle(1, "100", "93.58", "100.5", close)]).decision).toEqual({
        reason: "stop",
        urgency: "stop_loss",
        limitPrice: "98.44",
      });
    }
  });

  it("a bar that opens below the stop sells at its open", () => {
    expect(decide([candle(1, "95", "94", "96", "95.5")]).decision?.limitPrice).toBe("94.94");
  });

  it("a touch of the stop fires, a cent above it doesn't", () => {
    expect(decide([candle(1, "100", "98.5", "100", "100")]).decision?.reason).toBe("stop");
    expect(decide([candle(1, "100", "98.51", "100", "100")]).decision).toBeNull();
  });

  it("of stop and target in one bar it is the stop", () => {
    expect(decide([candle(1, "100", "98", "103", "103")]).decision?.reason).toBe("stop");
  });

  it("the high raises the high-water mark only after the stop was judged: the new stop counts from the next bar", () => {
    const spike = candle(1, "100", "99", "104", "103.9");
    const first = decide([spike]);
    expect(first).toMatchObject({
      state: { highWater: "104", trailArmed: true, stopPrice: "103.22" },
      seenUntil: 2 * MINUTE,
    });
    const both = decide([spike, candle(2, "103.9", "103.2", "103.9", "103.8")]);
    expect(both.decision).toEqual({ reason: "trailing", urgency: "stop_loss", limitPrice: "103.15" });
  });

  it("a target needs the close", () => {
    expect(decide([candle(1, "100", "99.5", "100.9", "100.5")]).decision).toBeNull();
    const high = { ...DEFAULT_CONFIG, TRADER_TRAIL_ARM_PCT: "50" };
    const at = (close: string) =>
      decideExitByCandles(opened, 0, [candle(1, "100", "99.5", "103", close)], touch, 0, high, "0.01").decision;
    expect(at("101.99")).toBeNull();
    expect(at("102")).toEqual({ reason: "target", urgency: "passive", limitPrice: "100.01" });
  });

  it("the bar of the entry may stop out, but neither reaches a target nor raises the high-water mark", () => {
    expect(decide([candle(0, "101", "98", "101", "100")]).decision?.reason).toBe("stop");
    expect(decide([candle(0, "105", "99", "106", "105")])).toMatchObject({
      decision: null,
      state: { highWater: "100", trailArmed: false },
    });
  });

  it("each closed candle since the last look counts, in order, and one that was looked at never again", () => {
    const bars = [candle(1, "100", "99", "100", "100"), candle(2, "100", "98", "100", "100")];
    expect(decide(bars)).toMatchObject({ decision: { reason: "stop" }, seenUntil: 2 * MINUTE });
    expect(decide(bars, opened, 3 * MINUTE)).toMatchObject({ decision: null, seenUntil: 3 * MINUTE });
    expect(decide(bars, { ...opened, openedAt: 3 * MINUTE }).decision).toBeNull();
  });

  it("time runs out without any candle", () => {
    expect(decide([], opened, MINUTE, opened.exitBy).decision).toMatchObject({ reason: "time", limitPrice: "100.01" });
  });

  it("looking after every bar or after many comes to the same stop, price and high-water mark", () => {
    const anyBar = fc.tuple(fc.integer({ min: 9_700, max: 10_400 }), fc.nat(150), fc.nat(150));
    fc.assert(
      fc.property(fc.array(anyBar, { minLength: 1, maxLength: 12 }), (raw) => {
        const text = (cents: number) => decimal((cents / 100).toFixed(2)).toFixed();
        const bars = raw.map(([open, down, up], index) =>
          candle(index + 1, text(open), text(open - down), text(open + up), text(open)),
        );
        const isStop = (exit: ReturnType<typeof decide>) => exit.decision?.urgency === "stop_loss";
        const together = decide(bars);
        let one = decide([]);
        for (const bar of bars) if (!isStop(one)) one = decide([bar], one.state, one.seenUntil);
        expect(one.state).toEqual(together.state);
        expect(one.seenUntil).toBe(together.seenUntil);
        if (isStop(one) || isStop(together)) expect(one.decision).toEqual(together.decision);
      }),
    );
  });
});
