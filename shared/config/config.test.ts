import { describe, expect, it } from "vitest";
import { KNOBS } from "./knobs.ts";
import { DEFAULT_CONFIG, knobsInEnvironment, parseConfig, parseKnob } from "./parse-config.ts";

const messageOf = (key: string, value: string): string => {
  const parsed = parseKnob(key, value);
  return parsed.ok ? "" : parsed.error.message;
};

describe("knobs", () => {
  it("have unique names and defaults that pass their own rules", () => {
    expect(new Set(KNOBS.map((knob) => knob.name)).size).toBe(KNOBS.length);
    for (const knob of KNOBS) expect(parseKnob(knob.name, knob.defaultValue).ok, knob.name).toBe(true);
  });

  it("carry the runbook's defaults", () => {
    expect(DEFAULT_CONFIG).toMatchObject({
      ORDER_TTL_SECONDS_ENTRY: 60,
      ORDER_TTL_SECONDS_EXIT: 30,
      MAX_REPRICE_ATTEMPTS: 3,
      REPRICE_STEP_BPS: "5",
      MAX_CROSS_SPREAD_BPS: "20",
      LIQUIDITY_GUARD_SPREAD_PCT: "0.5",
      MAX_NOTIONAL_PER_TRADE: "25",
      MAX_DAILY_NOTIONAL: "50",
      MAX_OPEN_POSITIONS: 3,
      STOP_TRADING_ON_DEGRADED: true,
      RECONCILE_CASH_TOLERANCE: "2",
      RECONCILE_QTY_TOLERANCE: "0.000001",
      SAFE_MODE_EMPTY_SCAN_THRESHOLD: 3,
      kill_switch: false,
    });
  });

  it("that do not exist are refused with the nearest names", () => {
    expect(messageOf("MAX_NOTIONAL_PER_TRAED", "1")).toBe(
      "there is no knob MAX_NOTIONAL_PER_TRAED; nearest names: MAX_NOTIONAL_PER_TRADE, MAX_OPEN_POSITIONS, MAX_DAILY_NOTIONAL",
    );
    expect(messageOf("KILL_SWITCH", "true")).toContain("nearest names: kill_switch");
  });

  it.each([
    ["MAX_REPRICE_ATTEMPTS", "2.5", "a whole number from 0 to 100"],
    ["MAX_REPRICE_ATTEMPTS", "-1", "a whole number from 0 to 100"],
    ["REPRICE_STEP_BPS", "NaN", "a number from 0 to 1000"],
    ["LIQUIDITY_GUARD_SPREAD_PCT", "101", "a number from 0 to 100"],
    ["kill_switch", "maybe", "true or false"],
    ["TRADER_MODE", "demo", "one of disabled, paper, live"],
  ])("%s refuses '%s' and says that %s is allowed", (key, value, allowed) => {
    expect(messageOf(key, value)).toBe(`${key} can't be '${value}': it must be ${allowed}.`);
  });

  it("accept zero where zero means something", () => {
    const parsed = parseConfig([{ key: "MAX_REPRICE_ATTEMPTS", value: "0" }]);
    expect(parsed.ok && parsed.value.MAX_REPRICE_ATTEMPTS).toBe(0);
  });

  it("are all complained about at once", () => {
    const parsed = parseConfig([
      { key: "NOPE", value: "1" },
      { key: "kill_switch", value: "?" },
    ]);
    expect(parsed.ok ? [] : parsed.error.map((each) => each.code)).toEqual(["UNKNOWN_KNOB", "BAD_KNOB_VALUE"]);
  });

  it("are picked out of an environment by name, other variables left alone", () => {
    expect(knobsInEnvironment({ PATH: "/bin", MAX_DAILY_NOTIONAL: "40", SUPABASE_URL: "x", DENO_DIR: "y" })).toEqual({
      MAX_DAILY_NOTIONAL: "40",
    });
  });

  it.each([
    ["MAX_NOTIONAL_PER_TARDE", "MAX_NOTIONAL_PER_TRADE"],
    ["max_notional_per_trade", "MAX_NOTIONAL_PER_TRADE"],
    ["MAX-NOTIONAL-PER-TRADE", "MAX_NOTIONAL_PER_TRADE"],
    ["ZOE_MAX_NOTIONAL_PER_TRADE", "MAX_NOTIONAL_PER_TRADE"],
    ["KILL_SWITCH", "kill_switch"],
    ["TRADE_MODE", "TRADER_MODE"],
  ])("that are almost one are named by what they are near to, without their value: %s", (name, near) => {
    expect(knobsInEnvironment({ [name]: "secret" })).toEqual({ [name]: { near } });
  });
});
