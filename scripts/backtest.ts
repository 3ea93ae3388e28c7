import { backtest } from "../supabase/backtest/backtest.ts";
import { readBacktestOptions, runTimes, USAGE } from "../supabase/backtest/backtest-options.ts";
import { printBacktest } from "../supabase/backtest/print-backtest.ts";
import { openReplay } from "../supabase/local/market/replay/open-replay.ts";
import { runScript } from "../supabase/local/script.ts";
import { startTestCluster } from "../supabase/tests/support/test-cluster.ts";
import { createTestDatabase } from "../supabase/tests/support/test-database.ts";

/** Runs `npm run backtest`; the exit code is 0, 1 when the books do not agree, 2 when the wish or the data cannot be used. */
runScript(
  USAGE,
  async (args) => {
    const options = readBacktestOptions(args);
    const { files, json, knobs } = options;
    const source = await openReplay(files);
    const { fromMs, toMs, notes } = runTimes(options, source.range());
    for (const note of notes) console.error(`backtest: ${note}`);
    const cluster = await startTestCluster();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => void cluster.stop().finally(() => process.exit(130)));
    }
    try {
      const database = await createTestDatabase(cluster.address);
      const onDay = (day: string) => process.stderr.write(`backtest: ${day}\n`);
      const report = await backtest({ database, source, fromMs, toMs, knobs, onDay });
      const text = json
        ? JSON.stringify({ data: files, knobs, ...report, notes })
        : printBacktest(source.describe(), report, notes);
      console.log(text);
      await database.drop();
      return report.problems.length === 0 ? 0 : 1;
    } finally {
      await cluster.stop();
    }
  },
  2,
);
