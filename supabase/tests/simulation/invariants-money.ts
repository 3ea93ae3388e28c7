import { type Decimal, decimal, ZERO } from "../../../shared/money/decimal.ts";
import type { Check } from "./invariants.ts";
import { listsItsFills } from "./report-json.ts";
import type { World } from "./world.ts";

/** How far a booked price may be from those of the order's executions, in parts of one: an average may be rounded. */
const PRICE_TOLERANCE = 0.01;

interface BookedOrder {
  readonly id: string;
  readonly filled_qty: string;
  readonly fee: string;
  readonly is_told: boolean;
  readonly lowest: string | null;
  readonly highest: string | null;
  readonly refunds: number;
  readonly misdated: number;
}

/** What is booked of each order, and what can't be right about its fills by themselves. */
const bookedOrders = ({ admin }: World) => admin<BookedOrder[]>`
  select o.id, o.filled_qty, o.fee, f.lowest, f.highest, f.refunds, f.misdated,
    exists (select from public.alerts as a where a.key = o.id::text) as is_told
  from public.crypto_orders as o,
    lateral (
      select min(f.price) as lowest, max(f.price) as highest,
        count(*) filter (where f.revision = 0 and f.fee < 0)::int as refunds,
        count(*) filter (
          where f.executed_at > f.booked_at + interval '1 minute' or f.executed_at < o.requested_at - interval '1 minute'
        )::int as misdated
      from public.crypto_fills as f where f.order_id = o.id
    ) as f
  where o.filled_qty <> 0 or o.fee <> 0 order by o.id`;

/** No more is booked of an order than was ever executed of it, at no other price, for no negative fee, at no impossible time. */
export const executionsAreBookedOnce: Check = async (world) => {
  const { peaks, prices } = world.exchange.backOffice;
  const rows = await bookedOrders(world);
  return rows.flatMap((row) => {
    const name = world.exchange.nameOf(row.id);
    const { low, high } = prices.get(row.id) ?? { low: 0, high: Number.POSITIVE_INFINITY };
    const isOff =
      Number(row.lowest ?? low) < low * (1 - PRICE_TOLERANCE) ||
      Number(row.highest ?? high) > high * (1 + PRICE_TOLERANCE);
    const found: (string | false)[] = [
      decimal(row.filled_qty).gt(decimal(peaks.get(row.id) ?? "0")) &&
        `an execution was booked twice: ${name} filled ${row.filled_qty}, at the exchange never more than ${peaks.get(row.id) ?? "0"}`,
      isOff &&
        !row.is_told &&
        `a price was booked without a word: ${name} at ${row.lowest} to ${row.highest}, executed at ${low} to ${high}`,
      row.refunds > 0 && `a negative fee was booked: ${name}`,
      decimal(row.fee).lt(ZERO) && `the fee of ${name} is negative: ${row.fee}`,
      row.misdated > 0 && `a fill of ${name} is dated before its order or ahead of its booking`,
    ];
    return found.filter((sentence) => sentence !== false);
  });
};

/** The days' rows add up to the fills and closures, each by its own time. */
export const theDaysAddUp: Check = async ({ admin }) => {
  const rows = await admin`
    with parts as (
      select (f.executed_at at time zone 'utc')::date as date, f.fee, 0 as realized from public.crypto_fills as f where f.mode = 'paper'
      union all
      select (c.closed_at at time zone 'utc')::date, 0, c.realized_pnl from public.lot_closures as c where c.mode = 'paper'
    ), days as (select p.date, sum(p.fee) as fees, sum(p.realized) as realized from parts as p group by p.date)
    select coalesce(s.date, d.date)::text as date, s.fees, s.realized, d.fees as told_fees, d.realized_pnl as told_realized
    from days as s full join (select * from public.pnl_daily where mode = 'paper') as d using (date)
    where (coalesce(s.fees, 0), coalesce(s.realized, 0)) is distinct from (coalesce(d.fees, 0), coalesce(d.realized_pnl, 0))`;
  return rows.map(
    (row) =>
      `the days do not add up: ${row.date} fees ${row.told_fees}, by its fills ${row.fees}; realized ${row.told_realized}, by its closures ${row.realized}`,
  );
};

/** What can't be known exactly of an order: averages that are rounded, by the exchange or by a person, and fees in coins at an average. */
const doubtOf = ({ exchange, traits }: World, id: string): Decimal => {
  const order = exchange.state.orders[id];
  if (!order) return ZERO;
  const isCounted = listsItsFills(order) && !exchange.approximated.has(id);
  const isInCents = exchange.desk.lied.get(id) === "average_in_cents";
  const perCoin = isCounted ? "0" : isInCents ? "0.005" : traits.coinFees ? "0.000001" : "0.00000001";
  return decimal(order.filledQty)
    .times(decimal(perCoin))
    .plus(decimal(isCounted ? "0" : "0.0000001"));
};

/** Cash, coins and orders are at the exchange what they are in our book. */
export const bothBooksAreEqual: Check = async (world) => {
  const { admin, exchange } = world;
  const found: string[] = [];
  const orders = await admin`select id, filled_qty, fee from public.crypto_orders`;
  const doubt = orders.map(({ id }) => doubtOf(world, String(id))).reduce((sum, part) => sum.plus(part), ZERO);
  const [account] = await admin`select cash from public.accounts where mode = 'paper'`;
  if (decimal(String(account?.cash)).minus(decimal(exchange.state.cash)).abs().gt(doubt))
    found.push(`cash ${account?.cash}, the exchange's ${exchange.state.cash}`);
  const positions = await admin`
    select symbol, coalesce(p.qty, 0) + coalesce(f.qty, 0) as qty
    from (select symbol, qty from public.positions where mode = 'paper') as p
    full join (select symbol, qty from private.foreign_holdings where mode = 'paper') as f using (symbol)`;
  const ours = new Map(positions.map(({ symbol, qty }) => [String(symbol), decimal(String(qty))]));
  for (const symbol of new Set([...ours.keys(), ...Object.keys(exchange.state.holdings)])) {
    const theirs = decimal(exchange.state.holdings[symbol] ?? "0");
    const mine = ours.get(symbol) ?? ZERO;
    // A person who corrects tells a fee in USD, also one that was taken in coins.
    const doubtfulCoins = world.traits.coinFees && exchange.approximated.size > 0 ? decimal("0.00000001") : ZERO;
    if (mine.minus(theirs).abs().gt(doubtfulCoins))
      found.push(`${symbol} ${mine.toFixed()}, the exchange's ${theirs.toFixed()}`);
  }
  for (const { id, filled_qty, fee } of orders) {
    const theirs = exchange.state.orders[String(id)];
    const feeOff = decimal(String(fee))
      .minus(decimal(theirs?.fee ?? "0"))
      .abs();
    if (!decimal(String(filled_qty)).eq(decimal(theirs?.filledQty ?? "0")) || feeOff.gt(doubtOf(world, String(id)))) {
      found.push(
        `order ${exchange.nameOf(String(id))} filled ${filled_qty} for a fee of ${fee}, the exchange's ${theirs?.filledQty ?? "none"} for ${theirs?.fee ?? "none"}`,
      );
    }
  }
  return found.map((difference) => `the books differ: ${difference}`);
};
