import { describe, expect, it } from "vitest";
import { writeBook } from "./wire/write.ts";

describe("the broker's books as they are handed to reconciliation", () => {
  const holdings = { quantities: { "BTC-USD": "0.1" }, observedAt: 2_000 };
  const balances = { cash: "5", reservedCash: "0", observedAt: 1_000 };

  it("carry the account's fee rates where the broker tells them, and none where it does not", () => {
    const told = writeBook("live", 3_000, { ...balances, fees: { makerBps: "25", takerBps: "40" } }, holdings, []);
    expect(told).toMatchObject({ mode: "live", cash: "5", maker_bps: "25", taker_bps: "40" });
    for (const silent of [balances, { ...balances, fees: null }]) {
      expect(Object.keys(writeBook("live", 3_000, silent, holdings, []))).not.toContain("taker_bps");
    }
  });
});
