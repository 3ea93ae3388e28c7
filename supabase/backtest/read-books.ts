import type postgres from "postgres";
import type { Broker } from "../../shared/broker/port.ts";
import { midPrice } from "../../shared/market/quote.ts";
import { type Amount, decimal, toAmount, ZERO } from "../../shared/money/decimal.ts";
import type { BacktestFacts, BacktestFill, EquityPoint } from "./backtest-facts.ts";

type Sql = postgres.Sql;
type Count = { name: string; count: number };

interface HeldValue {
  qty: Amount;
  bid: Amount | null;
  ask: Amount | null;
}

/** Reads the account as the engine's own books have it and values what is held at the middle of the last good quote. */
export async function readEquity(sql: Sql, atMs: number): Promise<EquityPoint> {
  const [account] = await sql<{ cash: Amount; held: Record<string, HeldValue> }[]>`
    select coalesce((select sum(l.amount) from public.cash_ledger as l where l.mode = 'paper'), 0)::text as cash,
      coalesce((
        select jsonb_object_agg(p.symbol, jsonb_build_object('qty', p.qty::text, 'bid', q.bid::text, 'ask', q.ask::text))
        from public.positions as p left join public.quotes as q on q.symbol = p.symbol
        where p.mode = 'paper' and p.qty > 0
      ), '{}') as held`;
  const { cash, held } = account ?? { cash: "0", held: {} };
  const value = Object.entries(held).reduce((sum, [symbol, { qty, bid, ask }]) => {
    if (bid === null || ask === null)
      throw new Error(`${symbol} is held but has no price at ${new Date(atMs).toISOString()}`);
    return sum.plus(decimal(qty).times(midPrice({ bid, ask })));
  }, ZERO);
  return { atMs, cash, holdings: toAmount(value) };
}

/** Reads what a finished run has booked: fills, counts, realized profit and everything that is amiss. */
export async function readBooks(
  sql: Sql,
  broker: Broker,
): Promise<Omit<BacktestFacts, "fromMs" | "toMs" | "equity" | "gaps">> {
  const [start] = await sql<{ amount: Amount }[]>`
    select coalesce(sum(l.amount), 0)::text as amount from public.cash_ledger as l where l.mode = 'paper' and l.kind not in ('fill', 'fee')`;
  const [realized] = await sql<{ pnl: Amount }[]>`
    select coalesce(sum(c.realized_pnl), 0)::text as pnl from public.lot_closures as c where c.mode = 'paper'`;
  return {
    startingCash: start?.amount ?? "0",
    realizedPnl: realized?.pnl ?? "0",
    fills: await readFills(sql),
    intents: counted(
      await sql<
        Count[]
      >`select i.status as name, count(*)::integer from public.order_intents as i group by 1 order by 1`,
    ),
    denials: counted(
      await sql<Count[]>`
        select i.denial_code as name, sum(greatest(i.denial_count, 1))::integer as count
        from public.order_intents as i where i.status = 'denied' group by 1 order by 1`,
    ),
    orders: counted(
      await sql<
        Count[]
      >`select o.status as name, count(*)::integer from public.crypto_orders as o group by 1 order by 1`,
    ),
    ticks: counted(
      await sql<
        Count[]
      >`select r.name || ' ' || r.outcome as name, count(*)::integer from public.tick_runs as r group by 1 order by 1`,
    ),
    problems: [...(await failedTicks(sql)), ...(await brokenInvariants(sql)), ...(await differences(sql, broker))],
  };
}

async function readFills(sql: Sql): Promise<BacktestFill[]> {
  const rows = await sql<(Omit<BacktestFill, "atMs"> & { at: Date })[]>`
    select f.symbol, f.side, f.qty::text, f.price::text, f.fee::text, f.executed_at as at
    from public.crypto_fills as f where f.mode = 'paper' order by f.seq`;
  return rows.map(({ at, ...fill }) => ({ ...fill, atMs: at.getTime() }));
}

async function failedTicks(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string; error: string | null; count: number }[]>`
    select r.name, r.error, count(*)::integer from public.tick_runs as r where r.outcome = 'error' group by 1, 2 order by 3 desc`;
  return rows.map(({ name, error, count }) => `${name} failed ${count} times: ${error ?? "no reason given"}`);
}

async function brokenInvariants(sql: Sql): Promise<string[]> {
  const [broken] = await sql<{ count: number }[]>`select private.check_invariants() as count`;
  return broken === undefined || broken.count === 0 ? [] : [`${broken.count} invariants of the book are broken`];
}

/** The exchange keeps its own books: cash and holdings of both sides must be the same to the last digit. */
async function differences(sql: Sql, broker: Broker): Promise<string[]> {
  const [cash, holdings] = [await broker.balances(), await broker.holdings()];
  if (!cash.ok || !holdings.ok) return ["the paper exchange does not tell its balances"];
  const [ours] = await sql<{ cash: Amount }[]>`select a.cash::text from public.accounts as a where a.mode = 'paper'`;
  const held = await sql<{ symbol: string; qty: Amount }[]>`
    select p.symbol, p.qty::text from public.positions as p where p.mode = 'paper' and p.qty > 0`;
  const theirs: Record<string, Amount> = { USD: cash.value.cash, ...holdings.value.quantities };
  const mine: Record<string, Amount> = {
    USD: ours?.cash ?? "0",
    ...Object.fromEntries(held.map(({ symbol, qty }) => [symbol, qty])),
  };
  return [...new Set([...Object.keys(theirs), ...Object.keys(mine)])]
    .filter((name) => !decimal(theirs[name] ?? "0").eq(decimal(mine[name] ?? "0")))
    .map((name) => `${name}: the exchange holds ${theirs[name] ?? "0"}, the engine's books ${mine[name] ?? "0"}`);
}

function counted(rows: readonly Count[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}
