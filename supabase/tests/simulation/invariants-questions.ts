import type { Check } from "./invariants.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;
/** The hours that pass before questions are counted: time enough to be as patient as one ever gets. */
const PATIENCE_HOURS = 6;
const MOST_AN_HOUR = 12;
const MOST_TICKS = 400;

/** When somebody wants to look at an order that has ended, in virtual milliseconds from now; null when nobody does. */
async function nextLookMs({ admin }: World): Promise<number | null> {
  const [row] = await admin`
    select extract(epoch from min(o.next_action_at) - private.clock())::float8 * 1000 as ms
    from public.crypto_orders as o where o.closed_at is not null`;
  return row?.ms === null || row?.ms === undefined ? null : Math.max(1000, Number(row.ms));
}

/** What nobody can answer is asked ever more rarely: at most twelve times in the seventh hour. */
export const nothingIsAskedForEver: Check = async (world) => {
  const { exchange, now } = world;
  const end = now() + (PATIENCE_HOURS + 1) * HOUR_MS;
  for (let ticks = 0; now() < end; ticks += 1) {
    const wait = await nextLookMs(world);
    if (wait === null) return [];
    if (ticks === MOST_TICKS) break;
    await world.advance(wait / 1000);
    await world.tick({ name: "reposition-tick", fate: null });
  }
  return [...exchange.lookedUp].flatMap(([id, times]) => {
    const asked = times.filter((at) => at > now() - HOUR_MS).length;
    return asked > MOST_AN_HOUR
      ? [`${exchange.nameOf(id)} is asked about for ever: ${asked} times in the last hour`]
      : [];
  });
};
