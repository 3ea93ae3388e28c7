import { backtest } from "../supabase/backtest/backtest.ts";
import { readBacktestOptions, runTimes } from "../supabase/backtest/backtest-options.ts";
import { printBacktest } from "../supabase/backtest/print-backtest.ts";
import { DataFileError } from "../supabase/local/market/recorded/data-file-error.ts";
import { openReplay } from "../supabase/local/market/replay/open-replay.ts";
import { startTestCluster } from "../supabase/tests/support/test-cluster.ts";
import { createTestDatabase } from "../supabase/tests/support/test-database.ts";

/** Runs `npm run backtest`; returns the exit code: 0, 1 when the books do not agree, 2 when the wish or the data cannot be used. */
async function main(args: readonly string[]): Promise<number> {
  const wish = readBacktestOptions(args);
  if (!wish.ok) return refuse(wish.message);
  const { files, json, knobs } = wish.options;
  const source = await openReplay(files);
  const times = runTimes(wish.options, source.range());
  if (!times.ok) return refuse(times.message);
  const cluster = await startTestCluster();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void cluster.stop().finally(() => process.exit(130)));
  }
  try {
    const database = await createTestDatabase(cluster.address);
    const { fromMs, toMs } = times;
    const onDay = (day: string) => process.stderr.write(`backtest: ${day}\n`);
    const report = await backtest({ database, source, fromMs, toMs, knobs, onDay });
    console.log(json ? JSON.stringify({ data: files, knobs, ...report }) : printBacktest(source.describe(), report));
    await database.drop();
    return report.problems.length === 0 ? 0 : 1;
  } finally {
    await cluster.stop();
  }
}

function refuse(message: string): number {
  console.error(message);
  return 2;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = error instanceof DataFileError ? 2 : 1;
    console.error(error instanceof DataFileError ? error.message : error);
  },
);
