import type { Candle } from "../../shared/market/candle.ts";
import { success } from "../../shared/result.ts";
import { noBroker } from "../functions/_shared/brokers/none.ts";
import type { Market } from "../functions/_shared/market/market.ts";
import { runTick } from "../tests/support/run-tick.ts";
import { sqlStore } from "../tests/support/sql-store.ts";
import type { TestDatabase } from "../tests/support/test-database.ts";
import { emit, percentile } from "./emit.ts";
import { NOON, openBenchMarket } from "./market.ts";

const SYMBOLS = 50;
const RUNS = 12;
const MINUTE = 60_000;

/** Measures the processor time of a trader tick that looks at fifty symbols with four hours of candles each. */
export async function benchTraderTick(db: TestDatabase): Promise<void> {
  await openBenchMarket(db, SYMBOLS);
  await db.sql`update public.instruments set enabled = symbol like 'B____-USD'`;
  const store = sqlStore(db.as("service_role", {}, { max: 1 }));
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const now = (await db.advanceClock(60)).getTime();
    const cpu = process.cpuUsage();
    const result = await runTick("trader-tick", { store, market: wavyMarket(now), brokers: () => noBroker });
    const { user, system } = process.cpuUsage(cpu);
    if (result.outcome !== "ok") throw new Error(`the benchmark's tick ended as ${JSON.stringify(result)}`);
    times.push((user + system) / 1000);
  }
  emit("trader_tick_cpu", percentile(times.slice(2), 0.5), "ms", {
    symbols: SYMBOLS,
    first: Math.round(times[0] ?? 0),
    from: NOON,
  });
}

function wavyMarket(now: number): Market {
  const price = (at: number) => 100 + Math.sin(at / 7e5) + Math.sin(at / 1.3e5) / 3;
  const candle = (symbol: string, openedAt: number): Candle => {
    const [open, close] = [price(openedAt), price(openedAt + MINUTE)];
    const [high, low] = [Math.max(open, close) + 0.02, Math.min(open, close) - 0.02];
    const text = { open: open.toFixed(2), high: high.toFixed(2), low: low.toFixed(2), close: close.toFixed(2) };
    return { symbol, openedAt, seconds: 60, ...text, volume: "5" };
  };
  return {
    tickers: async (symbols) =>
      new Map(
        symbols.map((symbol) => {
          const mid = price(now);
          const [bid, ask] = [(mid - 0.01).toFixed(2), (mid + 0.01).toFixed(2)];
          return [
            symbol,
            success({ symbol, bid, ask, bidSize: null, askSize: null, source: "bench", observedAt: now }),
          ];
        }),
      ),
    candles: async (symbol) =>
      success(Array.from({ length: 240 }, (_, index) => candle(symbol, now - (240 - index) * MINUTE))),
    trades: async () => success([]),
  };
}
