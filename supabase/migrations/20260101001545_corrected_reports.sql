-- Reports after a correction: the broker's machine may go on telling what was taken back; that is no news.

create function private.superseded_fills(p_order_id uuid)
returns table (fill_id text, qty numeric, price numeric, fee numeric, now_qty numeric, now_price numeric, now_fee numeric)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select k.fill_id, k.qty, k.price, k.fee, e.qty, e.price, e.fee
    from public.crypto_fills as k
    join private.executions as e on e.mode = k.mode and e.symbol = k.symbol and e.fill_id = k.fill_id and e.order_id = k.order_id
    where k.order_id = p_order_id and k.qty > 0 and exists (
      select from public.crypto_fills as r
      where r.mode = k.mode and r.symbol = k.symbol and r.fill_id = k.fill_id and r.revision > k.revision and r.qty < 0
    );
end
$$;
comment on function private.superseded_fills is 'An order''s executions as they were told before a correction, and as they are booked now.';
alter function private.superseded_fills owner to zoe_engine;

create function private.correct_listed_fills(p_order_id uuid, p_report private.broker_report) returns private.broker_report
language plpgsql stable security definer set search_path = ''
as $$
declare
  r private.broker_report := p_report;
  v_moved record;
  v_notional numeric := p_report.filled_qty * p_report.average_price;
begin
  select pg_catalog.count(s.fill_id) as count,
    coalesce(pg_catalog.jsonb_agg(case
      when s.fill_id is null then f.value
      else f.value - 'fee_currency' || pg_catalog.jsonb_build_object('qty', s.now_qty::text, 'price', s.now_price::text, 'fee', s.now_fee::text)
    end order by f.position) filter (where s.fill_id is null or s.now_qty > 0), '[]') as fills,
    coalesce(pg_catalog.sum(s.qty - s.now_qty), 0) as qty, coalesce(pg_catalog.sum(s.qty * s.price - s.now_qty * s.now_price), 0) as notional,
    coalesce(pg_catalog.sum(s.fee - s.now_fee), 0) as fee
  into v_moved
  from pg_catalog.jsonb_array_elements(r.fills) with ordinality as f (value, position)
  left join lateral (
    select * from private.superseded_fills(p_order_id) as k
    where k.fill_id = f.value ->> 'fill_id' and k.qty = (f.value ->> 'qty')::numeric and k.price = (f.value ->> 'price')::numeric
      and ((k.qty, k.price) <> (k.now_qty, k.now_price) or (f.value ->> 'fee')::numeric is not distinct from k.fee)
    limit 1
  ) as s on true;
  if v_moved.count = 0 then return r; end if;
  r.fills := v_moved.fills;
  r.filled_qty := r.filled_qty - v_moved.qty;
  r.average_price := case when r.filled_qty > 0 then (v_notional - v_moved.notional) / r.filled_qty end;
  r.fee := r.fee - v_moved.fee;
  r.is_outdated := true;
  return r;
end
$$;
comment on function private.correct_listed_fills is 'Reads executions that a report names as they were before a correction as they are booked now, and its cumulative figures with them.';
alter function private.correct_listed_fills owner to zoe_engine;

create function private.tells_superseded_figures(o public.crypto_orders, r private.broker_report) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_notional numeric := r.filled_qty * r.average_price;
begin
  return exists (
    select from public.order_events as e,
      lateral (
        select (e.metadata #>> '{before,filled_qty}')::numeric as qty, coalesce((e.metadata #>> '{before,average_price}')::numeric, 0) as price,
          (e.metadata #>> '{before,fee}')::numeric as fee
      ) as b
    where e.order_id = o.id and e.event_type = 'corrected' and e.metadata -> 'before' <> e.metadata -> 'after' and case
      when r.filled_qty <> b.qty then r.observed_at <= o.corrected_at and r.filled_qty < b.qty
      when r.filled_qty <> o.filled_qty then true
      -- The same quantity: what it says is nearer to what was told before than to what is booked now.
      else coalesce(pg_catalog.abs(v_notional - b.qty * b.price), 0) + coalesce(pg_catalog.abs(r.fee - b.fee), 0)
        < coalesce(pg_catalog.abs(v_notional - o.filled_qty * coalesce(o.average_price, 0)), 0) + coalesce(pg_catalog.abs(r.fee - o.fee), 0)
        and coalesce(pg_catalog.abs(r.average_price - b.price) <= b.price * 0.001, true)
    end
  );
end
$$;
comment on function private.tells_superseded_figures is 'Whether a report without fills tells the figures that a correction has taken back.';
alter function private.tells_superseded_figures owner to zoe_engine;

create function private.taken_back_qty(p_order_id uuid) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select coalesce(pg_catalog.max((e.metadata #>> '{before,filled_qty}')::numeric), 0)
    from public.order_events as e where e.order_id = p_order_id and e.event_type = 'corrected'
  );
end
$$;
comment on function private.taken_back_qty is 'The most that was ever booked of an order before a correction.';
alter function private.taken_back_qty owner to zoe_engine;

create function private.read_after_correction(o public.crypto_orders, p_report private.broker_report) returns private.broker_report
language plpgsql stable security definer set search_path = ''
as $$
declare
  r private.broker_report := p_report;
begin
  if o.corrected_at is null or r.kind is distinct from 'report' or r.problem is not null then return r; end if;
  if r.fills <> '[]' then
    r := private.correct_listed_fills(o.id, r);
  elsif r.observed_at > o.corrected_at and not o.correction_open then
    return r;
  elsif private.tells_superseded_figures(o, r) then
    r.filled_qty := o.filled_qty;
    r.average_price := o.average_price;
    r.fee := o.fee;
    r.is_outdated := true;
  elsif r.filled_qty > o.filled_qty and r.filled_qty > private.taken_back_qty(o.id) and private.taken_back_qty(o.id) > o.filled_qty then
    r.problem := pg_catalog.format('filled_qty is %s after a correction from %s to %s: it does not tell what was filled since',
      r.filled_qty, pg_catalog.trim_scale(private.taken_back_qty(o.id)), pg_catalog.trim_scale(o.filled_qty));
  end if;
  -- What was all of it is less now: the order is over, and not full; but an old copy closes no order that is open again.
  if r.is_outdated and r.state = 'filled' and r.filled_qty < o.qty then
    r.state := case when private.phase(o.status) = 'live' and r.observed_at <= o.reported_at then 'working' else 'canceled' end;
  end if;
  return r;
end
$$;
comment on function private.read_after_correction is
  'Reads a report on a corrected order: figures that were taken back count as the corrected ones; what may mean either is a problem for a person.';
alter function private.read_after_correction owner to zoe_engine;

create function private.reopened_status(o public.crypto_orders, r private.broker_report, p_filled_qty numeric) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case
    when o.correction_open and o.status in ('canceled', 'expired') and r.observed_at > o.corrected_at and p_filled_qty < o.qty
      and r.state in ('working', 'partially_filled')
      then case when p_filled_qty > 0 then 'partially_filled' else 'working' end
  end;
end
$$;
comment on function private.reopened_status is
  'The status of an order that a person has corrected and the broker has open again: its first word after the correction counts. Null: it is not that. Twin of foldReport.';
alter function private.reopened_status owner to zoe_engine;

create function private.stays_open(o public.crypto_orders, r private.broker_report, b private.report_booking, p_status text) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return o.correction_open and (
    r.observed_at <= o.corrected_at or r.is_outdated is true or private.treated_as('hold', b.findings) is not null
    or r.state in ('working', 'partially_filled') and private.phase(p_status) = 'closed'
  );
end
$$;
comment on function private.stays_open is 'Whether a correction is still to be confirmed after a report: by the broker''s own corrected figures, newer than it.';
alter function private.stays_open owner to zoe_engine;
