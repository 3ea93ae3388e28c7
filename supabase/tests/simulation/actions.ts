import type postgres from "postgres";
import type { TickName } from "../../functions/_shared/store.ts";
import { correctByHand } from "./corrections.ts";
import { asked, settleByHand, watchAll } from "./hands.ts";
import type { Fate } from "./scheduler.ts";
import type { Hand, Run, World } from "./world.ts";

/** What a step of the simulation may do, and how often. */
const WEIGHTS = {
  reposition: 42,
  two_repositions: 7,
  trader: 20,
  trader_and_reposition: 8,
  cancel_by_sql: 4,
  cancel_by_rpc: 6,
  settle_by_hand: 2,
  correct_by_hand: 2,
  exit_by_hand: 4,
  entry_by_hand: 3,
  bad_intent: 1,
  flip_kill_switch: 3,
  turn_knob: 3,
  flip_safe_mode: 1,
  flip_engine: 2,
  flip_watchlist: 2,
} as const;
type Action = keyof typeof WEIGHTS;

/** What a person may do while ticks are at work. */
const MEANWHILE = {
  cancel_by_rpc: 4,
  settle_by_hand: 1,
  correct_by_hand: 1,
  cancel_by_sql: 3,
  exit_by_hand: 3,
  flip_kill_switch: 4,
  turn_knob: 2,
  entry_by_hand: 1,
} as const satisfies Partial<Record<Action, number>>;
const MEANWHILE_CHANCE = 0.15;

const FATE_CHANCE = 0.22;
/** Where a fate strikes: at any of the first calls, or at the next one that has this name. */
const FATAL_CALLS = {
  any: 5,
  "broker.place": 3,
  "broker.cancel": 3,
  "broker.getOrder": 2,
  "store.commitTick": 2,
  "store.finishTick": 2,
} as const;

/** Does one step, drawn from the seed by its number. */
export async function act(world: World, step: number): Promise<void> {
  const { dice } = world;
  const action = dice.pick(WEIGHTS, "action", step);
  await world.advance(
    dice.roll("long?", step) < 0.08 ? dice.between(60, 200, "pause", step) : dice.between(1, 22, "pause", step),
  );
  world.trace(`step ${step}: ${action}`);
  await ACTIONS[action](world, step);
}

const ACTIONS: Readonly<Record<Action, (world: World, step: number) => Promise<void>>> = {
  reposition: (world, step) => runTicks(world, step, "reposition-tick"),
  two_repositions: (world, step) => {
    world.exchange.faults.note("two ticks at once", "reposition and reposition");
    return runTicks(world, step, "reposition-tick", "reposition-tick");
  },
  trader: (world, step) => runTicks(world, step, "trader-tick"),
  trader_and_reposition: (world, step) => {
    world.exchange.faults.note("two ticks at once", "trader and reposition");
    return runTicks(world, step, "trader-tick", "reposition-tick");
  },
  cancel_by_sql: async (world) => {
    const rows = await asked(
      world,
      world.db.sql`
      update public.crypto_orders set status = 'canceled'
      where status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')`,
    );
    world.trace(`  canceled by hand: ${rows?.count ?? "refused"}`);
  },
  cancel_by_rpc: async (world, step) => {
    const stoppable = await world.admin`
      select o.id from public.crypto_orders as o
      where o.status in ('new', 'submitted', 'working', 'partially_filled') or private.waiting_order(o.intent_group_id) = o.id
      order by o.symbol, o.side, o.id`;
    const order = stoppable[Math.floor(world.dice.roll("which", step) * stoppable.length)];
    if (!order) return;
    world.trace(`  request_cancel ${world.exchange.nameOf(String(order.id))}`);
    await asked(world, world.db.sql`select public.request_cancel(${order.id}, 'simulation')`);
  },
  settle_by_hand: settleByHand,
  correct_by_hand: correctByHand,
  exit_by_hand: (world, step) => exitByHand(world, step),
  entry_by_hand: entryByHand,
  bad_intent: (world, step) =>
    submit(world, {
      engine: "trader",
      symbol: "BTC-USD",
      side: "buy",
      purpose: "entry",
      notional: "-5",
      limit_price: "NaN",
      idempotency_key: `bad-${step}`,
    }),
  flip_kill_switch: flipKillSwitch,
  turn_knob: turnKnob,
  flip_safe_mode: async (world) => {
    await asked(world, world.db.sql`select public.set_safe_mode(true, 1)`);
  },
  flip_engine: flipEngine,
  flip_watchlist: flipWatchlist,
};

/** Runs ticks at once, each with its own fate; now and then a person does something meanwhile. */
async function runTicks(world: World, step: number, ...names: readonly TickName[]): Promise<void> {
  const runs: Run[] = names.map((name, index) => ({ name, fate: fate(world, step, index + 1) }));
  await world.tick(...runs, ...handMeanwhile(world, step));
}

function handMeanwhile(world: World, step: number): Hand[] {
  const { dice } = world;
  if (dice.roll("meanwhile?", step) >= MEANWHILE_CHANCE) return [];
  const action = dice.pick(MEANWHILE, "meanwhile", step);
  const act = async (isMeanwhile: boolean) => {
    world.trace(`  ${isMeanwhile ? "meanwhile" : "afterwards"}: ${action}`);
    if (isMeanwhile) world.exchange.faults.note("a hand while a tick is at work", action);
    await ACTIONS[action](world, step);
  };
  return [{ turns: dice.whole(1, 5, "meanwhile at", step), act }];
}

async function flipKillSwitch(world: World, step: number): Promise<void> {
  const [row] = await world.admin`select value from public.config where key = 'kill_switch'`;
  const isOn = row?.value === "true";
  if (!isOn && world.dice.roll("kill?", step) < 0.4) return;
  world.trace(`  kill switch ${isOn ? "off" : "ON"}`);
  const value = isOn ? "false" : "true";
  await asked(world, world.db.sql`update public.config set value = ${value} where key = 'kill_switch'`);
}

/** An engine that is disabled enters nothing, and sells what it holds. */
async function flipEngine(world: World, step: number): Promise<void> {
  const [row] = await world.admin`select value from public.config where key = 'TRADER_MODE'`;
  const value = row?.value === "disabled" ? "paper" : "disabled";
  if (value === "disabled" && world.dice.roll("disable?", step) < 0.3) return;
  world.trace(`  TRADER_MODE = ${value}`);
  world.exchange.faults.note("engine switched", value);
  await asked(world, world.db.sql`update public.config set value = ${value} where key = 'TRADER_MODE'`);
}

/** A symbol leaves the watchlist, most often one that is held, or all come back. */
async function flipWatchlist(world: World, step: number): Promise<void> {
  const symbols = await world.admin`
    select i.symbol, i.enabled from public.instruments as i left join public.positions as p using (symbol)
    order by coalesce(p.qty, 0) > 0 desc, i.symbol`;
  if (symbols.some(({ enabled }) => !enabled)) return watchAll(world);
  const nth = world.dice.roll("held one?", step) < 0.7 ? 0 : world.dice.whole(0, symbols.length - 1, "unwatched", step);
  const symbol = String(symbols[nth]?.symbol);
  world.trace(`  ${symbol} leaves the watchlist`);
  world.exchange.faults.note("left the watchlist", symbol);
  await asked(world, world.db.sql`update public.instruments set enabled = false where symbol = ${symbol}`);
}

async function turnKnob(world: World, step: number): Promise<void> {
  const knobs = {
    "ORDER_TTL_SECONDS_ENTRY=20": 1,
    "MAX_REPRICE_ATTEMPTS=2": 1,
    "MAX_OPEN_POSITIONS=2": 1,
    "KILL_SWITCH_CANCELS_EXITS=true": 1,
    "KILL_SWITCH_FLATTEN=true": 1,
    "MAX_NOTIONAL_PER_TRADE=18": 1,
  };
  const [key = "", value = ""] = world.dice.pick(knobs, "knob", step).split("=");
  world.trace(`  ${key} = ${value}`);
  await asked(world, world.db.sql`update public.config set value = ${value} where key = ${key}`);
}

/** Sells by hand what is held; `owner` narrows it to the positions of one engine. */
export async function exitByHand(world: World, step: number, owner: string | null = null): Promise<void> {
  const held = await world.admin`
    select p.symbol, p.qty, q.bid from public.positions as p join public.quotes as q using (symbol)
    where p.qty > 0 and p.engine = coalesce(${owner}, p.engine) order by p.symbol`;
  const position = held[Math.floor(world.dice.roll("exit", step) * held.length)];
  if (!position) return;
  await submit(world, {
    engine: "manual",
    symbol: position.symbol,
    side: "sell",
    purpose: "exit",
    qty: position.qty,
    limit_price: position.bid,
    idempotency_key: `hand-${step}`,
    metadata: { urgency: world.dice.roll("urgent", step) < 0.5 ? "stop_loss" : "passive" },
  });
}

async function entryByHand(world: World, step: number): Promise<void> {
  const quotes = await world.admin`select symbol, bid from public.quotes order by symbol`;
  const quote = quotes[Math.floor(world.dice.roll("entry", step) * quotes.length)];
  if (!quote) return;
  await submit(world, {
    engine: "manual",
    symbol: quote.symbol,
    side: "buy",
    purpose: "entry",
    notional: String(world.dice.whole(8, 27, "notional", step)),
    limit_price: quote.bid,
    idempotency_key: `enter-${step}`,
  });
}

async function submit(world: World, intent: Record<string, unknown>): Promise<void> {
  const { json } = world.engine;
  const whole = json({ mode: "paper", ...intent } as postgres.JSONValue);
  const rows = await asked(world, world.engine`select public.submit_intent(${whole}) as answer`);
  const answer = rows?.[0]?.answer as Record<string, unknown> | undefined;
  world.trace(`  ${intent.purpose} of ${intent.symbol} by hand: ${answer?.status} ${answer?.code ?? ""}`);
}

function fate(world: World, step: number, which: number): Fate | null {
  const { dice } = world;
  if (dice.roll("fate?", step, which) >= FATE_CHANCE) return null;
  const named = dice.pick(FATAL_CALLS, "fate at", step, which);
  const call = named === "any" ? dice.whole(1, 9, "fate at call", step, which) : named;
  const what = dice.pick({ crash_before: 4, crash_after: 4, answer_lost: 4, stall: 4 }, "fate", step, which);
  const isStore = typeof call === "number" || call.startsWith("store.");
  const seconds = dice.roll("stall", step, which) < 0.4 ? 70 : 130;
  return { call, what: what === "answer_lost" && !isStore ? "crash_after" : what, seconds };
}
