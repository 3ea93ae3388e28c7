import { describe, expect, it } from "vitest";
import { jsonLog, messageOf } from "./log.ts";

const captured = (secrets: string[]) => {
  const lines: string[] = [];
  return { lines, log: jsonLog("trader-tick", secrets, (line) => lines.push(line)) };
};

describe("the log", () => {
  it("writes one JSON object a line with level, function and event", () => {
    const { lines, log } = captured([]);
    log("info", "tick_finished", { counts: { sent: 2 }, note: "a\nb" });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain("\n");
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      level: "info",
      function: "trader-tick",
      event: "tick_finished",
      counts: { sent: 2 },
      note: "a\nb",
    });
  });

  it("lets no given secret through, however deep it lies", () => {
    const { lines, log } = captured(["hunter2-cron-token", ""]);
    log("error", "failed", {
      deep: [{ text: "url?token=hunter2-cron-token" }],
      error: new Error("hunter2-cron-token"),
    });
    expect(lines[0]).not.toContain("hunter2");
    expect(lines[0]).toContain("[redacted]");
  });

  it("redacts what looks like a secret although nobody told it", () => {
    const { lines, log } = captured([]);
    const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
    log("info", "x", {
      authorization: "whatever",
      apikey: "abc",
      cron_token: "abc",
      text: `Bearer abc.def ${jwt} sb_secret_abc123 postgresql://postgres:pa55@db:5432/postgres`,
    });
    expect(lines[0]).not.toMatch(/whatever|abc|eyJ|pa55/);
  });

  it("keeps fields that only sound like secrets", () => {
    const { lines, log } = captured([]);
    log("info", "x", { idempotency_key: "trader:BTC-USD", symbol: "BTC-USD", lease: 7 });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ idempotency_key: "trader:BTC-USD", lease: 7 });
  });

  it("tells the message of anything thrown", () => {
    expect(messageOf(new Error("a"))).toBe("a");
    expect(messageOf("b")).toBe("b");
  });
});
