import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BacktestFacts, BacktestFill } from "../../backtest/backtest-facts.ts";
import { readBacktestOptions, runTimes } from "../../backtest/backtest-options.ts";
import { printBacktest } from "../../backtest/print-backtest.ts";
import { roundTrips } from "../../backtest/round-trips.ts";
import { summarizeBacktest } from "../../backtest/summarize-backtest.ts";

const T = Date.UTC(2017, 8, 3);
const fill = (
  side: "buy" | "sell",
  qty: string,
  price: string,
  fee: string,
  atMs = T,
  symbol = "BTC-USD",
): BacktestFill => ({
  symbol,
  side,
  qty,
  price,
  fee,
  atMs,
});

const FACTS: BacktestFacts = {
  fromMs: T,
  toMs: T + 240_000,
  startingCash: "2000",
  fills: [fill("buy", "0.005", "4600", "0.2185"), fill("sell", "0.005", "4700", "0.22325", T + 120_000)],
  equity: [
    { atMs: T, cash: "2000", holdings: "0" },
    { atMs: T + 60_000, cash: "1976.7815", holdings: "23" },
    { atMs: T + 120_000, cash: "1976.7815", holdings: "22" },
    { atMs: T + 180_000, cash: "2000.05825", holdings: "0" },
  ],
  realizedPnl: "0.05825",
  intents: { filled: 2 },
  denials: {},
  orders: { filled: 2 },
  ticks: { ok: 4 },
  gaps: [],
  problems: [],
};

describe("the report of a backtest", () => {
  it("adds up exactly: fees, traded amount, profit, equity", () => {
    expect(summarizeBacktest(FACTS)).toMatchObject({
      endingEquity: "2000.05825",
      netPnl: "0.05825",
      realizedPnl: "0.05825",
      unrealizedPnl: "0",
      returnPct: "0.0029",
      fees: "0.44175",
      tradedNotional: "46.5",
      fills: 2,
      roundTrips: 1,
      wins: 1,
      losses: 0,
      problems: [],
    });
  });

  it("says where the data had gaps, of which symbol and how long", () => {
    const gap = { symbol: "BTC-USD", from: T + 6 * 3_600_000, to: T + 6 * 3_600_000 + 37 * 60_000 };
    const report = summarizeBacktest({ ...FACTS, gaps: [gap] });
    expect(report.gaps).toEqual([gap]);
    expect(printBacktest("x", report)).toMatch(
      /^gap +BTC-USD: no data from 2017-09-03T06:00Z to 2017-09-03T06:37Z \(37 min\)$/m,
    );
  });

  it("measures the drawdown from the highest peak before the low, in dollars and percent", () => {
    expect(summarizeBacktest(FACTS).drawdown).toEqual({ usd: "1.2185", pct: "0.0609", peakMs: T, lowMs: T + 120_000 });
  });

  it("measures exposure as share of equity, the largest amount and the time in the market", () => {
    expect(summarizeBacktest(FACTS).exposure).toEqual({ meanPct: "0.5627", maxUsd: "23", timeInMarketPct: "50" });
  });

  it("names it as a problem when the ledger is not what the fills make of the starting cash", () => {
    const last = { atMs: T + 180_000, cash: "2000.05", holdings: "0" };
    const report = summarizeBacktest({ ...FACTS, equity: [...FACTS.equity.slice(0, -1), last] });
    expect(report.problems).toEqual(["the ledger holds 2000.05 USD, but starting cash and fills make 2000.05825"]);
    expect(printBacktest("x", report)).toContain("the ledger holds 2000.05 USD");
  });

  it("is complete and says none where nothing happened", () => {
    const text = printBacktest(
      "one file",
      summarizeBacktest({ ...FACTS, fills: [], equity: [], intents: {}, realizedPnl: "0" }),
    );
    expect(text).toMatch(/^intents\s+none$/m);
    expect(text).toMatch(/^drawdown\s+none$/m);
    expect(text).toMatch(/^books\s+agree to the last digit$/m);
  });
});

describe("round trips", () => {
  it("run from the first buy until nothing is left, partial fills and both fees included, symbols apart", () => {
    const trips = roundTrips([
      fill("buy", "1", "100", "1"),
      fill("buy", "1", "102", "1", T, "ETH-USD"),
      fill("buy", "0.5", "104", "0.5", T + 1),
      fill("sell", "1", "110", "1", T + 2),
      fill("sell", "0.5", "90", "0.5", T + 3),
    ]);
    expect(trips).toEqual([{ symbol: "BTC-USD", openedMs: T, closedMs: T + 3, bought: "152", pnl: "0" }]);
  });

  it("their profits are the cash that came in, whatever the fills (property)", () => {
    const cents = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(fc.array(fc.tuple(cents, cents, cents, cents), { minLength: 1, maxLength: 20 }), (rounds) => {
        const fills = rounds.flatMap(([qty, buy, sell, fee], n) => [
          fill("buy", `${qty / 100}`, `${buy / 100}`, `${fee / 100}`, T + n),
          fill("sell", `${qty / 100}`, `${sell / 100}`, `${fee / 100}`, T + n),
        ]);
        const trips = roundTrips(fills);
        expect(trips).toHaveLength(rounds.length);
        const exact = rounds.reduce(
          (sum, [qty, buy, sell, fee]) => sum + BigInt(qty) * BigInt(sell - buy) - 200n * BigInt(fee),
          0n,
        );
        const told = trips.reduce((sum, trip) => sum + BigInt(Math.round(Number(trip.pnl) * 10_000)), 0n);
        expect(told).toBe(exact);
      }),
    );
  });
});

describe("the command line of the backtest", () => {
  const range = { startMs: T, endMs: T + 2 * 86_400_000, segments: [{ startMs: T, endMs: T + 2 * 86_400_000 }] };

  it("takes files, times, knobs and the form of the answer", () => {
    const args = [
      "--data",
      "a.csv,b.csv",
      "--from",
      "2017-09-03",
      "--to",
      "2017-09-04",
      "--set",
      "PAPER_FEE_BPS=25",
      "--json",
    ];
    expect(readBacktestOptions(args, "/here")).toEqual({
      files: ["/here/a.csv", "/here/b.csv"],
      from: "2017-09-03",
      to: "2017-09-04",
      json: true,
      knobs: { PAPER_FEE_BPS: "25" },
    });
  });

  it.each([
    [[], "--data FILE is needed"],
    [["--data", "a.csv", "--set", "NOPE=1"], "there is no knob NOPE"],
    [["--data", "a.csv", "--set", "PAPER_FEE_BPS=lots"], "PAPER_FEE_BPS can't be 'lots': it must be"],
    [["--data", "a.csv", "--set", "PAPER_FEE_BPS"], "--set is PAPER_FEE_BPS; it must be of the form KNOB=VALUE"],
    [["--data", "a.csv", "--set", "TRADER_MODE=live"], "a backtest trades on paper; TRADER_MODE must be paper"],
    [["--data", "a.csv", "--set", "TRADER_MODE=Disabled"], "a backtest trades on paper; TRADER_MODE must be paper"],
    [["--data", "a.csv", "--set", "EDGE_FACTORY_MODE=live"], "EDGE_FACTORY_MODE must be paper or disabled"],
    [["--date", "a.csv"], "Unknown option '--date'"],
  ])("answers a wrong one by a sentence: %j", (args, sentence) => {
    expect(() => readBacktestOptions(args)).toThrow(sentence);
  });

  it("runs over all of the data unless told otherwise, and never beyond it without a word", () => {
    expect(runTimes({ from: null, to: null }, range)).toEqual({ fromMs: T, toMs: range.endMs, notes: [] });
    expect(runTimes({ from: "2017-09-03T12:00", to: "2030-01-01" }, range)).toEqual({
      fromMs: T + 43_200_000,
      toMs: range.endMs,
      notes: ["the data ends at 2017-09-05T00:00:00Z, and so does the run, before --to 2030-01-01"],
    });
  });

  it.each([
    ["2016-01-01", null, "--from 2016-01-01T00:00Z is outside the market data, which covers 2017-09-03T00:00Z"],
    [null, "2017-09-02", "--to is 2017-09-02; it must be after the start of the run, 2017-09-03T00:00:00Z."],
    [null, "soon", '--to "soon" is not a time'],
  ])("refuses times that the data can't serve with a sentence: from %s to %s", (from, to, sentence) => {
    expect(() => runTimes({ from, to }, range)).toThrow(sentence);
  });

  it("an account without money is a report too", () => {
    const equity = [{ atMs: T, cash: "0", holdings: "0" }];
    const report = summarizeBacktest({ ...FACTS, startingCash: "0", fills: [], realizedPnl: "0", equity });
    expect(report).toMatchObject({ returnPct: "0", exposure: { meanPct: "0" } });
  });
});
