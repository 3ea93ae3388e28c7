import { describe, expect, it } from "vitest";
import { readable } from "./readable-log.ts";

const line = (fields: Record<string, unknown>) =>
  readable(JSON.stringify({ level: "info", function: "trader-tick", ...fields }));

describe("a function's log line on the console", () => {
  it("says what happened and leaves out what is empty", () => {
    const ended = {
      event: "tick_ended",
      outcome: "ok",
      error: null,
      counts: { scanned: 5, intents: 0 },
      runIds: ["x"],
    };
    expect(line(ended)).toBe("ok, scanned 5");
    expect(line({ ...ended, books: [{ mode: "paper", status: "ok" }] })).toBe("ok, scanned 5, books paper ok");
  });

  it("is left out when a tick only began or was not due", () => {
    expect(line({ event: "run_started" })).toBeNull();
    expect(line({ event: "tick_ended", outcome: "skipped", reason: "not_due" })).toBeNull();
  });

  it("is never left out when it warns", () => {
    expect(line({ level: "warn", event: "run_started", error: "late" })).toBe("warn: run started, error late");
  });

  it("stays as it is when it is not one of ours", () => {
    expect(readable("Error: boom")).toBe("Error: boom");
    expect(readable('{"broken')).toBe('{"broken');
  });
});
