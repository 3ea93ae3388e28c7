import type postgres from "postgres";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openSimulation } from "../../local/market/simulation/open-simulation.ts";
import { serveMarket } from "../../local/market.ts";

const END = Date.parse("2026-03-01T12:00:00Z");
const source = () => {
  const [startMs, endMs] = [END - 3_600_000, END];
  return { ...openSimulation(1, END), range: () => ({ startMs, endMs, segments: [{ startMs, endMs }] }) };
};

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => vi.useRealTimers());

describe("the clock of a replay whose data has ended", () => {
  it("is stopped, however often the database refuses, and what was wrong is said once", async () => {
    const [said, stops] = [[] as string[], [] as string[]];
    let refusals = 2;
    const sql = ((text: TemplateStringsArray) => {
      if (!text[0]?.includes("update")) return Promise.resolve([{ now: new Date(END + 1000) }]);
      stops.push(refusals > 0 ? "refused" : "done");
      refusals -= 1;
      return refusals >= 0 ? Promise.reject(new Error("too many connections")) : Promise.resolve([]);
    }) as unknown as postgres.Sql;
    const server = await serveMarket(source(), sql, (line) => said.push(line));
    for (let second = 0; second < 5; second += 1) await vi.advanceTimersByTimeAsync(1000);
    await server.stop();
    expect(stops).toEqual(["refused", "refused", "done"]);
    expect(said).toEqual([
      "the clock can't be watched: too many connections; trying again every second",
      expect.stringMatching(/; the clock stands still now$/),
    ]);
  });
});
