-- What a report adds to what is booked: fills by their ids, the rest from the cumulative figures, and a fee that was told late.

create type private.report_booking as (filled_qty numeric, average_price numeric, fee numeric, excess numeric, findings jsonb);
comment on type private.report_booking is
  'An order''s figures after a report; excess: what was sold beyond what is held; findings: what is odd, a sentence by kind (private.treatment_of).';

create function private.booked_of(
  p_order_id uuid, out qty numeric, out notional numeric, out fee numeric, out fee_in_coins numeric, out named_qty numeric
)
language plpgsql stable security definer set search_path = ''
as $$
begin
  select pg_catalog.trim_scale(coalesce(pg_catalog.sum(f.qty), 0)), coalesce(pg_catalog.sum(f.qty * f.price), 0),
    pg_catalog.trim_scale(coalesce(pg_catalog.sum(f.fee), 0)),
    coalesce(pg_catalog.sum(case when f.fee_qty <> 0 then f.fee_qty else f.fee / f.price end), 0),
    coalesce(pg_catalog.sum(f.qty) filter (where not pg_catalog.starts_with(f.fill_id, p_order_id::text || ':')), 0)
  into qty, notional, fee, fee_in_coins, named_qty
  from public.crypto_fills as f where f.order_id = p_order_id;
end
$$;
comment on function private.booked_of is
  'What is booked of an order, its fee both in USD and in coins, whatever it was taken in; named_qty leaves out the fills that cumulative figures made.';
alter function private.booked_of owner to zoe_engine;

create function private.fee_in(p_currency text, p_fee numeric, p_of text, p_price numeric) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return case when p_currency = p_of then p_fee when p_currency = 'USD' then p_fee * p_price else p_fee / p_price end;
end
$$;
comment on function private.fee_in is 'A fee that is in USD or in the coin, said in the other of the two at the price of its execution.';
alter function private.fee_in owner to zoe_engine;

create function private.list_of(
  p_order public.crypto_orders, p_report private.broker_report, p_room numeric,
  out qty numeric, out fee numeric, out new_qty numeric, out new_notional numeric, out new_fee numeric, out has_fees boolean, out findings jsonb
)
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_currency text := private.fee_currency_of(p_report);
begin
  select coalesce(pg_catalog.sum(f.qty), 0), coalesce(pg_catalog.sum(e.fee), 0),
    coalesce(pg_catalog.sum(f.qty) filter (where f.is_new), 0), coalesce(pg_catalog.sum(f.qty * f.price) filter (where f.is_new), 0),
    coalesce(pg_catalog.sum(e.fee) filter (where f.is_new), 0), coalesce(pg_catalog.bool_and(f.fee is not null), false),
    pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
      'fill_contradicts', pg_catalog.min(pg_catalog.format('fill %s %s', f.fill_id, f.oddity)) filter (where f.oddity is not null),
      'worse_than_limit', pg_catalog.min(pg_catalog.format('fill %s at %s, the limit is %s', f.fill_id, f.price, p_order.limit_price)) filter (
        where f.is_new and private.beyond_limit(p_order.side, p_order.limit_price, f.price)),
      'time_implausible', pg_catalog.min(pg_catalog.format('fill %s is dated %s; booked as of %s', f.fill_id, private.iso(f.told_at),
        private.iso(f.executed_at))) filter (
        where f.is_new and f.told_at not between f.executed_at - private.clock_leeway() and f.executed_at + private.clock_leeway())
    ))
  into qty, fee, new_qty, new_notional, new_fee, has_fees, findings
  from private.reported_fills(p_order, p_report, p_room) as f,
    lateral (select private.fee_in(v_currency, f.fee, f.fee_currency, f.price) as fee) as e;
end
$$;
comment on function private.list_of is 'The list of a report, added up: all of it, what of it is not booked yet, its fees in the report''s currency, whether each has one, and what is odd.';
alter function private.list_of owner to zoe_engine;

create function private.book_named_fills(
  p_order public.crypto_orders, p_report private.broker_report, p_room numeric, p_fee_left numeric
) returns numeric
language plpgsql security definer set search_path = ''
as $$
declare
  v_fill record;
  v_fee numeric;
  v_excess numeric := 0;
begin
  for v_fill in
    select f.*, pg_catalog.row_number() over (order by f.executed_at desc, f.fill_id desc) = 1 as is_last
    from private.reported_fills(p_order, p_report, p_room) as f
    where f.is_new
    order by f.executed_at, f.fill_id
  loop
    v_fee := coalesce(v_fill.fee, 0) + case
      when v_fill.is_last then private.fee_in(v_fill.fee_currency, p_fee_left, private.fee_currency_of(p_report), v_fill.price) else 0
    end;
    v_excess := v_excess + coalesce(private.book_fill(
      p_order, v_fill.fill_id, v_fill.qty, v_fill.price, private.fee_in('USD', v_fee, v_fill.fee_currency, v_fill.price),
      v_fill.executed_at, private.phase(p_order.status) = 'closed', case v_fill.fee_currency when 'USD' then 0 else v_fee end
    ), 0);
  end loop;
  return v_excess;
end
$$;
comment on function private.book_named_fills is
  'Books the fills a report names, in the order of their execution; the last takes what is left of the cumulative fee. Returns what was sold beyond what is held.';
alter function private.book_named_fills owner to zoe_engine;

create function private.book_rest(
  p_order public.crypto_orders, p_report private.broker_report, p_total numeric, p_qty numeric, p_price numeric, p_fee numeric
) returns numeric
language plpgsql security definer set search_path = ''
as $$
declare
  v_name text := p_order.id || ':' || pg_catalog.trim_scale(p_total);
  v_currency text := private.fee_currency_of(p_report);
  -- Coins that are more than this rest: the fee of what came before, which is told now.
  v_fee numeric := case when v_currency <> 'USD' and p_fee >= p_qty then 0 else p_fee end;
  -- What a correction took back keeps its name.
  v_times bigint := (
    select pg_catalog.count(*) from public.crypto_fills as f
    where f.order_id = p_order.id and f.revision = 0 and (f.fill_id = v_name or pg_catalog.starts_with(f.fill_id, v_name || ':'))
  );
begin
  return coalesce(private.book_fill(
    p_order, v_name || case when v_times > 0 then ':' || v_times + 1 else '' end, p_qty, p_price,
    private.fee_in('USD', v_fee, v_currency, p_price),
    greatest(least(p_report.observed_at, private.clock()), p_order.requested_at), private.phase(p_order.status) = 'closed',
    case v_currency when 'USD' then 0 else v_fee end
  ), 0);
end
$$;
comment on function private.book_rest is 'Books what no list names as one fill, named by the order and its cumulative quantity. Returns what was sold beyond what is held.';
alter function private.book_rest owner to zoe_engine;
