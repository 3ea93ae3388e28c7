import type { Broker } from "../../shared/broker/port.ts";
import { parseConfig } from "../../shared/config/parse-config.ts";
import type { Instrument } from "../../shared/market/instrument.ts";
import { ASSUMED_FEES, type FeeRates } from "../../shared/money/fees.ts";
import type { Mode } from "../../shared/orders/order.ts";
import { paperBroker } from "../functions/_shared/brokers/paper.ts";
import type { Market } from "../functions/_shared/market/market.ts";
import type { TickDeps } from "../functions/_shared/run.ts";
import type { MarketSource } from "../local/market/market-source.ts";
import { runTick } from "../tests/support/run-tick.ts";
import { sqlStore } from "../tests/support/sql-store.ts";
import type { TestDatabase } from "../tests/support/test-database.ts";
import { readEquity } from "./read-books.ts";
import type { ReplayedEngine } from "./run-backtest.ts";
import { sourceMarket } from "./source-market.ts";

/** An engine on a database of its own, and the broker it trades with. */
export interface EmbeddedEngine extends ReplayedEngine {
  broker(): Promise<Broker>;
}

/**
 * Prepares a freshly migrated database for a backtest: knobs set as an operator would, the watchlist narrowed to what the data has,
 * the clock at `startMs` and standing still. `marketOf` is how the ticks see the data. The ticks are the real handlers, the guards the real SQL, the broker the paper exchange.
 */
export async function openEngine(
  database: TestDatabase,
  source: MarketSource,
  knobs: Readonly<Record<string, string>>,
  startMs: number,
  marketOf: (source: MarketSource, now: () => number) => Market = sourceMarket,
): Promise<EmbeddedEngine> {
  let nowMs = startMs;
  const { sql, admin } = database;
  await database.setClock(new Date(startMs));
  for (const [key, value] of Object.entries(knobs))
    await sql`update public.config set value = ${value} where key = ${key}`;
  const symbols = source.products().map((product) => product.symbol);
  await sql`update public.instruments set enabled = (symbol = any (${symbols}))`;
  const market = marketOf(source, () => nowMs);
  const store = sqlStore(database.as("service_role"));
  const deps: TickDeps = { store, market, brokers: (_mode, context) => paperBroker(store, context) };
  const readConfig = async () => {
    const config = parseConfig(await sql<{ key: string; value: string }[]>`select key, value from public.config`);
    if (!config.ok) throw new Error(config.error.map((bad) => bad.message).join("; "));
    return config.value;
  };
  const config = await readConfig();
  const tick = async (name: "trader-tick" | "reposition-tick", slotMs: number) => {
    await runTick(name, deps, { slot: new Date(slotMs).toISOString(), trigger: "cron" });
  };
  return {
    traderSeconds: config.TRADER_TICK_SECONDS,
    showTime: async (now) => {
      nowMs = now;
      await database.setClock(new Date(now));
    },
    traderTick: (slotMs) => tick("trader-tick", slotMs),
    repositionTickIfDue: async (slotMs) => {
      // Whatever becomes due by time alone has its moment in next_action_at.
      const [row] = await admin<{ due: boolean; waiting: boolean }[]>`
        select private.work_is_due() as due, exists (select from public.crypto_orders where next_action_at is not null) as waiting`;
      if (row?.due === true) await tick("reposition-tick", slotMs);
      return row?.due === true || row?.waiting === true ? "waiting" : "quiet";
    },
    equity: (now) => readEquity(admin, now),
    broker: async () =>
      paperBroker(store, {
        config,
        instruments: await readInstruments(database),
        fees: await readFees(database),
        market,
        now: () => nowMs,
      }),
  };
}

async function readFees({ sql }: TestDatabase): Promise<Record<Mode, FeeRates>> {
  const accounts = await sql<(FeeRates & { mode: Mode })[]>`
    select mode, maker_bps::text as "makerBps", taker_bps::text as "takerBps" from public.accounts`;
  const of = (mode: Mode) => accounts.find((account) => account.mode === mode) ?? ASSUMED_FEES;
  return { paper: of("paper"), live: of("live") };
}

async function readInstruments({ sql }: TestDatabase): Promise<Instrument[]> {
  return sql<Instrument[]>`
    select symbol, price_increment::text as "priceIncrement", qty_increment::text as "qtyIncrement", min_qty::text as "minQty",
      min_notional::text as "minNotional", enabled
    from public.instruments`;
}
