import type postgres from "postgres";

/** What the exchange knows of orders, by client order id. */
export interface ExchangeSide {
  readonly all: readonly string[];
  readonly open: readonly string[];
  /** Looked up and not found at least three times over at least thirty seconds. */
  readonly provenAbsent: readonly string[];
}

/**
 * Returns a sentence for each thing that may at no moment be true of the book. One statement, since it is asked after
 * every step. Limits excuse what came after its budget had been given back: late fills, and orders back from absence.
 */
export const alwaysQuery = (sql: postgres.Sql, { all, open, provenAbsent }: ExchangeSide) => sql<{ problem: string }[]>`
  with live as (
    select o.* from public.crypto_orders as o
    where o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  ), excused as (
    select o.id, o.intent_group_id, case
      when exists (select from public.order_events as e where e.order_id = o.id and e.event_type = 'back_from_absent')
        then o.qty * o.limit_price
      else (select sum(f.qty * f.price) from public.crypto_fills as f where f.order_id = o.id and f.late)
    end as notional, case
      when exists (select from public.crypto_fills as f where f.order_id = o.id and f.revision > 0 and f.qty > 0)
        or exists (select from public.alerts as a where a.key = o.id::text and a.kind = 'odd_report')
        then o.qty * o.limit_price * 0.05
      else 0
    end as dearer
    from public.crypto_orders as o where o.purpose = 'entry'
  )
  select 'the exchange has an order that the database does not own: ' || x as problem
  from unnest(${all as string[]}::uuid[]) as x where not exists (select from public.crypto_orders as o where o.id = x)
  union all
  select 'order ' || o.id || ' is ' || o.status || ' though it is open at the exchange'
  from unnest(${open as string[]}::uuid[]) as x join public.crypto_orders as o on o.id = x
  where o.status in ('new', 'filled', 'canceled', 'expired', 'rejected') and o.id <> all (${provenAbsent as string[]}::uuid[])
  union all
  select 'order ' || o.id || ' was given up as absent without proof' from public.crypto_orders as o
  where o.reject_reason = 'never_reached_broker' and o.id <> all (${provenAbsent as string[]}::uuid[])
  union all
  select 'a limit was exceeded: day ' || (a.day_notional + l.notional) || ' of ' || private.knob_number('MAX_DAILY_NOTIONAL')
  from public.accounts as a,
    (select coalesce(sum(o.remaining_qty * o.limit_price), 0) as notional from live as o where o.purpose = 'entry') as l,
    (select coalesce(sum(x.notional), 0) + coalesce(sum(x.dearer), 0) as notional from excused as x) as x
  where a.mode = 'paper' and a.day = (private.clock() at time zone 'utc')::date
    and a.day_notional + l.notional > private.knob_number('MAX_DAILY_NOTIONAL') + x.notional
  union all
  select 'a limit was exceeded: trade ' || o.intent_group_id || ' of ' || o.notional
  from (
    select o.intent_group_id, sum(o.filled_qty * coalesce(o.average_price, 0)) + coalesce(sum(l.remaining_qty * l.limit_price), 0) as notional,
      coalesce(sum(x.notional), 0) + coalesce(sum(x.dearer), 0) as late
    from public.crypto_orders as o left join live as l using (id) left join excused as x using (id)
    where o.purpose = 'entry' group by o.intent_group_id
  ) as o
  where o.notional > 25.000001 + o.late
  union all
  select 'a limit was exceeded: positions ' || count(*) from (
    select p.symbol from public.positions as p where p.qty > 0 and not private.dust(p.mode, p.symbol, p.qty / 1.2)
    union
    select o.symbol from live as o where o.purpose = 'entry'
  ) as held having count(*) > 3 + (select count(x.notional) from excused as x) + (
    -- A sale that was taken back holds again what had been sold.
    select count(distinct f.symbol) from public.crypto_fills as f where f.side = 'sell' and f.qty < 0
  )
  union all
  select 'more was sold than was wanted: intent ' || i.id || ' ' || sum(o.filled_qty) || ' of ' || i.target_qty
  from public.order_intents as i join public.crypto_orders as o on o.intent_group_id = i.id
  where i.purpose <> 'entry' and not exists (
    select from public.order_events as e where e.intent_group_id = i.id and e.event_type in ('late_fill', 'back_from_absent')
  )
  group by i.id having sum(o.filled_qty) > i.target_qty
  union all
  select 'an entry was claimed for sending under the kill switch: ' || o.id
  from public.crypto_orders as o, public.config as c
  where c.key = 'kill_switch' and c.value = 'true' and o.purpose = 'entry' and o.submitted_at > c.updated_at
  union all
  select 'the books do not add up: cash ' || a.cash || ' is not the ledger''s ' || coalesce(l.sum, 0)
  from public.accounts as a left join (select mode, sum(amount) from public.cash_ledger group by mode) as l using (mode)
  where a.cash <> coalesce(l.sum, 0)
  union all
  select 'the books do not add up: ' || p.symbol || ' position ' || p.qty || ' is not the lots'' ' || coalesce(l.sum, 0)
  from public.positions as p
  left join (select mode, symbol, sum(remaining_qty) from public.position_lots group by mode, symbol) as l using (mode, symbol)
  where p.qty <> coalesce(l.sum, 0)
  union all
  select 'the books do not add up: order ' || o.id || ' filled ' || o.filled_qty || ' is not its fills'' ' || coalesce(f.sum, 0)
  from public.crypto_orders as o
  left join (select order_id, sum(qty) from public.crypto_fills group by order_id) as f on f.order_id = o.id
  where o.filled_qty <> coalesce(f.sum, 0)
  union all
  select 'nobody looks at order ' || o.id || ' (' || o.status || ') before ' || coalesce(o.next_action_at::text, 'ever')
  from public.crypto_orders as o
  where (o.unresolved or o.id in (select l.id from live as l)) and coalesce(o.next_action_at > private.clock() + make_interval(
    secs => case when o.status in ('submitted', 'cancel_pending') then 60 when o.closed_at is null then greatest(o.ttl_seconds, 60)
      when o.watch_until > private.clock() then 120 else 3600 end
  ), true)
  union all
  select 'order ' || o.id || ' is filled for ' || o.filled_qty || ' and still ' || o.status
  from public.crypto_orders as o where o.filled_qty >= o.qty and o.status <> 'filled'`;
