-- What a person asks of one order: its cancel, the end of an exit that waits for its next try, or how it ended at the broker.

create function private.stop_waiting(p_order_id uuid, p_reason text, p_actor text) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.actor();
  o public.crypto_orders;
begin
  select * into o from public.crypto_orders as c where c.id = p_order_id for no key update;
  if not found or o.unresolved or private.next_try(o) is null then return false; end if;
  perform private.set_actor(p_actor);
  update public.crypto_orders as c
  set cancel_reason_code = p_reason, cancel_requested_by = p_actor, cancel_requested_at = private.clock()
  where c.id = p_order_id;
  perform private.note_order(o, 'retry_canceled', p_reason);
  perform private.settle_intent(o.intent_group_id);
  perform private.set_actor(v_actor);
  return true;
end
$$;
comment on function private.stop_waiting is 'Ends an intent that waits for its next order, as after a refusal: its rest is not ordered again. False when it does not wait.';
alter function private.stop_waiting owner to zoe_engine;

create function private.request_cancel(p_order_id uuid, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_reason text := coalesce(nullif(pg_catalog.left(pg_catalog.btrim(p_reason), 200), ''), 'operator');
  v_changed boolean;
  v_status text;
begin
  perform private.lock_accounts();
  if private.orders_the_rest(v_reason) then v_reason := 'operator'; end if;
  v_changed := exists (select from private.cancel_orders(array[p_order_id], v_reason, p_actor))
    or private.stop_waiting(p_order_id, v_reason, p_actor);
  select o.status into v_status from public.crypto_orders as o where o.id = p_order_id;
  if v_status is null then
    raise exception 'There is no order %.', coalesce(p_order_id::text, 'null') using errcode = 'PT404';
  end if;
  return pg_catalog.jsonb_build_object('order_id', p_order_id, 'status', v_status, 'changed', v_changed);
end
$$;
comment on function private.request_cancel is
  'Cancels one order for somebody, or the next try of one that was refused, and says what became of it: changed is false when it was final or already being canceled. Raises PT404.';
alter function private.request_cancel owner to zoe_engine;

create function private.check_settlement(
  o public.crypto_orders, p_filled_qty numeric, p_average_price numeric, p_fee numeric, p_reason text
) returns void
language plpgsql immutable set search_path = ''
as $$
declare
  v_problem text := case
    when p_filled_qty is null or p_filled_qty < o.filled_qty or p_filled_qty > o.qty
      then pg_catalog.format('filled_qty is %s; it must be from %s (booked already) to %s (ordered)',
        coalesce(p_filled_qty::text, 'missing'), pg_catalog.trim_scale(o.filled_qty), pg_catalog.trim_scale(o.qty))
    when p_filled_qty > o.filled_qty and (p_average_price > 0) is not true
      then pg_catalog.format('average_price is %s; of what was filled it must be above 0', coalesce(p_average_price::text, 'missing'))
    when p_filled_qty > o.filled_qty and p_fee is null then 'fee is missing; it is that of all that was filled, in USD'
    when coalesce(pg_catalog.btrim(p_reason), '') = '' then 'reason is missing; say what the broker''s own record shows'
  end;
begin
  if not o.unresolved then
    raise exception 'order_not_unresolved' using errcode = 'PT409', detail = pg_catalog.format(
      'Order %s is %s, and that is explained. Only an order whose fate is unknown is settled by hand.', o.id, o.status);
  end if;
  if v_problem is not null then raise exception 'settlement_invalid' using errcode = 'PT400', detail = v_problem || '.'; end if;
end
$$;
comment on function private.check_settlement is 'Refuses a settlement by hand that is not needed (PT409) or can''t be right (PT400).';
alter function private.check_settlement owner to zoe_engine;

create function private.settle_order(
  p_order_id uuid, p_filled_qty numeric, p_average_price numeric, p_fee numeric, p_reason text, p_actor text
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  o public.crypto_orders;
begin
  perform private.lock_accounts();
  select * into o from public.crypto_orders as c where c.id = p_order_id for no key update;
  if not found then raise exception 'There is no order %.', coalesce(p_order_id::text, 'null') using errcode = 'PT404'; end if;
  perform private.check_settlement(o, p_filled_qty, p_average_price, p_fee, p_reason);
  perform private.set_actor(p_actor);
  perform private.note_order(o, 'settled_by_hand', p_reason, pg_catalog.jsonb_build_object('filled_qty', p_filled_qty::text));
  if p_filled_qty = 0 and o.acknowledged_at is null and private.phase(o.status) = 'live' then
    perform private.prove_absent(o);
    perform private.settle_intent(o.intent_group_id);
  else
    perform private.apply_reports(pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
      'order_id', o.id, 'kind', 'report', 'state', case when p_filled_qty = o.qty then 'filled' else 'canceled' end,
      'filled_qty', p_filled_qty::text, 'reason', 'settled by hand',
      'average_price', coalesce(case when p_filled_qty = o.filled_qty then o.average_price end, p_average_price)::text,
      'fee', coalesce(case when p_filled_qty = o.filled_qty then o.fee end, p_fee)::text,
      'observed_at', private.iso(greatest(private.clock(), o.reported_at + interval '1 millisecond'))
    )));
  end if;
  select * into o from public.crypto_orders as c where c.id = p_order_id;
  return pg_catalog.jsonb_build_object(
    'order_id', o.id, 'status', o.status, 'filled_qty', private.amount_text(o.filled_qty), 'unresolved', o.unresolved);
end
$$;
comment on function private.settle_order is
  'For somebody who has looked at the broker''s own record: the order is over, and this much of it was filled in all. Booked like a report; it is watched for what may contradict it.';
alter function private.settle_order owner to zoe_engine;
