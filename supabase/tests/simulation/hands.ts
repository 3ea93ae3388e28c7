import postgres from "postgres";
import { decimal } from "../../../shared/money/decimal.ts";
import { isOpen, stateAtExchange } from "./faults.ts";
import type { World } from "./world.ts";

/** How exact the average price is that a person gives. */
export const AVERAGE_PLACES = 12;

/** Somebody who sees the exchange's own record settles an order that has been unknown for a while and is over there. */
export async function settleByHand(world: World): Promise<void> {
  const { exchange } = world;
  const unknown = await world.admin`
    select id, filled_qty from public.crypto_orders
    where unresolved and submitted_at < private.clock() - interval '150 seconds' order by id`;
  for (const { id, filled_qty } of unknown) {
    // What nothing can be learned of is canceled by hand, over there.
    if (exchange.desk.lied.get(String(id)) === "another_symbol") exchange.cancelThere(String(id));
    const order = exchange.state.orders[String(id)];
    if (order && isOpen(order)) continue;
    const { filledQty, notional, fee } = order ?? { filledQty: "0", notional: "0", fee: "0" };
    if (decimal(filledQty).lt(decimal(String(filled_qty)))) continue; // that takes a correction
    if (order?.fills.some((fill) => exchange.backOffice.feeCoinsOf(fill) !== null)) continue; // a fee is told in USD
    const isNews = !decimal(filledQty).eq(decimal(String(filled_qty)));
    const average = isNews ? decimal(notional).div(decimal(filledQty)).round(AVERAGE_PLACES) : null;
    if (average && !average.times(decimal(filledQty)).eq(decimal(notional))) exchange.approximated.add(String(id));
    world.trace(`  settles ${exchange.nameOf(String(id))}: filled ${filledQty}`);
    exchange.faults.note("settled by hand", stateAtExchange(order));
    if (decimal(filledQty).eq("0")) exchange.absence.noteSeen(String(id));
    const [price, paid] = isNews ? [average?.toFixed() ?? null, fee] : [null, null];
    await asked(world, world.db.sql`select public.settle_order(${id}, ${filledQty}, ${price}, ${paid}, 'simulation')`);
    return;
  }
}

/**
 * Somebody who knows which coins were taken out of the account takes over the exchange's books, when they say just
 * that: whatever else is off is nobody's to adopt.
 */
export async function adoptByHand(world: World): Promise<void> {
  const { taken } = world.exchange.backOffice.outside;
  if (taken.size === 0) return;
  const rows = await world.admin`
    select c.symbol, c.diff from public.crypto_reconciliation_events as e,
      lateral private.compare_holdings('paper', e.broker_holdings) as c
    where e.id = (select max(id) from public.crypto_reconciliation_events) and c.diff <> 0`;
  const isKnown = rows.every(({ symbol, diff }) => taken.get(String(symbol))?.eq(decimal(String(diff)).neg()) === true);
  if (!isKnown || rows.length !== taken.size) return;
  world.trace(`  adopts the exchange's books: ${rows.map(({ symbol, diff }) => `${symbol} ${diff}`).join(", ")}`);
  world.exchange.faults.note("books adopted by hand", "coins taken away");
  const done = await asked(world, world.db.sql`select public.adopt_broker_books('paper', 'ADOPT PAPER')`);
  if (done) taken.clear();
}

/** Puts every symbol back on the watchlist. */
export async function watchAll(world: World): Promise<void> {
  await asked(world, world.db.sql`update public.instruments set enabled = true where not enabled`);
}

/** A refusal with a code is an answer; anything else is a defect of the database. */
export async function asked(
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
