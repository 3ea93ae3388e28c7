-- What a report adds to what is booked: fills by their ids, the rest from the cumulative figures.

create type private.report_booking as (filled_qty numeric, average_price numeric, fee numeric, excess numeric, problem text);
comment on type private.report_booking is 'An order''s figures after a report; excess: what was sold beyond what is held; problem: what can''t be right.';

create function private.reported_fills(p_order public.crypto_orders, p_fills jsonb)
returns table (fill_id text, qty numeric, price numeric, fee numeric, executed_at timestamptz, is_new boolean, is_odd boolean)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select distinct on (f.fill_id) f.fill_id, f.qty, f.price, f.fee, f.executed_at, k.fill_id is null,
      k.fill_id is not null and (k.order_id <> p_order.id or k.qty <> f.qty or k.price <> f.price)
    from pg_catalog.jsonb_to_recordset(p_fills) as f (fill_id text, qty numeric, price numeric, fee numeric, executed_at timestamptz)
    left join private.executions as k on k.mode = p_order.mode and k.symbol = p_order.symbol and k.fill_id = f.fill_id
    order by f.fill_id, f.executed_at;
end
$$;
comment on function private.reported_fills is 'The fills of a report. is_new: not booked yet. is_odd: booked as something else.';
alter function private.reported_fills owner to zoe_engine;

create function private.figures_problem(
  p_order public.crypto_orders, p_report private.broker_report, p_notional numeric, p_fee numeric
) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case
    when p_report.filled_qty is distinct from p_order.filled_qty or p_report.filled_qty = 0 then null
    when pg_catalog.abs(p_report.average_price * p_report.filled_qty - p_notional) > p_notional * 0.000001
      then pg_catalog.format('average price %s for the same quantity that is booked at %s', p_report.average_price, p_order.average_price)
    when pg_catalog.abs(p_report.fee - p_fee) > 0.0001
      then pg_catalog.format('fee %s for the same quantity that is booked with fee %s', p_report.fee, p_fee)
  end;
end
$$;
comment on function private.figures_problem is 'What contradicts the books in a report of the same cumulative quantity; rounding at the broker is let through.';
alter function private.figures_problem owner to zoe_engine;

create function private.booked_of(p_order_id uuid, out qty numeric, out notional numeric, out fee numeric, out named_qty numeric)
language plpgsql stable security definer set search_path = ''
as $$
begin
  select pg_catalog.trim_scale(coalesce(pg_catalog.sum(f.qty), 0)), coalesce(pg_catalog.sum(f.qty * f.price), 0),
    pg_catalog.trim_scale(coalesce(pg_catalog.sum(f.fee), 0)),
    coalesce(pg_catalog.sum(f.qty) filter (where not pg_catalog.starts_with(f.fill_id, p_order_id::text || ':')), 0)
  into qty, notional, fee, named_qty
  from public.crypto_fills as f where f.order_id = p_order_id;
end
$$;
comment on function private.booked_of is 'What is booked of an order; named_qty leaves out the fills that cumulative figures made.';
alter function private.booked_of owner to zoe_engine;

create function private.new_fills_of(
  p_order public.crypto_orders, p_fills jsonb,
  out qty numeric, out notional numeric, out fee numeric, out has_fees boolean, out problem text
)
language plpgsql stable security definer set search_path = ''
as $$
begin
  select coalesce(pg_catalog.sum(f.qty) filter (where f.is_new), 0), coalesce(pg_catalog.sum(f.qty * f.price) filter (where f.is_new), 0),
    coalesce(pg_catalog.sum(f.fee) filter (where f.is_new), 0),
    coalesce(pg_catalog.bool_and(f.fee is not null) filter (where f.is_new), false),
    pg_catalog.min('fill ' || f.fill_id || ' is booked with another quantity or price, or on another order') filter (where f.is_odd)
  into qty, notional, fee, has_fees, problem
  from private.reported_fills(p_order, p_fills) as f;
end
$$;
comment on function private.new_fills_of is 'The fills of a report that are not booked yet, added up; problem names one that is booked as something else.';
alter function private.new_fills_of owner to zoe_engine;

create function private.book_named_fills(p_order public.crypto_orders, p_report private.broker_report, p_fee_left numeric) returns numeric
language plpgsql security definer set search_path = ''
as $$
declare
  v_fill record;
  v_excess numeric := 0;
begin
  for v_fill in
    select f.*, pg_catalog.row_number() over (order by f.executed_at desc, f.fill_id desc) = 1 as is_last
    from private.reported_fills(p_order, p_report.fills) as f
    where f.is_new
    order by f.executed_at, f.fill_id
  loop
    v_excess := v_excess + coalesce(private.book_fill(
      p_order, v_fill.fill_id, v_fill.qty, v_fill.price, coalesce(v_fill.fee, 0) + case when v_fill.is_last then p_fee_left else 0 end,
      coalesce(v_fill.executed_at, p_report.observed_at), private.phase(p_order.status) = 'closed'
    ), 0);
  end loop;
  return v_excess;
end
$$;
comment on function private.book_named_fills is
  'Books the fills a report names, in the order of their execution; the last takes what is left of the cumulative fee. Returns what was sold beyond what is held.';
alter function private.book_named_fills owner to zoe_engine;

create function private.book_report(p_order public.crypto_orders, p_report private.broker_report) returns private.report_booking
language plpgsql security definer set search_path = ''
as $$
declare
  b private.report_booking := row(p_order.filled_qty, p_order.average_price, p_order.fee, 0, null);
  v_booked record;
  v_new record;
  v_total numeric;
  v_rest numeric;
  v_price numeric;
  v_fee_left numeric;
begin
  select * into v_booked from private.booked_of(p_order.id);
  select * into v_new from private.new_fills_of(p_order, p_report.fills);
  v_total := greatest(v_booked.qty, coalesce(p_report.filled_qty, 0), v_booked.named_qty + v_new.qty);
  if v_total = v_booked.qty then
    b.problem := coalesce(v_new.problem, private.figures_problem(p_order, p_report, v_booked.notional, v_booked.fee));
    return b;
  end if;
  -- Fills without an id may already stand for the ones named now: then only the difference is booked.
  if v_new.qty > v_total - v_booked.qty then
    select 0::numeric as qty, 0::numeric as notional, 0::numeric as fee, false as has_fees, v_new.problem into v_new;
  end if;
  v_rest := v_total - v_booked.qty - v_new.qty;
  v_price := case when v_rest > 0 then
    pg_catalog.round((p_report.average_price * p_report.filled_qty - v_booked.notional - v_new.notional) / v_rest, 10)
  end;
  if v_rest > 0 and (v_price > 0) is not true then
    b.problem := pg_catalog.format('filled_qty %s with average price %s cannot follow %s filled for %s',
      p_report.filled_qty, coalesce(p_report.average_price::text, 'unknown'), v_booked.qty, pg_catalog.trim_scale(v_booked.notional));
    return b;
  end if;
  v_fee_left := case
    when (v_rest > 0 or not v_new.has_fees) and p_report.filled_qty = v_total then coalesce(p_report.fee, 0) - v_booked.fee - v_new.fee
    else 0
  end;
  if v_new.qty > 0 then
    b.excess := private.book_named_fills(p_order, p_report, case when v_rest = 0 then v_fee_left else 0 end);
  end if;
  if v_rest > 0 then
    b.excess := b.excess + coalesce(private.book_fill(
      p_order, p_order.id || ':' || pg_catalog.trim_scale(v_total), v_rest, v_price, v_fee_left, p_report.observed_at,
      private.phase(p_order.status) = 'closed'
    ), 0);
  end if;
  select * into v_booked from private.booked_of(p_order.id);
  b.filled_qty := v_booked.qty;
  b.average_price := pg_catalog.trim_scale(pg_catalog.round(v_booked.notional / v_booked.qty, 10));
  b.fee := v_booked.fee;
  b.problem := v_new.problem;
  return b;
end
$$;
comment on function private.book_report is
  'Books what a report adds to what is booked. Figures are cumulative and only grow; fills with ids are booked once; the rest is one fill named by its cumulative quantity.';
alter function private.book_report owner to zoe_engine;
