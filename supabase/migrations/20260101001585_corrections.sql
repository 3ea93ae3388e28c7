-- A person's correction of what was booked of an order: an execution that the broker took back or changed. Nothing is changed or
-- deleted: negative rows reverse what was booked, and a row with what is right follows, all at the time of the execution.

create function private.correct_execution(
  p_order public.crypto_orders, p_execution private.executions, p_qty numeric, p_price numeric, p_fee numeric
) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_fill public.crypto_fills;
begin
  if (p_qty, p_fee) = (p_execution.qty, p_execution.fee) and (p_qty = 0 or p_price = p_execution.price) then return; end if;
  for v_fill in
    select * from public.crypto_fills as f
    where f.mode = p_execution.mode and f.symbol = p_execution.symbol and f.fill_id = p_execution.fill_id and f.revision > coalesce((
      select pg_catalog.max(r.revision) from public.crypto_fills as r
      where r.mode = f.mode and r.symbol = f.symbol and r.fill_id = f.fill_id and r.qty < 0
    ), -1)
    -- The execution itself last: a negative quantity ends what counted.
    order by f.revision desc
  loop
    v_fill.qty := -v_fill.qty;
    v_fill.fee := -v_fill.fee;
    v_fill.fee_qty := -v_fill.fee_qty;
    perform private.revise_fill(v_fill, p_order, 'correction');
  end loop;
  select * into v_fill from public.crypto_fills as f
  where f.mode = p_execution.mode and f.symbol = p_execution.symbol and f.fill_id = p_execution.fill_id and f.revision = 0;
  if p_qty = 0 and p_fee = 0 then return; end if;
  v_fill.qty := p_qty;
  v_fill.price := coalesce(p_price, p_execution.price);
  v_fill.fee := p_fee;
  v_fill.fee_qty := case
    -- It may have been taken back by mistake: then what was first told of it says in what its fee is.
    when p_execution.fee_qty = 0 and not (p_execution.qty = 0 and exists (
      select from public.crypto_fills as f
      where f.mode = v_fill.mode and f.symbol = v_fill.symbol and f.fill_id = v_fill.fill_id and f.fee_qty > 0
    )) then 0
    when (p_fee, v_fill.price) = (p_execution.fee, p_execution.price) then p_execution.fee_qty
    else pg_catalog.trim_scale(pg_catalog.round(p_fee / v_fill.price, 12))
  end;
  perform private.revise_fill(v_fill, p_order, 'correction');
end
$$;
comment on function private.correct_execution is
  'Reverses, row by row, what was booked of an execution since its last reversal, and books what is right. A fee in coins stays one. The same figures book nothing.';
alter function private.correct_execution owner to zoe_engine;

create function private.executions_to_correct(p_order_id uuid, p_fill_id text) returns setof private.executions
language plpgsql stable security definer set search_path = ''
as $$
begin
  return query
    select * from private.executions as e
    where e.order_id = p_order_id and case
      when p_fill_id is not null then e.fill_id = p_fill_id
      -- All of it may have been taken back by mistake.
      else e.qty > 0 or not exists (select from private.executions as x where x.order_id = p_order_id and x.qty > 0)
    end
    order by e.seq;
end
$$;
comment on function private.executions_to_correct is 'The execution that is named, or all that count of an order.';
alter function private.executions_to_correct owner to zoe_engine;

create function private.correction_problem(
  o public.crypto_orders, p_fill_id text, p_qty numeric, p_price numeric, p_fee numeric, p_reason text
) returns text
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_booked record;
  v_is_same boolean;
begin
  select pg_catalog.count(*) as executions, coalesce(pg_catalog.sum(e.qty), 0) as qty,
    pg_catalog.count(*) filter (where not pg_catalog.starts_with(e.fill_id, o.id || ':')) as named,
    pg_catalog.string_agg(pg_catalog.format('%s (%s at %s)', e.fill_id, e.qty, e.price), ', ' order by e.seq) as list
  into v_booked
  from private.executions_to_correct(o.id, p_fill_id) as e;
  v_is_same := p_qty = v_booked.qty and p_price is null and p_fee is null;
  return case
    when coalesce(pg_catalog.btrim(p_reason), '') = '' then 'reason is missing; say what the broker''s own record shows'
    when p_fill_id is not null and v_booked.executions = 0 then pg_catalog.format('fill_id is %s; no such execution is booked of this order', p_fill_id)
    when p_qty is null or p_qty < 0 or o.filled_qty - v_booked.qty + p_qty > greatest(o.qty, o.filled_qty)
      then pg_catalog.format('filled_qty is %s; it must be from 0 to %s', coalesce(p_qty::text, 'missing'),
        pg_catalog.trim_scale(greatest(o.qty, o.filled_qty) - o.filled_qty + v_booked.qty))
    when v_is_same then null
    when v_booked.executions = 0 then 'nothing is booked of this order; what is told of it, or settled by hand, is booked without a correction'
    when v_booked.executions > 1 and v_booked.named > 0 and p_qty > 0
      then pg_catalog.format('fill_id is missing; say which execution is corrected: %s', v_booked.list)
    when p_qty = 0 then case
      when coalesce(p_price, 0) <> 0 or coalesce(p_fee, 0) <> 0 then 'average_price and fee must be empty: all of it is taken back' end
    when (p_price > 0 and p_price < 'Infinity') is not true then pg_catalog.format('average_price is %s; it must be above 0', coalesce(p_price::text, 'missing'))
    when (p_fee >= 0 and p_fee <= p_price * p_qty) is not true
      then pg_catalog.format('fee is %s; it must be from 0 to what was paid', coalesce(p_fee::text, 'missing'))
  end;
end
$$;
comment on function private.correction_problem is 'What can''t be right about a correction; null when nothing is. The quantity that is booked, with no price and no fee, says that only the status was wrong.';
alter function private.correction_problem owner to zoe_engine;

create function private.correct_fills(o public.crypto_orders, p_fill_id text, p_qty numeric, p_price numeric, p_fee numeric) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_execution private.executions;
  v_first bigint;
begin
  for v_execution in
    select * from private.executions_to_correct(o.id, p_fill_id) as e order by e.seq
  loop
    -- Executions without a name of the broker's are one: the first takes it all.
    perform private.correct_execution(
      o, v_execution, case when v_first is null then p_qty else 0 end, p_price, case when v_first is null and p_qty > 0 then p_fee else 0 end
    );
    v_first := coalesce(v_first, v_execution.seq);
  end loop;
  if v_first is not null then perform private.refold_lots(o.mode, o.symbol, v_first); end if;
end
$$;
comment on function private.correct_fills is 'Corrects one execution of an order, or all of it, and folds the lots of its symbol anew from there.';
alter function private.correct_fills owner to zoe_engine;

create function private.store_correction(o public.crypto_orders) returns public.crypto_orders
language plpgsql security definer set search_path = ''
as $$
declare
  v_booked record;
  v_after public.crypto_orders;
  v_status text;
begin
  select * into v_booked from private.booked_of(o.id);
  v_status := case
    when v_booked.qty >= o.qty then 'filled'
    when o.status = 'filled' then 'canceled'
    when o.status = 'partially_filled' and v_booked.qty = 0 then 'working'
    when o.status = 'working' and v_booked.qty > 0 then 'partially_filled'
    else o.status
  end;
  update public.crypto_orders as c
  set status = v_status, filled_qty = v_booked.qty, fee = v_booked.fee,
      average_price = case when v_booked.qty > 0 then pg_catalog.trim_scale(pg_catalog.round(v_booked.notional / v_booked.qty, 10)) end,
      corrected_at = greatest(private.clock(), c.reported_at, c.corrected_at + interval '1 microsecond'), correction_open = true,
      unresolved = false, last_error = null, attempts = 0, not_found_count = 0, not_found_since = null,
      -- Over is over: an entry is not bought again because it turned out smaller.
      cancel_reason_code = case
        when c.purpose = 'entry' and private.phase(v_status) = 'closed' and (c.cancel_reason_code is null or private.orders_the_rest(c.cancel_reason_code))
          then 'corrected' else c.cancel_reason_code end,
      watch_until = case
        when v_status in ('canceled', 'expired', 'rejected') then private.clock() + private.knob_interval('LATE_FILL_WATCH_SECONDS') end,
      next_action_at = case
        when v_status in ('canceled', 'expired', 'rejected') then private.clock() + interval '5 seconds'
        when v_status <> 'filled' then c.next_action_at end
  where c.id = o.id
  returning * into v_after;
  return v_after;
end
$$;
comment on function private.store_correction is
  'Writes an order as a correction leaves it: explained, and asked about again soon, since it may be open at the broker after all.';
alter function private.store_correction owner to zoe_engine;

create function private.order_figures(o public.crypto_orders) returns jsonb
language plpgsql immutable set search_path = ''
as $$
begin
  return pg_catalog.jsonb_build_object(
    'filled_qty', pg_catalog.trim_scale(o.filled_qty)::text, 'average_price', pg_catalog.trim_scale(o.average_price)::text,
    'fee', pg_catalog.trim_scale(o.fee)::text
  );
end
$$;
comment on function private.order_figures is 'What is booked of an order, as text.';
alter function private.order_figures owner to zoe_engine;

create function private.correct_order(
  p_order_id uuid, p_filled_qty numeric, p_average_price numeric, p_fee numeric, p_reason text, p_fill_id text, p_actor text
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_reason text := pg_catalog.left(pg_catalog.btrim(p_reason), 500);
  v_problem text;
  o public.crypto_orders;
  v_after public.crypto_orders;
begin
  perform private.lock_account('live'), private.lock_account('paper');
  select * into o from public.crypto_orders as c where c.id = p_order_id for no key update;
  if not found then raise exception 'There is no order %.', coalesce(p_order_id::text, 'null') using errcode = 'PT404'; end if;
  if o.status in ('new', 'submitted') then
    raise exception 'order_not_known_yet' using errcode = 'PT409', detail = pg_catalog.format(
      'Order %s is %s: nothing was ever reported of it that could be corrected.', o.id, o.status);
  end if;
  v_problem := private.correction_problem(o, p_fill_id, p_filled_qty, p_average_price, p_fee, v_reason);
  if v_problem is not null then raise exception 'correction_invalid' using errcode = 'PT400', detail = v_problem || '.'; end if;
  perform private.set_actor(p_actor);
  if p_average_price is not null or p_fee is not null or p_filled_qty = 0 then
    perform private.correct_fills(o, p_fill_id, p_filled_qty, p_average_price, p_fee);
  end if;
  v_after := private.store_correction(o);
  perform private.note_order(v_after, 'corrected', v_reason, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'fill_id', p_fill_id, 'before', private.order_figures(o), 'after', private.order_figures(v_after))));
  perform private.settle_intent(o.intent_group_id);
  perform private.resolve_alert('contradictory_report', o.id::text, o.mode);
  perform private.take_snapshots(o.mode);
  return pg_catalog.jsonb_build_object('order_id', o.id, 'status', v_after.status) || private.order_figures(v_after);
end
$$;
comment on function private.correct_order is
  'For somebody who has looked at the broker''s own record: this much of an order (or of one execution) was filled after all. Booked under their name, append-only; the order is then asked about again.';
alter function private.correct_order owner to zoe_engine;
