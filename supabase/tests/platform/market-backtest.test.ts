import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { backtest } from "../../backtest/backtest.ts";
import type { BacktestReport } from "../../backtest/summarize-backtest.ts";
import type { MarketSource } from "../../local/market/market-source.ts";
import { openReplay } from "../../local/market/replay/open-replay.ts";
import { hasMarketData, marketDataFile } from "../support/market-data.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

const FILES = ["lean_coinbase_btcusd_1m_trade.csv", "lean_coinbase_btcusd_1m_quote.csv"];
const FROM = Date.UTC(2017, 8, 3);
const MINUTES = 100;

describe.skipIf(!hasMarketData(...FILES))("a backtest over recorded data", () => {
  const databases: TestDatabase[] = [];
  const reports: BacktestReport[] = [];
  let source: MarketSource;

  const run = async (knobs: Record<string, string>): Promise<BacktestReport> => {
    const database = await createTestDatabase(inject("zoeCluster"));
    databases.push(database);
    return backtest({ database, source, fromMs: FROM, toMs: FROM + MINUTES * 60_000, knobs });
  };

  beforeAll(async () => {
    source = await openReplay(FILES.map(marketDataFile));
    reports.push(await run({}), await run({}));
  });
  afterAll(() => Promise.all(databases.map((database) => database.drop())));

  it("runs a trader tick a minute through the real guards and trades", () => {
    const [report] = reports;
    expect(report?.ticks["trader-tick ok"]).toBe(MINUTES);
    expect(report?.fills).toBeGreaterThan(0);
    expect(Number(report?.fees)).toBeGreaterThan(0);
    expect(Number(report?.tradedNotional)).toBeGreaterThan(1);
  });

  it("ends with books that agree: ledger, fills, positions and the paper exchange's own balances", () => {
    expect(reports.flatMap((report) => report.problems)).toEqual([]);
  });

  it("gives the same report again, to the last digit", () => {
    expect(reports[1]).toEqual(reports[0]);
  });

  it("the database that it leaves has the figures that it reports", async () => {
    const [first] = databases;
    if (first === undefined) throw new Error("the first run left no database");
    const [row] = await first.admin<{ fees: string; cash: string; fills: number }[]>`
      select sum(f.fee)::text as fees, count(*)::integer as fills,
        (select sum(l.amount)::text from public.cash_ledger as l where l.mode = 'paper') as cash
      from public.crypto_fills as f`;
    expect(Number(row?.cash)).toBeLessThan(2000);
    expect(row).toMatchObject({ fees: reports[0]?.fees, fills: reports[0]?.fills });
  });

  it("obeys its knobs: with the kill switch on it trades nothing", async () => {
    const report = await run({ kill_switch: "true" });
    expect(report).toMatchObject({ fills: 0, netPnl: "0", fees: "0", problems: [] });
    expect(report.ticks["trader-tick ok"]).toBe(MINUTES);
  });
});

describe("the script", () => {
  const script = (...args: string[]) => promisify(execFile)("npx", ["tsx", "scripts/backtest.ts", ...args]);

  it.each([
    [[], "--data FILE is needed"],
    [["--data", "absent_btcusd.csv"], "cannot read the data file"],
  ])("answers %j with a sentence and exit code 2", async (args, sentence) => {
    await expect(script(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(sentence) });
  });
});
