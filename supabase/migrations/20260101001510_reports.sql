-- What the broker says, folded into orders: definite answers move an order, the rest only its next look.

alter table public.crypto_orders add column reported_at timestamptz, add column not_found_at timestamptz;
comment on column public.crypto_orders.reported_at is 'When the newest folded report was observed; an older one can''t contradict it.';
comment on column public.crypto_orders.not_found_at is 'When the last counted "not found" was observed; the same observation counts once.';

create type private.broker_report as (
  order_id uuid, kind text, state text, filled_qty numeric, average_price numeric, fee numeric, broker_order_id text,
  fills jsonb, reason text, observed_at timestamptz, lease_token bigint, replacement_price numeric, problem text
);
create type private.report_booking as (filled_qty numeric, average_price numeric, fee numeric, excess numeric, problem text);

create function private.back_off(p_attempts integer, p_first_seconds integer, p_longest_seconds integer) returns interval
language plpgsql immutable set search_path = ''
as $$
begin
  return pg_catalog.make_interval(secs => least(p_first_seconds * 2 ^ least(greatest(p_attempts, 0), 12), p_longest_seconds));
end
$$;
comment on function private.back_off is 'How long to wait after p_attempts attempts: doubles from the first to the longest.';
alter function private.back_off owner to zoe_engine;

create function private.parse_report(p_report jsonb) returns private.broker_report
language plpgsql stable set search_path = ''
as $$
declare
  r private.broker_report;
begin
  r.order_id := case when pg_catalog.pg_input_is_valid(p_report ->> 'order_id', 'uuid') then (p_report ->> 'order_id')::uuid end;
  r.kind := p_report ->> 'kind';
  r.state := p_report ->> 'state';
  r.reason := pg_catalog.left(p_report ->> 'reason', 500);
  r.broker_order_id := p_report ->> 'broker_order_id';
  r.fills := case when pg_catalog.jsonb_typeof(p_report -> 'fills') = 'array' then p_report -> 'fills' else '[]' end;
  r.filled_qty := private.read_amount(p_report, 'filled_qty');
  r.average_price := private.read_amount(p_report, 'average_price');
  r.fee := private.read_amount(p_report, 'fee');
  r.replacement_price := private.read_amount(p_report, 'replacement_price');
  r.observed_at := coalesce((p_report ->> 'observed_at')::timestamptz, private.clock());
  r.lease_token := (p_report ->> 'lease_token')::bigint;
  r.problem := case
    when r.kind is null or r.kind not in ('report', 'refused', 'cancel_refused', 'cancel_requested', 'not_found', 'unavailable', 'throttled')
      then pg_catalog.format('kind is %s', coalesce(r.kind, 'missing'))
    when r.kind = 'report' and coalesce(r.state, '') not in ('working', 'partially_filled', 'filled', 'canceled', 'expired', 'rejected')
      then pg_catalog.format('state is %s', coalesce(r.state, 'missing'))
    when r.filled_qty < 0 then pg_catalog.format('filled_qty is %s', r.filled_qty)
    when r.average_price <= 0 and r.filled_qty > 0 then pg_catalog.format('average_price is %s', r.average_price)
    when exists (
      select from pg_catalog.jsonb_array_elements(r.fills) as f
      where coalesce(f ->> 'fill_id', '') = '' or private.positive_or_null(f ->> 'qty') is null
        or private.positive_or_null(f ->> 'price') is null
        or private.read_amount(f, 'fee') is null and f ->> 'fee' is not null
        or not coalesce(pg_catalog.pg_input_is_valid(f ->> 'executed_at', 'timestamptz'), true)
    ) then 'a fill has no id, no positive quantity or price, or no readable time'
  end;
  return r;
exception
  when data_exception or sqlstate 'PT400' then
    r.problem := coalesce(sqlerrm, 'unreadable');
    return r;
end
$$;
comment on function private.parse_report is 'Reads a report from the wire; problem says what is wrong with it. Never raises: one bad report must not hold up the others.';
alter function private.parse_report owner to zoe_engine;

create function private.note_order(p_order public.crypto_orders, p_type text, p_reason text, p_metadata jsonb default '{}') returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.order_events (
    order_id, intent_group_id, mode, symbol, event_type, from_status, to_status, price, qty, filled_qty, remaining_qty,
    reason, actor, trace_id, metadata, ts
  )
  values (
    p_order.id, p_order.intent_group_id, p_order.mode, p_order.symbol, p_type, p_order.status, p_order.status, p_order.limit_price,
    p_order.qty, p_order.filled_qty, greatest(p_order.qty - p_order.filled_qty, 0), p_reason, private.actor(),
    private.trace_id(), p_metadata, private.clock()
  );
end
$$;
comment on function private.note_order is 'Writes an event that is no transition: something learned about the order that a person may have to judge.';
alter function private.note_order owner to zoe_engine;

create function private.flag_order(p_order public.crypto_orders, p_kind text, p_reason text, p_evidence jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.note_order(p_order, p_kind, p_reason, p_evidence);
  perform private.open_alert(
    p_kind, p_order.id::text, p_order.mode,
    case when p_kind = 'late_fill' then 'warning' else 'critical' end,
    case p_kind
      when 'overfill' then 'More was filled than was ordered or held'
      when 'late_fill' then 'A fill arrived after its order was closed'
      when 'back_from_absent' then 'An order that was proven absent is alive at the broker'
      else 'The broker''s reports contradict each other'
    end,
    pg_catalog.format('%s %s %s %s: %s', p_order.symbol, p_order.side, p_order.purpose, p_order.id, p_reason),
    case p_kind
      when 'late_fill' then 'Nothing, if position and cash agree with the broker. Acknowledge when seen.'
      else 'Compare the order''s timeline with the broker''s own record, then acknowledge.'
    end,
    p_evidence
  );
end
$$;
comment on function private.flag_order is 'Records what is odd about an order as an event and an alert keyed by the order.';
alter function private.flag_order owner to zoe_engine;

create function private.book_report(p_order public.crypto_orders, p_report private.broker_report) returns private.report_booking
language plpgsql security definer set search_path = ''
as $$
declare
  b private.report_booking;
  v_fill record;
  v_booked record;
  v_new_qty numeric;
  v_new_fee numeric;
  v_has_fees boolean;
  v_total numeric;
  v_rest numeric;
  v_rest_fee numeric;
  v_price numeric;
  v_is_late boolean := p_order.status in ('filled', 'canceled', 'expired', 'rejected');
begin
  select pg_catalog.trim_scale(coalesce(pg_catalog.sum(f.qty), 0)) as qty, coalesce(pg_catalog.sum(f.qty * f.price), 0) as notional,
    coalesce(pg_catalog.sum(f.fee), 0) as fee,
    coalesce(pg_catalog.sum(f.qty) filter (where not pg_catalog.starts_with(f.fill_id, p_order.id::text || ':')), 0) as named_qty
  into v_booked
  from public.crypto_fills as f where f.order_id = p_order.id;
  b := row(p_order.filled_qty, p_order.average_price, p_order.fee, 0, null);
  select coalesce(pg_catalog.sum(f.qty) filter (where f.is_new), 0), coalesce(pg_catalog.sum(f.fee) filter (where f.is_new), 0),
    coalesce(pg_catalog.bool_and(f.fee is not null) filter (where f.is_new), false),
    pg_catalog.min('fill ' || f.fill_id || ' is booked with another quantity or price, or on another order') filter (where f.is_odd)
  into v_new_qty, v_new_fee, v_has_fees, b.problem
  from private.reported_fills(p_order, p_report.fills) as f;
  v_total := greatest(v_booked.qty, coalesce(p_report.filled_qty, 0), v_booked.named_qty + v_new_qty);
  v_rest := v_total - v_booked.qty;
  if v_rest = 0 then
    b.problem := coalesce(b.problem, private.figures_problem(p_order, p_report, v_booked.notional, v_booked.fee));
    return b;
  end if;
  -- Fills without an id may already stand for the ones named now: then only the difference is booked.
  if v_new_qty <= v_rest then
    v_rest := v_rest - v_new_qty;
  else
    v_new_qty := 0;
    v_new_fee := 0;
  end if;
  if v_rest > 0 then
    v_price := pg_catalog.round((p_report.average_price * p_report.filled_qty - v_booked.notional
      - (select coalesce(pg_catalog.sum(f.qty * f.price), 0) from private.reported_fills(p_order, p_report.fills) as f where f.is_new and v_new_qty > 0)
    ) / v_rest, 10);
    if v_price is null or v_price <= 0 then
      b.problem := pg_catalog.format('filled_qty %s with average price %s cannot follow %s filled for %s',
        p_report.filled_qty, coalesce(p_report.average_price::text, 'unknown'), v_booked.qty, v_booked.notional);
      return b;
    end if;
  end if;
  v_rest_fee := case
    when (v_rest > 0 or not v_has_fees) and p_report.filled_qty = v_total then coalesce(p_report.fee, 0) - v_booked.fee - v_new_fee
    else 0
  end;
  if v_new_qty > 0 then
    for v_fill in
      select f.*, pg_catalog.row_number() over (order by f.executed_at desc, f.fill_id desc) = 1 as is_last
      from private.reported_fills(p_order, p_report.fills) as f where f.is_new
      order by f.executed_at, f.fill_id
    loop
      b.excess := b.excess + coalesce(private.book_fill(
        p_order, v_fill.fill_id, v_fill.qty, v_fill.price,
        coalesce(v_fill.fee, 0) + case when v_fill.is_last and v_rest = 0 then v_rest_fee else 0 end,
        coalesce(v_fill.executed_at, p_report.observed_at), v_is_late
      ), 0);
    end loop;
  end if;
  if v_rest > 0 then
    b.excess := b.excess + coalesce(private.book_fill(
      p_order, p_order.id || ':' || pg_catalog.trim_scale(v_total), v_rest, v_price, v_rest_fee, p_report.observed_at, v_is_late
    ), 0);
  end if;
  select pg_catalog.trim_scale(pg_catalog.sum(f.qty)),
    pg_catalog.trim_scale(pg_catalog.round(pg_catalog.sum(f.qty * f.price) / pg_catalog.sum(f.qty), 10)),
    pg_catalog.trim_scale(pg_catalog.sum(f.fee))
  into b.filled_qty, b.average_price, b.fee
  from public.crypto_fills as f where f.order_id = p_order.id;
  return b;
end
$$;
comment on function private.book_report is
  'Books what a report adds to what is booked. Figures are cumulative and only grow; fills with ids are booked once; the rest is one fill named by its cumulative quantity.';
alter function private.book_report owner to zoe_engine;

create function private.reported_fills(p_order public.crypto_orders, p_fills jsonb)
returns table (fill_id text, qty numeric, price numeric, fee numeric, executed_at timestamptz, is_new boolean, is_odd boolean)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select distinct on (f.fill_id) f.fill_id, f.qty, f.price, f.fee, f.executed_at, k.id is null,
      k.id is not null and (k.order_id <> p_order.id or k.qty <> f.qty or k.price <> f.price)
    from pg_catalog.jsonb_to_recordset(p_fills) as f (fill_id text, qty numeric, price numeric, fee numeric, executed_at timestamptz)
    left join public.crypto_fills as k on k.mode = p_order.mode and k.fill_id = f.fill_id
    order by f.fill_id, f.executed_at;
end
$$;
comment on function private.reported_fills is 'The fills of a report. is_new: not booked yet. is_odd: booked as something else.';
alter function private.reported_fills owner to zoe_engine;

create function private.figures_problem(p_order public.crypto_orders, p_report private.broker_report, p_notional numeric, p_fee numeric) returns text
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
