import type postgres from "postgres";
import { exchangeRules } from "../../../shared/broker/paper/exchange.ts";
import type { Instrument } from "../../../shared/market/instrument.ts";
import { httpBroker } from "../../functions/_shared/brokers/http.ts";
import type { TickDeps } from "../../functions/_shared/run.ts";
import type { TickName } from "../../functions/_shared/store.ts";
import { runTick } from "../support/run-tick.ts";
import { sqlStore } from "../support/sql-store.ts";
import type { ClusterAddress } from "../support/test-cluster.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { Dice } from "./dice.ts";
import { FaultExchange } from "./fault-exchange.ts";
import { type CrashPlan, type Gate, gated, Scheduler } from "./scheduler.ts";
import { SimulatedMarket } from "./simulated-market.ts";

/** Long enough for an answer on a busy machine, short enough for the exchange that never answers. */
const BROKER_TIMEOUT_MS = 700;
const CASH = "2000";

/** A database, an exchange and a market of one seed, under one virtual clock. */
export interface World {
  readonly dice: Dice;
  readonly db: TestDatabase;
  readonly engine: postgres.Sql;
  readonly exchange: FaultExchange;
  readonly symbols: readonly string[];
  readonly trace: (line: string) => void;
  now(): number;
  advance(seconds: number): Promise<void>;
  /** Runs ticks at once, each with its own end if a crash is planned. */
  tick(...runs: readonly { name: TickName; crash: CrashPlan | null }[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens the world of a seed. It begins within four hours before midnight UTC, so that the day often turns. */
export async function openWorld(address: ClusterAddress, seed: number, say: (line: string) => void): Promise<World> {
  const dice = new Dice(seed);
  const db = await createTestDatabase(address);
  let clock = Date.UTC(2026, 2, 1, 23, 59, 0) - dice.whole(0, 240, "start") * 60_000;
  const start = clock;
  const now = () => clock;
  const trace = (line: string) => say(`${new Date(clock).toISOString().slice(11, 19)} ${line}`);
  await db.setClock(new Date(clock));
  await turnKnobs(db.sql, dice);
  const instruments = await readInstruments(db.sql);
  const market = new SimulatedMarket(dice, start, now, instruments);
  const rules = exchangeRules({ PAPER_FEE_BPS: "95", PAPER_LATENCY_MS: 200 }, instruments);
  const exchange = new FaultExchange({ dice, market, rules, cash: CASH, now, trace });
  const url = await exchange.listen();
  const engine = db.as("service_role", {}, { max: 4 });
  const deps = (gate: Gate): TickDeps => ({
    store: gated(sqlStore(engine), gate, "store"),
    market,
    brokers: (_mode, context) =>
      gated(httpBroker({ url, timeoutMs: BROKER_TIMEOUT_MS, now: context.now }), gate, "broker"),
    log: (level, event, fields) => {
      if (level === "error") trace(`  log ${event}: ${JSON.stringify(fields)}`);
    },
  });
  const scheduler = new Scheduler(dice, trace);
  return {
    dice,
    db,
    engine,
    exchange,
    symbols: instruments.map(({ symbol }) => symbol),
    trace,
    now,
    advance: async (seconds) => {
      clock += Math.round(seconds * 1000);
      await db.setClock(new Date(clock));
      exchange.catchUp();
    },
    tick: (...runs) =>
      scheduler.run(
        runs.map(({ name, crash }) => ({
          crash,
          work: async (gate) => {
            trace(`  ${name} starts${crash ? ` (will crash ${crash.when} call ${crash.call})` : ""}`);
            const result = await runTick(name, deps(gate), { slot: null, trigger: "wake" });
            trace(`  ${name}: ${result.outcome} ${result.reason ?? result.error ?? JSON.stringify(result.counts)}`);
          },
        })),
      ),
    close: async () => {
      await exchange.close();
      await db.drop();
    },
  };
}

async function turnKnobs(sql: postgres.Sql, dice: Dice): Promise<void> {
  const knobs: Record<string, string> = {
    TRADER_ENTRY_SCORE: "0",
    TRADER_COST_FILTER_RATIO: "0",
    TRADER_STOP_PCT: "0.4",
    TRADER_TARGET_PCT: "0.4",
    TRADER_MAX_HOLD_MINUTES: "4",
    MAX_DAILY_NOTIONAL: String(dice.whole(2, 8, "day limit") * 25),
    ORDER_TTL_SECONDS_ENTRY: String(dice.whole(10, 60, "ttl")),
    MAX_REPRICE_ATTEMPTS: String(dice.whole(1, 3, "reprices")),
  };
  for (const [key, value] of Object.entries(knobs))
    await sql`update public.config set value = ${value} where key = ${key}`;
}

async function readInstruments(sql: postgres.Sql): Promise<Instrument[]> {
  const rows = await sql`
    select symbol, price_increment, qty_increment, min_qty, min_notional, enabled
    from public.instruments where enabled order by symbol`;
  return rows.map((row) => ({
    symbol: String(row.symbol),
    priceIncrement: String(row.price_increment),
    qtyIncrement: String(row.qty_increment),
    minQty: String(row.min_qty),
    minNotional: String(row.min_notional),
    enabled: true,
  }));
}
