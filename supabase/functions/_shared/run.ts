import type { Broker } from "../../../shared/broker/port.ts";
import type { Config, EnvironmentKnob } from "../../../shared/config/parse-config.ts";
import type { Millis } from "../../../shared/market/instant.ts";
import type { Instrument } from "../../../shared/market/instrument.ts";
import type { FeeRates } from "../../../shared/money/fees.ts";
import type { Mode } from "../../../shared/orders/order.ts";
import { type MeteredBroker, metered } from "./brokers/meter.ts";
import type { Log } from "./log.ts";
import type { Market } from "./market/market.ts";
import { memoMarket } from "./market/memo.ts";
import { screenedMarket } from "./market/screened.ts";
import { type PriceScreen, priceScreen } from "./price-screen.ts";
import type { BeginAnswer, CommitAnswer, Store, TickName } from "./store.ts";
import { readWork, type Work } from "./wire/work.ts";
import type { Json } from "./wire/write.ts";

/** What a broker may need to know of the run it serves. */
export interface BrokerContext {
  readonly config: Config;
  readonly instruments: readonly Instrument[];
  /** What each account pays. */
  readonly fees: Readonly<Record<Mode, FeeRates>>;
  readonly market: Market;
  readonly now: () => Millis;
}

/** Everything the ticks work with. */
export interface TickDeps {
  readonly store: Store;
  readonly market: Market;
  readonly brokers: (mode: Mode, context: BrokerContext) => Broker;
  readonly log?: Log;
  /** Knobs set in the functions' environment. */
  readonly knobs?: Readonly<Record<string, EnvironmentKnob>>;
  /** A monotonic clock in milliseconds by which a run's `now` moves on; standing still by default, as in a simulation. */
  readonly elapsedMs?: () => number;
  /** How many broker calls may be under way at once; one by default. */
  readonly concurrency?: number;
}

/** What a run has found so far; it is handed to finish_tick even when the run breaks down later. */
export interface Findings {
  readonly counts: Record<string, number>;
  readonly reports: Json[];
  readonly books: Json[];
  readonly thoughts: Json[];
  readonly heartbeats: Json[];
  /** What was observed of prices and is not committed yet. */
  prices: Json;
}

/** One run of a tick, which holds the tick's lease. */
export interface TickRun {
  readonly runId: string;
  readonly traceId: string;
  readonly work: Work;
  /** Without prices that can't be true or are not confirmed yet. */
  readonly market: Market;
  /** Judges prices that come from elsewhere, by the same memory. */
  readonly prices: PriceScreen;
  readonly concurrency: number;
  readonly findings: Findings;
  readonly log: Log;
  now(): Millis;
  broker(mode: Mode): Broker;
  /** Commits a payload and all reports found so far, all or nothing, and returns the orders to send or cancel now; throws StoreError. */
  commit(payload: Json): Promise<CommitAnswer>;
}

/** A tick's own work. Whatever it throws ends the run as an error. */
export type TickBody = (run: TickRun) => Promise<void>;

type Running = Extract<BeginAnswer, { outcome: "running" }>;

/** Returns the findings of a run that has not started. */
export const noFindings = (): Findings => ({
  counts: {},
  reports: [],
  books: [],
  thoughts: [],
  heartbeats: [],
  prices: {},
});

/** Adds to a count of the run. */
export const count = (findings: Pick<Findings, "counts">, name: string, by = 1): void => {
  if (by !== 0) findings.counts[name] = (findings.counts[name] ?? 0) + by;
};

const silent: Log = () => undefined;

/** Does the body's work for a run that has begun; afterwards the findings hold the brokers' heartbeats too. */
export const work = async (name: TickName, body: TickBody, deps: TickDeps, begun: Running, findings: Findings) => {
  const { elapsedMs = () => 0, store } = deps;
  const startedAt = elapsedMs();
  const now = () => begun.now + Math.round(elapsedMs() - startedAt);
  const loaded = readWork(begun.work);
  const prices = priceScreen(loaded.priceMemory, loaded.config.BAD_PRICE_PCT, now);
  const market = screenedMarket(memoMarket(deps.market, elapsedMs), prices);
  const brokers = new Map<Mode, MeteredBroker>();
  const { config, instruments, fees } = loaded;
  const context: BrokerContext = { config, instruments, fees, market, now };
  const broker = (mode: Mode): Broker => {
    const known = brokers.get(mode) ?? metered(mode, deps.brokers(mode, context), elapsedMs);
    brokers.set(mode, known);
    return known;
  };
  const { log = silent, concurrency = 1 } = deps;
  const commit = async (payload: Json) => {
    const reports = [...findings.reports];
    const answer = await store.commitTick(begun.runId, begun.token, {
      ...payload,
      ...prices.written(),
      ...(reports.length > 0 ? { reports } : {}),
    });
    findings.reports.splice(0, reports.length);
    prices.clear();
    return answer;
  };
  const { runId, traceId } = begun;
  log("info", "run_started", { tick: name, run_id: runId, orders: loaded.orders.length });
  try {
    await body({ runId, traceId, work: loaded, market, prices, concurrency, findings, log, now, broker, commit });
  } finally {
    for (const known of brokers.values()) findings.heartbeats.push(...known.heartbeats());
    findings.prices = prices.written();
  }
};
