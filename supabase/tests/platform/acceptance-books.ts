import type postgres from "postgres";
import type { ExchangeState, PaperOrder } from "../../../shared/broker/paper/exchange.ts";
import { type Amount, decimal, toAmount } from "../../../shared/money/decimal.ts";

/** One order as a book has it, amounts as exact text. */
export interface BookedOrder {
  symbol: string;
  side: string;
  qty: Amount;
  limitPrice: Amount;
  state: string;
  filledQty: Amount;
  fee: Amount;
  fills: { id: string; qty: Amount; price: Amount; fee: Amount }[];
}

/** A whole book of record in paper mode: the engine's or the paper exchange's, in one shape. */
export interface Books {
  cash: Amount;
  holdings: Record<string, Amount>;
  orders: Record<string, BookedOrder>;
}

const exact = (value: string) => toAmount(decimal(value));
const held = (quantities: [string, string][]) =>
  Object.fromEntries(quantities.map(([symbol, qty]) => [symbol, exact(qty)] as const).filter(([, qty]) => qty !== "0"));

/** Reads what the paper exchange itself has on record, from its own storage. */
export async function exchangeBooks(sql: postgres.Sql): Promise<Books> {
  const state = await exchangeState(sql);
  const closed = await sql<{ doc: PaperOrder }[]>`select doc from paper_exchange.closed_orders`;
  const orders = [...Object.values(state?.orders ?? {}), ...closed.map(({ doc }) => doc)];
  return {
    cash: exact(state?.cash ?? "0"),
    holdings: held(Object.entries(state?.holdings ?? {})),
    orders: Object.fromEntries(orders.map((order) => [order.clientOrderId, fromExchange(order)])),
  };
}

/** Reads the state of the paper exchange; null before its first call. */
export async function exchangeState(sql: postgres.Sql): Promise<ExchangeState | null> {
  const [book] = await sql<{ state: ExchangeState | null }[]>`select state from paper_exchange.book`;
  return book?.state ?? null;
}

const fromExchange = (order: PaperOrder): BookedOrder => ({
  symbol: order.symbol,
  side: order.side,
  qty: exact(order.qty),
  limitPrice: exact(order.limitPrice),
  state: order.status,
  filledQty: exact(order.filledQty),
  fee: exact(order.fee),
  fills: order.fills.map(({ fillId, qty, price, fee }) => ({
    id: fillId,
    qty: exact(qty),
    price: exact(price),
    fee: exact(fee),
  })),
});

interface OrderRow {
  id: string;
  symbol: string;
  side: string;
  qty: string;
  limit_price: string;
  status: string;
  filled_qty: string;
  fee: string;
}

/** Reads what the engine has on record: ledger, lots, and the orders that reached the broker, each with its fills. */
export async function engineBooks(sql: postgres.Sql): Promise<Books> {
  const [cash] = await sql<{ sum: string }[]>`
    select coalesce(sum(amount), 0) as sum from cash_ledger where mode = 'paper'`;
  const lots = await sql<{ symbol: string; qty: string }[]>`
    select symbol, sum(remaining_qty) as qty from position_lots where mode = 'paper' group by symbol`;
  const orders = await sql<OrderRow[]>`
    select id, symbol, side, qty, limit_price, status, filled_qty, fee from crypto_orders
    where mode = 'paper' and submitted_at is not null and reject_reason is distinct from 'never_reached_broker'`;
  const fills = await sql<{ order_id: string; fill_id: string; qty: string; price: string; fee: string }[]>`
    select order_id, fill_id, qty, price, fee from crypto_fills where mode = 'paper' order by seq`;
  const fillsOf = (id: string) =>
    fills
      .filter((fill) => fill.order_id === id)
      .map(({ fill_id, qty, price, fee }) => ({ id: fill_id, qty: exact(qty), price: exact(price), fee: exact(fee) }));
  return {
    cash: exact(cash?.sum ?? "0"),
    holdings: held(lots.map(({ symbol, qty }) => [symbol, qty])),
    orders: Object.fromEntries(orders.map((order) => [order.id, { ...fromEngine(order), fills: fillsOf(order.id) }])),
  };
}

const fromEngine = (order: OrderRow): Omit<BookedOrder, "fills"> => ({
  symbol: order.symbol,
  side: order.side,
  qty: exact(order.qty),
  limitPrice: exact(order.limit_price),
  state: order.status,
  filledQty: exact(order.filled_qty),
  fee: exact(order.fee),
});

/** Returns what a book's cash and holdings must be, worked out from the opening cash and every fill alone. */
export function recount(openingCash: Amount, orders: Books["orders"]): Pick<Books, "cash" | "holdings"> {
  let cash = decimal(openingCash);
  const holdings = new Map<string, Amount>();
  for (const { symbol, side, fills } of Object.values(orders)) {
    for (const { qty, price, fee } of fills) {
      const signed = decimal(side === "buy" ? qty : `-${qty}`);
      cash = cash.minus(signed.times(decimal(price))).minus(decimal(fee));
      holdings.set(symbol, toAmount(decimal(holdings.get(symbol) ?? "0").plus(signed)));
    }
  }
  return { cash: toAmount(cash), holdings: held([...holdings]) };
}

/** Returns every disagreement between the engine's own tables: accounts, positions, lots and fills; none is the rule. */
export const innerDisagreements = (sql: postgres.Sql) => sql`
  select 'cash' as what, a.mode, '' as symbol, a.cash::text as one, sum(l.amount)::text as other
  from accounts as a join cash_ledger as l using (mode)
  group by a.mode, a.cash having a.cash <> sum(l.amount)
  union all
  select 'position', mode, symbol, coalesce(p.qty, 0)::text, coalesce(l.qty, 0)::text
  from positions as p
  full join (select mode, symbol, sum(remaining_qty) as qty from position_lots group by mode, symbol) as l using (mode, symbol)
  where coalesce(p.qty, 0) <> coalesce(l.qty, 0)
  union all
  select 'position and fills', p.mode, p.symbol, p.qty::text, f.qty::text
  from positions as p
  join (
    select mode, symbol, sum(case side when 'buy' then qty else -qty end) as qty from crypto_fills group by mode, symbol
  ) as f using (mode, symbol)
  where p.qty <> f.qty
  union all
  select 'order', o.mode, o.id::text, o.filled_qty::text || ' ' || o.fee::text, f.qty::text || ' ' || f.fee::text
  from crypto_orders as o
  cross join lateral (
    select coalesce(sum(qty), 0) as qty, coalesce(sum(fee), 0) as fee from crypto_fills where order_id = o.id
  ) as f
  where o.filled_qty <> f.qty or o.fee <> f.fee`;
