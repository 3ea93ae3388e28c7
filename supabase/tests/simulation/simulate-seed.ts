import type { ClusterAddress } from "../support/test-cluster.ts";
import { act } from "./actions.ts";
import { checkAfterSettling, checkAlways } from "./invariants.ts";
import { openWorld, type World } from "./world.ts";

/** What a seed's run came to. */
export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly faults: ReadonlyMap<string, number>;
  readonly counts: Readonly<Record<string, number>>;
}

const LEAST_STEPS = 26;
const MOST_STEPS = 44;
const SETTLING_ROUNDS = 60;

/** Runs one seed from an empty book to a settled one and checks every invariant on the way. */
export async function simulateSeed(
  address: ClusterAddress,
  seed: number,
  say: (line: string) => void = () => {},
): Promise<SeedResult> {
  const world = await openWorld(address, seed, say);
  const violations = new Set<string>();
  try {
    world.exchange.faultsOn = false;
    await world.tick({ name: "trader-tick", crash: null });
    await world.advance(5);
    world.exchange.faultsOn = true;
    await world.tick({ name: "trader-tick", crash: null });
    const steps = world.dice.whole(LEAST_STEPS, MOST_STEPS, "steps");
    for (let step = 1; step <= steps; step += 1) {
      await act(world, step);
      for (const violation of await checkAlways(world)) violations.add(violation);
    }
    await settle(world);
    for (const violation of await checkAfterSettling(world)) violations.add(violation);
    return { seed, violations: [...violations], faults: world.exchange.faults.counts, counts: await count(world) };
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return {
      seed,
      violations: [...violations, `the run broke: ${reason}`],
      faults: world.exchange.faults.counts,
      counts: {},
    };
  } finally {
    await world.close();
  }
}

/** Lets the world come to rest: no faults, no new entries, and time for every timer and watch to run out. */
async function settle(world: World): Promise<void> {
  world.exchange.faultsOn = false;
  world.trace("settling: faults off, kill switch off, no entries");
  await world.db.sql`update public.config set value = 'false' where key = 'kill_switch'`;
  await world.db.sql`update public.config set value = '100' where key = 'TRADER_ENTRY_SCORE'`;
  for (let round = 0; round < SETTLING_ROUNDS; round += 1) {
    await world.advance(round < 10 ? 13 : 31);
    await world.tick({ name: "reposition-tick", crash: null });
    if (round % 4 !== 3) continue;
    await world.tick({ name: "trader-tick", crash: null });
    if (await isAtRest(world)) return;
  }
}

async function isAtRest(world: World): Promise<boolean> {
  const [row] = await world.db.admin`
    select not exists (
      select from public.crypto_orders
      where status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending') or unresolved or watch_until > private.clock()
    ) and not exists (
      select from public.positions as p join public.instruments as i using (symbol) where p.qty >= i.min_qty
    ) as rest`;
  return row?.rest === true;
}

async function count(world: World): Promise<Record<string, number>> {
  const [row] = await world.db.admin`
    select
      (select count(*) from public.order_intents where status <> 'denied')::int as intents,
      (select count(*) from public.order_intents where status = 'denied')::int as denied,
      (select count(*) from public.crypto_orders)::int as orders,
      (select count(*) from public.crypto_orders where replace_count > 0)::int as replacements,
      (select count(*) from public.crypto_fills)::int as fills,
      (select count(*) from public.crypto_fills where late)::int as late_fills,
      (select count(*) from public.order_events)::int as events`;
  return { ...row } as Record<string, number>;
}
