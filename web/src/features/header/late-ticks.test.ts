import { describe, expect, it } from "vitest";
import { lateTicks } from "./late-ticks.ts";

const CADENCES = { "trader-tick": 60, "edge-factory-tick": 60, lateAfter: 3 };
const STARTED = "2026-03-01T12:00:00Z";
const tick = (late: boolean, started_at: string | null = STARTED) => ({
  outcome: "ok",
  started_at,
  age_seconds: 0,
  late,
});
const at = (seconds: number) => Date.parse(STARTED) + seconds * 1000;

describe("a tick is late", () => {
  it("three cadences after its last start, though the server has said nothing since", () => {
    const header = { last_tick: { "trader-tick": tick(false) } };
    expect(lateTicks(header, CADENCES, at(180))).toEqual([]);
    expect(lateTicks(header, CADENCES, at(181))).toEqual(["trader-tick"]);
    expect(lateTicks(header, { ...CADENCES, lateAfter: 5 }, at(181))).toEqual([]);
  });

  it("by the server's word, also when it has never run", () => {
    expect(lateTicks({ last_tick: { "trader-tick": tick(true, null) } }, CADENCES, at(0))).toEqual(["trader-tick"]);
  });

  it("never while its engine is switched off and holds nothing, however old its last start is", () => {
    const header = { last_tick: { "edge-factory-tick": { ...tick(false), disabled: true } } };
    expect(lateTicks(header, CADENCES, at(86_400))).toEqual([]);
  });

  it("never because the reposition tick has nothing to do", () => {
    expect(lateTicks({ last_tick: { "reposition-tick": tick(false) } }, CADENCES, at(9999))).toEqual([]);
  });
});
