import type postgres from "postgres";
import { freeQty } from "../../../shared/broker/paper/money.ts";
import { decimal, least, roundDownTo, toAmount } from "../../../shared/money/decimal.ts";
import type { Check } from "./invariants.ts";
import type { World } from "./world.ts";

/** Worth enough to be sold at any price of the moment. */
const CLEARLY_SELLABLE = 1.5;

class Undone extends Error {}

/** What `submit_intent` would answer; nothing of it stays. */
async function wouldAnswer({ engine }: World, intent: postgres.JSONValue): Promise<Record<string, unknown>> {
  let answer: Record<string, unknown> = {};
  await engine
    .begin(async (sql) => {
      const [row] = await sql`select public.submit_intent(${sql.json(intent)}) as answer`;
      answer = row?.answer as Record<string, unknown>;
      throw new Undone();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
  return answer;
}

/** A stop of what is held, and lies at the exchange, and no order sells yet, is let in, whatever else is wrong. */
export const stopsCanBeSold: Check = async (world) => {
  const { admin, exchange, now } = world;
  const held = await admin`
    select p.symbol, p.engine, p.qty, private.confirmed_qty(p.mode, p.symbol) as confirmed, q.bid, i.qty_increment, i.min_qty, i.min_notional
    from public.positions as p join public.quotes as q using (symbol) join public.instruments as i using (symbol)
    where p.mode = 'paper' and p.qty > 0
      and not exists (select from public.config as c where c.key = 'kill_switch' and c.value = 'true')
      and not exists (
        select from public.crypto_orders as o
        where o.mode = p.mode and o.symbol = p.symbol and o.side = 'sell'
          and (o.unresolved or o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending'))
      )
    order by p.symbol`;
  const found: string[] = [];
  for (const { symbol, engine, qty, confirmed, bid, qty_increment, min_qty, min_notional } of held) {
    const known = [freeQty(exchange.state, String(symbol)), decimal(String(confirmed ?? qty))].reduce(
      least,
      decimal(String(qty)),
    );
    const sold = toAmount(roundDownTo(known, decimal(String(qty_increment))));
    const isWorthIt =
      Number(sold) >= Number(min_qty) && Number(sold) * Number(bid) > Number(min_notional) * CLEARLY_SELLABLE;
    if (!isWorthIt) continue;
    const answer = await wouldAnswer(world, {
      engine: String(engine),
      mode: "paper",
      symbol: String(symbol),
      side: "sell",
      purpose: "exit",
      qty: sold,
      limit_price: String(bid),
      idempotency_key: `probe:${symbol}:${now()}`,
      metadata: { urgency: "stop_loss" },
    });
    if (answer.status !== "accepted")
      found.push(`a stop can't be sold: ${sold} ${symbol} of ${engine}: ${answer.code}: ${answer.message}`);
  }
  return found;
};

/** Books dated ahead, and half a book, are compared with nothing. */
export const spoiltBooksAreRefused: Check = async ({ admin, books }) => {
  if (books.spoilt.length === 0) return [];
  const rows = await admin`
    select e.observed_at from public.crypto_reconciliation_events as e
    where e.observed_at = any (${books.spoilt}::timestamptz[])`;
  return rows.map(
    ({ observed_at }) => `books that can't be true were compared: read at ${(observed_at as Date).toISOString()}`,
  );
};
