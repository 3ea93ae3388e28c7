import { describeGaps } from "../../shared/market/gaps.ts";
import { type Amount, decimal } from "../../shared/money/decimal.ts";
import type { BacktestReport } from "./summarize-backtest.ts";

/** Writes a report, and what is to be noted of it, as lines for the console. */
export function printBacktest(data: string, report: BacktestReport, notes: readonly string[] = []): string {
  const { drawdown, exposure } = report;
  const rows: [string, string][] = [
    ["data", data],
    ["from", instant(report.fromMs)],
    ["to", instant(report.toMs)],
    ["ticks", counts(report.ticks)],
    ["intents", counts(report.intents)],
    ["denied", counts(report.denials)],
    ["orders", counts(report.orders)],
    ["fills", String(report.fills)],
    ["round trips", `${report.roundTrips} (${report.wins} won, ${report.losses} lost)`],
    ["traded", usd(report.tradedNotional)],
    ["fees", usd(report.fees)],
    ["realized P&L", usd(report.realizedPnl)],
    ["unrealized P&L", usd(report.unrealizedPnl)],
    ["net P&L", `${usd(report.netPnl)} (${report.returnPct} %)`],
    ["equity", `${usd(report.startingCash)} to ${usd(report.endingEquity)}`],
    [
      "drawdown",
      drawdown.peakMs === null
        ? "none"
        : `${usd(drawdown.usd)} (${drawdown.pct} %) from ${instant(drawdown.peakMs)} to ${instant(drawdown.lowMs ?? 0)}`,
    ],
    [
      "exposure",
      `${exposure.meanPct} % of equity on average, ${usd(exposure.maxUsd)} at most, in the market ${exposure.timeInMarketPct} % of the time`,
    ],
    ...describeGaps(report.gaps).map((gap): [string, string] => ["gap", gap]),
    ...notes.map((note): [string, string] => ["note", note]),
    ["books", report.problems.length === 0 ? "agree to the last digit" : report.problems.join("; ")],
  ];
  return rows.map(([name, value]) => `${name.padEnd(16)}${value}`).join("\n");
}

function usd(amount: Amount): string {
  return `${decimal(amount).toFixed(4)} USD`;
}

function counts(by: Readonly<Record<string, number>>): string {
  const parts = Object.entries(by).map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

function instant(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
