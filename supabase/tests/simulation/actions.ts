import postgres from "postgres";
import type { CrashPlan } from "./scheduler.ts";
import type { World } from "./world.ts";

/** What a step of the simulation may do, and how often. */
const WEIGHTS = {
  reposition: 42,
  two_repositions: 7,
  trader: 20,
  trader_and_reposition: 8,
  cancel_by_sql: 5,
  cancel_by_rpc: 4,
  exit_by_hand: 4,
  bad_intent: 2,
  flip_kill_switch: 3,
  turn_knob: 3,
  flip_safe_mode: 1,
  rest: 3,
} as const;
type Action = keyof typeof WEIGHTS;

const CRASH_CHANCE = 0.09;

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
  reposition: (world, step) => world.tick({ name: "reposition-tick", crash: crash(world, step, 1) }),
  two_repositions: (world, step) =>
    world.tick(
      { name: "reposition-tick", crash: crash(world, step, 1) },
      { name: "reposition-tick", crash: crash(world, step, 2) },
    ),
  trader: (world, step) => world.tick({ name: "trader-tick", crash: crash(world, step, 1) }),
  trader_and_reposition: (world, step) =>
    world.tick(
      { name: "trader-tick", crash: crash(world, step, 1) },
      { name: "reposition-tick", crash: crash(world, step, 2) },
    ),
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
    const live = await world.db.admin`
      select id from public.crypto_orders where status in ('new', 'submitted', 'working', 'partially_filled') order by symbol, side`;
    const order = live[Math.floor(world.dice.roll("which", step) * live.length)];
    if (order) await asked(world, world.db.sql`select public.request_cancel(${order.id}, 'simulation')`);
  },
  exit_by_hand: exitByHand,
  bad_intent: async (world, step) => {
    const bad = {
      engine: "trader",
      mode: "paper",
      symbol: "BTC-USD",
      side: "buy",
      purpose: "entry",
      notional: "-5",
      limit_price: "NaN",
      idempotency_key: `bad-${step}`,
    };
    await asked(world, world.engine`select public.submit_intent(${world.engine.json(bad)})`);
  },
  flip_kill_switch: async (world, step) => {
    const [row] = await world.db.admin`select value from public.config where key = 'kill_switch'`;
    const on = row?.value === "true";
    if (!on && world.dice.roll("kill?", step) < 0.4) return;
    world.trace(`  kill switch ${on ? "off" : "ON"}`);
    await asked(
      world,
      world.db.sql`update public.config set value = ${on ? "false" : "true"} where key = 'kill_switch'`,
    );
  },
  turn_knob: async (world, step) => {
    const [key, value] = world.dice
      .pick(
        {
          "ORDER_TTL_SECONDS_ENTRY=20": 1,
          "MAX_REPRICE_ATTEMPTS=2": 1,
          "MAX_OPEN_POSITIONS=2": 1,
          "KILL_SWITCH_CANCELS_EXITS=true": 1,
          "KILL_SWITCH_FLATTEN=true": 1,
          "MAX_NOTIONAL_PER_TRADE=18": 1,
        },
        "knob",
        step,
      )
      .split("=");
    world.trace(`  ${key} = ${value}`);
    await asked(world, world.db.sql`update public.config set value = ${value ?? ""} where key = ${key ?? ""}`);
  },
  flip_safe_mode: async (world) => {
    await asked(world, world.db.sql`select public.set_safe_mode(true, 1)`);
  },
  rest: async () => undefined,
};

async function exitByHand(world: World, step: number): Promise<void> {
  const held = await world.db.admin`
    select p.symbol, p.qty, q.bid from public.positions as p join public.quotes as q using (symbol) where p.qty > 0 order by p.symbol`;
  const position = held[Math.floor(world.dice.roll("exit", step) * held.length)];
  if (!position) return;
  const intent = {
    engine: "manual",
    mode: "paper",
    symbol: position.symbol,
    side: "sell",
    purpose: "exit",
    qty: position.qty,
    limit_price: position.bid,
    idempotency_key: `hand-${step}`,
    metadata: { urgency: world.dice.roll("urgent", step) < 0.5 ? "stop_loss" : "passive" },
  };
  const rows = await asked(world, world.engine`select public.submit_intent(${world.engine.json(intent)}) as answer`);
  world.trace(`  exit by hand of ${position.symbol}: ${JSON.stringify(rows?.[0]?.answer)}`);
}

function crash(world: World, step: number, which: number): CrashPlan | null {
  if (world.dice.roll("crash?", step, which) >= CRASH_CHANCE) return null;
  return {
    call: world.dice.whole(1, 9, "crash at", step, which),
    when: world.dice.roll("crash when", step, which) < 0.5 ? "before" : "after",
  };
}

/** A refusal with a code is an answer; anything else is a defect of the database. */
async function asked(
  world: World,
  statement: postgres.PendingQuery<postgres.Row[]>,
): Promise<postgres.RowList<postgres.Row[]> | undefined> {
  try {
    return await statement;
  } catch (error) {
    if (error instanceof postgres.PostgresError && /^PT4\d\d$/.test(error.code)) {
      world.trace(`  refused: ${error.message}`);
      return undefined;
    }
    throw error;
  }
}
