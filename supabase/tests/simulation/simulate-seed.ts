import { act, exitByHand } from "./actions.ts";
import type { Arena } from "./arena.ts";
import { correctByHand, wrongOrders } from "./corrections.ts";
import { adoptByHand, settleByHand, watchAll } from "./hands.ts";
import { checkAfterSettling, checkStep } from "./invariants.ts";
import { openWorld, type World } from "./world.ts";

/** What a seed's run came to. */
export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly faults: ReadonlyMap<string, number>;
  readonly counts: Readonly<Record<string, number>>;
}

const LEAST_STEPS = 20;
const MOST_STEPS = 36;
const SETTLING_ROUNDS = 60;

/** Runs one seed from an empty book to a settled one and checks every invariant on the way. */
export async function simulateSeed(
  arena: Arena,
  seed: number,
  say: (line: string) => void = () => {},
): Promise<SeedResult> {
  const world = await openWorld(arena, seed, say);
  const violations = new Set<string>();
  let counts: Record<string, number> = {};
  try {
    await play(world, violations);
    counts = await count(world);
  } catch (error) {
    violations.add(`the run broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    await world.close();
  }
  return { seed, violations: [...violations], faults: world.exchange.faults.counts, counts };
}

async function play(world: World, violations: Set<string>): Promise<void> {
  const note = (found: readonly string[]) => {
    for (const violation of found) violations.add(violation);
  };
  world.exchange.faultsOn = false;
  await world.tick({ name: "trader-tick", fate: null });
  await world.advance(5);
  world.exchange.faultsOn = true;
  await world.tick({ name: "trader-tick", fate: null });
  const steps = world.dice.whole(LEAST_STEPS, MOST_STEPS, "steps");
  for (let step = 1; step <= steps; step += 1) {
    await act(world, step);
    note(await checkStep(world, step));
  }
  await settle(world);
  note(await checkAfterSettling(world));
}

/** Lets the world come to rest: no faults, no new entries, and time for every timer and watch to run out. */
async function settle(world: World): Promise<void> {
  world.exchange.faultsOn = false;
  world.observed.faultsOn = false;
  world.trace("settling: faults off, kill switch off, no entries");
  await world.db.sql`update public.config set value = 'false' where key = 'kill_switch'`;
  await world.db.sql`update public.config set value = '100' where key = 'TRADER_ENTRY_SCORE'`;
  for (let round = 0; round < SETTLING_ROUNDS; round += 1) {
    await world.advance(await secondsUntilDue(world));
    await world.tick({ name: "reposition-tick", fate: null });
    if (round % 2 !== 1) continue;
    await world.tick({ name: "trader-tick", fate: null });
    await exitByHand(world, 1000 + round, "manual");
    await lendAHand(world, round);
    if (await isAtRest(world)) return;
  }
}

/** People do what only they can; an engine that is disabled sells what it holds before it is switched on again. */
async function lendAHand(world: World, round: number): Promise<void> {
  const isLate = round > SETTLING_ROUNDS / 2;
  await correctByHand(world);
  if (isLate) await settleByHand(world);
  const [row] = await world.admin`
    select not exists (select from public.positions as p where private.is_held(p.mode, p.symbol)) as flat,
      exists (select from public.config where key = 'TRADER_MODE' and value <> 'paper') as off,
      exists (select from public.instruments where not enabled) as unwatched`;
  const isMissing = world.exchange.backOffice.outside.taken.size > 0;
  if (!row?.flat && !(isMissing && isLate)) return;
  if (row?.off) await world.db.sql`update public.config set value = 'paper' where key = 'TRADER_MODE'`;
  if (row?.unwatched) await watchAll(world);
  // What is adopted before it is corrected would be booked twice.
  if ((await wrongOrders(world)).length === 0) await adoptByHand(world);
}

/** Long enough for something to be due, and never so long that a position waits for its exit. */
async function secondsUntilDue(world: World): Promise<number> {
  const [row] = await world.admin`
    select extract(epoch from min(next_action_at) - private.clock())::float8 as seconds from public.crypto_orders`;
  return Math.min(60, Math.max(25, Number(row?.seconds ?? 35)));
}

async function isAtRest(world: World): Promise<boolean> {
  const [row] = await world.admin`
    select not exists (
      select from public.crypto_orders
      where status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending') or unresolved or next_action_at is not null
    ) and not exists (
      select from public.positions as p where private.is_held(p.mode, p.symbol)
    ) and not exists (select from private.orphan_intents())
    and not exists (select from public.accounts as a where a.mode = 'paper' and a.degraded) as rest`;
  return (
    row?.rest === true && world.exchange.backOffice.outside.taken.size === 0 && (await wrongOrders(world)).length === 0
  );
}

async function count(world: World): Promise<Record<string, number>> {
  const [row] = await world.admin`
    select
      (select count(*) from public.order_intents where status <> 'denied')::int as intents,
      (select count(*) from public.order_intents where status = 'denied')::int as denied,
      (select count(*) from public.crypto_orders)::int as orders,
      (select count(*) from public.crypto_orders where replace_count > 0)::int as replacements,
      (select count(*) from public.crypto_fills)::int as fills,
      (select count(*) from public.crypto_fills where late)::int as late_fills,
      (select count(*) from public.order_events where event_type = 'back_from_absent')::int as back_from_absent,
      (select count(*) from public.crypto_orders where reject_reason = 'never_reached_broker')::int as proven_absent,
      (select count(*) from public.crypto_reconciliation_events where status = 'degraded')::int as degraded,
      (select count(*) from public.order_events)::int as events`;
  return { ...row } as Record<string, number>;
}
