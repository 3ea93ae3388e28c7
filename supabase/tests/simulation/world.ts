import type postgres from "postgres";
import { exchangeRules } from "../../../shared/broker/paper/exchange.ts";
import type { Broker } from "../../../shared/broker/port.ts";
import type { Instrument } from "../../../shared/market/instrument.ts";
import { httpBroker } from "../../functions/_shared/brokers/http.ts";
import type { TickDeps } from "../../functions/_shared/run.ts";
import type { TickName } from "../../functions/_shared/store.ts";
import { runTick } from "../support/run-tick.ts";
import { sqlStore } from "../support/sql-store.ts";
import type { TestDatabase } from "../support/test-database.ts";
import type { Arena } from "./arena.ts";
import { BookTransport } from "./book-transport.ts";
import { Dice } from "./dice.ts";
import { serveExchange } from "./exchange-server.ts";
import { FaultExchange } from "./fault-exchange.ts";
import { LeaseWatch } from "./lease-watch.ts";
import { ObservedMarket } from "./observed-market.ts";
import { type Fate, type Gate, gated, Scheduler, type Task } from "./scheduler.ts";
import { type SeedTraits, traitNames, traitsOf } from "./seed-traits.ts";
import { CHEAP_SYMBOL, SimulatedMarket } from "./simulated-market.ts";

/** Never reached by an answer that comes at all, however busy the machine. */
const PATIENT_MS = 60_000;
/** For the calls that will never be answered: the same time-out of the same adapter, only without the wait. */
const IMPATIENT_MS = 15;
const CASH = "2000";

/** A tick to run, and what befalls it. */
export interface Run {
  readonly name: TickName;
  readonly fate: Fate | null;
}

/** Something done by a person while ticks are at work, after it has let so many of their calls pass at least. */
export interface Hand {
  readonly turns: number;
  /** `isMeanwhile` is false when all ticks have ended already. */
  readonly act: (isMeanwhile: boolean) => Promise<void>;
}

/** A database, an exchange and a market of one seed, under one virtual clock. */
export interface World {
  readonly dice: Dice;
  readonly db: TestDatabase;
  readonly admin: postgres.Sql;
  readonly engine: postgres.Sql;
  readonly traits: SeedTraits;
  readonly exchange: FaultExchange;
  /** The true prices, and what of them the engine gets to see. */
  readonly market: SimulatedMarket;
  readonly observed: ObservedMarket;
  readonly books: BookTransport;
  readonly leases: LeaseWatch;
  readonly trace: (line: string) => void;
  now(): number;
  advance(seconds: number): Promise<void>;
  /** Runs ticks at once, each with its own fate, and what people do meanwhile. */
  tick(...runs: readonly (Run | Hand)[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens the world of a seed. It begins within four hours before midnight UTC, or few minutes, so that the day often turns. */
export async function openWorld(arena: Arena, seed: number, say: (line: string) => void): Promise<World> {
  const dice = new Dice(seed);
  const traits = traitsOf(dice);
  const { db, admin, engine } = arena;
  await arena.reset(seed);
  let clock = Date.UTC(2026, 2, 1, 23, 59, 0) - dice.whole(0, traits.nearMidnight ? 6 : 240, "start") * 60_000;
  const now = () => clock;
  const trace = (line: string) => say(`${new Date(clock).toISOString().slice(11, 19)} ${line}`);
  trace(`a seed with ${traitNames(traits).join(", ") || "nothing special"}`);
  await db.setClock(new Date(clock));
  await turnKnobs(admin, dice);
  if (traits.cheapCoin) await listCheapCoin(admin);
  const instruments = await readInstruments(admin);
  const market = new SimulatedMarket(dice, clock, now, instruments, traits);
  const latency = dice.pick({ "0": 2, "200": 3, "3000": 1 }, "latency");
  const rules = exchangeRules({ PAPER_LATENCY_MS: Number(latency) }, instruments);
  const exchange = new FaultExchange({ dice, market, rules, cash: CASH, traits, now, trace });
  const note = (fault: string, state: string) => exchange.faults.note(fault, state);
  const priceIncrement = (symbol: string) => rules.instruments[symbol]?.priceIncrement ?? "0.01";
  const observed = new ObservedMarket({ dice, traits, market, now, priceIncrement, note, trace });
  const books = new BookTransport({ dice, now, note, trace, isOn: () => exchange.faultsOn });
  const server = await serveExchange(exchange.answer, (error) => trace(`exchange broke: ${String(error)}`));
  const broker = brokerAt(server.url, exchange, now);
  const leases = new LeaseWatch(now);
  const deps = (name: TickName, gate: Gate): TickDeps => ({
    store: gated(books.over(leases.over(sqlStore(engine), name)), gate, "store"),
    market: observed,
    brokers: () => gated(broker, gate, "broker"),
    elapsedMs: now,
    log: (level, event, fields) => {
      if (level === "error" && event !== "tick_ended") trace(`  ${event}: ${String(fields?.message)}`);
    },
  });
  const advance = async (seconds: number) => {
    clock += Math.round(seconds * 1000);
    await db.setClock(new Date(clock));
    exchange.catchUp();
  };
  const task = ({ name, fate }: Run): Task => ({
    fate,
    work: async (gate) => {
      trace(`  ${name} starts`);
      const result = await runTick(name, deps(name, gate), { slot: null, trigger: "wake" });
      trace(`  ${name}: ${result.outcome} ${result.reason ?? result.error ?? JSON.stringify(result.counts)}`);
    },
  });
  const scheduler = new Scheduler(dice, {
    trace,
    note,
    stalled: async (seconds) => {
      await advance(seconds);
      if (dice.roll("nobody meanwhile", clock) < 0.3) return [];
      return [task({ name: "reposition-tick", fate: null }), task({ name: "trader-tick", fate: null })];
    },
  });
  const tick: World["tick"] = (...runs) =>
    scheduler.run(runs.map((run) => ("act" in run ? handTask(run, scheduler) : task(run))));
  const parts = { dice, db, admin, engine, traits, exchange, market, observed, books, leases };
  return { ...parts, trace, now, advance, tick, close: server.close };
}

/** Waits its turns at the gate like a tick's calls, so that it strikes between two of them. */
const handTask = ({ turns, act }: Hand, scheduler: Scheduler): Task => ({
  fate: null,
  work: async (gate) => {
    for (let turn = 1; turn < turns; turn += 1) await gate("hand.waits", () => Promise.resolve());
    await gate("hand.acts", () => act(scheduler.isBusy));
  },
});

/** The real adapter over real HTTP. */
function brokerAt(url: string, exchange: FaultExchange, now: () => number): Broker {
  const patient = httpBroker({ url, timeoutMs: PATIENT_MS, now });
  const impatient = httpBroker({ url, timeoutMs: IMPATIENT_MS, now });
  return {
    ...patient,
    place: (order) => (exchange.willBeSilent("place", order) ? impatient : patient).place(order),
    cancel: (id) => (exchange.willBeSilent("cancel", id) ? impatient : patient).cancel(id),
    getOrder: (id) => (exchange.willBeSilent("get", id) ? impatient : patient).getOrder(id),
  };
}

async function turnKnobs(sql: postgres.Sql, dice: Dice): Promise<void> {
  const knobs: Record<string, string> = {
    TRADER_ENTRY_SCORE: "0",
    TRADER_COST_FILTER_RATIO: "0",
    TRADER_STOP_PCT: "0.4",
    TRADER_TARGET_PCT: "0.4",
    TRADER_MAX_HOLD_MINUTES: "4",
    LATE_FILL_WATCH_SECONDS: "200",
    MAX_DAILY_NOTIONAL: String(dice.whole(2, 8, "day limit") * 25),
    ORDER_TTL_SECONDS_ENTRY: String(dice.whole(10, 60, "ttl")),
    MAX_REPRICE_ATTEMPTS: String(dice.whole(1, 3, "reprices")),
  };
  await sql`
    update public.config as c set value = k.value
    from unnest(${Object.keys(knobs)}::text[], ${Object.values(knobs)}::text[]) as k (key, value) where c.key = k.key`;
}

/** As such coins are traded: prices to eleven places, whole coins. */
async function listCheapCoin(sql: postgres.Sql): Promise<void> {
  await sql`
    update public.instruments set price_increment = 0.00000000001, qty_increment = 1, min_qty = 1 where symbol = ${CHEAP_SYMBOL}`;
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
