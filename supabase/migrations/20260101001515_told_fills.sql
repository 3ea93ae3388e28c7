-- The executions a report lists, beside those that are booked: each is booked once, whatever it is called.

create function private.fee_currency_of(p_report private.broker_report) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return coalesce(p_report.fee_currency, (
    select case when pg_catalog.count(distinct c.code) = 1 then pg_catalog.min(c.code) end
    from pg_catalog.jsonb_array_elements(p_report.fills) as f,
      lateral (select pg_catalog.upper(pg_catalog.btrim(f.value ->> 'fee_currency')) as code) as c
  ), 'USD');
end
$$;
comment on function private.fee_currency_of is 'What the cumulative fee of a report is in: as told, else what all of its fills say, else USD.';
alter function private.fee_currency_of owner to zoe_engine;

create function private.fee_problem(p_order public.crypto_orders, p_report private.broker_report) returns text
language plpgsql immutable set search_path = ''
as $$
declare
  v_coin text := private.base_currency(p_order.symbol);
begin
  return (
    select pg_catalog.min(case
      when a.code not in ('USD', v_coin) then pg_catalog.format('a fee of %s in %s; it must be in USD or %s', a.fee, a.code, v_coin)
      when a.code = v_coin and (a.fee < 0 or a.fee >= a.qty) then pg_catalog.format('a fee of %s %s for %s traded', a.fee, a.code, a.qty)
    end)
    from (
      select private.fee_currency_of(p_report) as code, p_report.fee as fee, p_report.filled_qty as qty
      union all
      select coalesce(pg_catalog.upper(pg_catalog.btrim(f.fee_currency)), private.fee_currency_of(p_report)), f.fee, f.qty
      from pg_catalog.jsonb_to_recordset(p_report.fills) as f (qty numeric, fee numeric, fee_currency text)
    ) as a
    where a.fee <> 0
  );
end
$$;
comment on function private.fee_problem is 'What is wrong with the currency of a report''s fees; null when nothing is. What a fee is worth in any other currency is never guessed.';
alter function private.fee_problem owner to zoe_engine;

create function private.booked_executions(p_order public.crypto_orders, p_report private.broker_report)
returns table (fill_id text, is_ours boolean, is_named boolean, qty numeric, price numeric, fee numeric, fee_qty numeric, executed_at timestamptz)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select k.fill_id, pg_catalog.bool_and(k.order_id = p_order.id), not pg_catalog.starts_with(k.fill_id, p_order.id::text || ':'),
      pg_catalog.sum(k.qty), pg_catalog.sum(k.qty * k.price) / nullif(pg_catalog.sum(k.qty), 0), pg_catalog.sum(k.fee),
      pg_catalog.sum(k.fee_qty), pg_catalog.min(k.executed_at)
    from public.crypto_fills as k
    where k.mode = p_order.mode and k.symbol = p_order.symbol and k.fill_id in (
      select f.fill_id from public.crypto_fills as f where f.order_id = p_order.id
      union select t.value ->> 'fill_id' from pg_catalog.jsonb_array_elements(p_report.fills) as t
    )
    group by k.fill_id;
end
$$;
comment on function private.booked_executions is
  'What is booked of an order, and under the ids that a report lists, an execution a row: its revisions added up. is_named: under the broker''s id.';
alter function private.booked_executions owner to zoe_engine;

create function private.listed_fills(p_order public.crypto_orders, p_report private.broker_report)
returns table (
  fill_id text, qty numeric, price numeric, fee numeric, fee_currency text, told_at timestamptz, executed_at timestamptz, is_twofold boolean
)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select f.fill_id, pg_catalog.min(f.qty), pg_catalog.min(f.price), pg_catalog.min(f.fee),
      coalesce(pg_catalog.min(pg_catalog.upper(pg_catalog.btrim(f.fee_currency))), private.fee_currency_of(p_report)),
      pg_catalog.min(f.executed_at),
      -- The order's request and our own clock bound it; what was said stays in the order's event.
      least(greatest(coalesce(pg_catalog.min(f.executed_at), p_report.observed_at), p_order.requested_at), private.clock()),
      (pg_catalog.min(f.qty), pg_catalog.min(f.price)) is distinct from (pg_catalog.max(f.qty), pg_catalog.max(f.price))
    from pg_catalog.jsonb_to_recordset(p_report.fills)
      as f (fill_id text, qty numeric, price numeric, fee numeric, fee_currency text, executed_at timestamptz)
    group by f.fill_id;
end
$$;
comment on function private.listed_fills is
  'The fills a report lists, each id once. executed_at is when it can have been. is_twofold: listed twice with different figures.';
alter function private.listed_fills owner to zoe_engine;

create function private.reported_fills(p_order public.crypto_orders, p_report private.broker_report, p_room numeric)
returns table (
  fill_id text, qty numeric, price numeric, fee numeric, fee_currency text, told_at timestamptz, executed_at timestamptz,
  is_new boolean, oddity text
)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    with booked as (select * from private.booked_executions(p_order, p_report)),
    listed as (
      select l.*, b.fill_id is not null as is_known, b.is_ours, b.qty as booked_qty, b.price as booked_price
      from private.listed_fills(p_order, p_report) as l left join booked as b using (fill_id)
    ),
    paired as (
      -- The same time, quantity and price under another id: as many of them are known as there are booked ones the report does not name.
      select l.*, not l.is_known and (
        select pg_catalog.count(*) from listed as e
        where not e.is_known and e.qty = l.qty and e.price = l.price and (e.executed_at, e.fill_id) <= (l.executed_at, l.fill_id)
          and e.executed_at >= l.executed_at - interval '1 second'
      ) <= (
        select pg_catalog.count(*) from booked as b
        where b.is_ours and b.is_named and b.qty = l.qty and b.price = l.price
          and b.fill_id not in (select n.fill_id from listed as n)
          and b.executed_at between l.executed_at - interval '1 second' and l.executed_at + interval '1 second'
      ) as is_alike
      from listed as l
    )
    select p.fill_id, p.qty, p.price, p.fee, p.fee_currency, p.told_at, p.executed_at,
      -- Two of the same are two where the cumulative quantity says so.
      not p.is_known and not p.is_twofold and (not p.is_alike or pg_catalog.sum(p.qty) filter (where not p.is_known) over (
        order by p.is_alike, p.executed_at, p.fill_id
      ) <= p_room),
      case
        when p.is_twofold then 'is listed twice with different figures'
        when p.is_known and not p.is_ours then 'is booked on another order'
        when pg_catalog.abs(p.booked_qty - p.qty) > p.qty * 0.000001 or pg_catalog.abs(p.booked_price - p.price) > p.price * 0.000001
          then pg_catalog.format('says %s for %s, and is booked with %s for %s', p.qty, p.price, pg_catalog.trim_scale(p.booked_qty),
            pg_catalog.trim_scale(pg_catalog.round(p.booked_price, 10)))
        when p.is_known and p.booked_qty = 0 then 'is booked as taken back'
      end
    from paired as p;
end
$$;
comment on function private.reported_fills is
  'The fills of a report. An execution is known by its id, or else by order, time, quantity and price, unless the room that the cumulative quantity leaves says that there were two. oddity: what contradicts the books.';
alter function private.reported_fills owner to zoe_engine;
