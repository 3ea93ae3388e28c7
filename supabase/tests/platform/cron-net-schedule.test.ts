import { describe, expect, it } from "vitest";
import { nextDue } from "../../local/cron-net/cron-job.ts";
import { Pace } from "../../local/cron-net/pace.ts";

const START = Date.parse("2026-02-27T12:00:30Z"); // a Friday

describe("a schedule", () => {
  it.each([
    ["5 seconds", "2026-02-27T12:00:35.000Z"],
    ["* * * * *", "2026-02-27T12:01:00.000Z"],
    ["*/15 * * * *", "2026-02-27T12:15:00.000Z"],
    ["30 3 * * *", "2026-02-28T03:30:00.000Z"],
    ["0 0 $ * *", "2026-02-28T00:00:00.000Z"],
    ["0 6 * * 7", "2026-03-01T06:00:00.000Z"],
    ["0 6 * mar mon", "2026-03-02T06:00:00.000Z"],
    ["0 0 13 * 6", "2026-02-28T00:00:00.000Z"],
    ["@hourly", "2026-02-27T13:00:00.000Z"],
    ["@midnight", "2026-02-28T00:00:00.000Z"],
  ])("%s is next due at %s", (schedule, due) => {
    expect(new Date(nextDue(schedule, START)).toISOString()).toBe(due);
  });

  it("of every minute is due again only a minute later", () => {
    expect(nextDue("* * * * *", Date.parse("2026-02-27T12:01:00Z"))).toBe(Date.parse("2026-02-27T12:02:00Z"));
  });

  it("@reboot is never due again", () => {
    expect(nextDue("@reboot", START)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("the launcher's sleep", () => {
  it("ends when the next job is due in real time, and after a second at the latest", () => {
    const pace = new Pace();
    pace.untilNext(0, 5_000, 0);
    expect(pace.untilNext(1_000, 1_250, 1_000)).toBe(250);
    expect(pace.untilNext(2_000, 60_000, 2_000)).toBe(1_000);
  });

  it("shortens with the speed of a replay, and stays short while the clock stands", () => {
    const pace = new Pace();
    pace.untilNext(0, 5_000, 0);
    expect(pace.untilNext(3_000, 4_200, 50)).toBeCloseTo(20);
    expect(pace.untilNext(3_000, 60_000, 100)).toBe(50);
    expect(pace.untilNext(3_000, 3_000, 150)).toBe(5);
  });
});
