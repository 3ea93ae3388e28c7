import { decimal, toAmount } from "../../../shared/money/decimal.ts";
import type { Check } from "./invariants.ts";

/** How long ago a price may have been true that an order is made of. */
const TRUE_WITHIN_MS = 15 * 60_000;
/** How far beyond the true prices a limit may lie: half a wide spread and the way across it. */
const LIMIT_TOLERANCE = 0.09;

/** Nothing is kept, ordered or trailed by a price that was shown once and was never true. */
export const onlyConfirmedPricesCount: Check = async ({ admin, exchange, market, observed, now }) => {
  if (observed.badPrints.size === 0) return [];
  const found: string[] = [];
  const quotes = await admin`select symbol, bid, ask from public.quotes order by symbol`;
  for (const { symbol, bid, ask } of quotes) {
    const [ours, theirs] = [bid, ask].map((price) => toAmount(decimal(String(price))));
    if (observed.badPrints.has(`${symbol} ${ours} ${theirs}`))
      found.push(`a price that was never true is the last good one: ${symbol} ${ours}/${theirs}`);
  }
  const prices = await admin`
    select o.symbol, o.limit_price as price, 'limit of ' || o.id as what from public.crypto_orders as o
    where o.requested_at > private.clock() - interval '4 minutes'
    union all
    select p.symbol, p.high_water, 'high-water mark of ' || p.symbol from public.positions as p where p.qty > 0 and p.high_water > 0
    union all
    select p.symbol, p.stop_price, 'stop of ' || p.symbol from public.positions as p where p.qty > 0 and p.stop_price > 0`;
  for (const { symbol, price, what } of prices) {
    const { low, high } = market.rangeBetween(String(symbol), now() - TRUE_WITHIN_MS, now());
    if (Number(price) >= low * (1 - LIMIT_TOLERANCE) && Number(price) <= high * (1 + LIMIT_TOLERANCE)) continue;
    const name = String(what).replace(/[0-9a-f-]{36}/, (id) => exchange.nameOf(id));
    found.push(`the ${name} is ${price}, far from every price that was true`);
  }
  return found;
};
