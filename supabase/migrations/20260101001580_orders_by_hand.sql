-- What a person asks of one order: its cancel, the end of an exit that waits for its next try, or how it ended at the broker.

create function private.stop_waiting(p_order_id uuid, p_reason text, p_actor text) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.actor();
  o public.crypto_orders;
begin
  select * into o from public.crypto_orders as c where c.id = p_order_id for no key update;
  if not found or private.next_try(o) is null then return false; end if;
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
comment on function private.stop_waiting is 'Ends an exit that waits for its next order, as after a refusal: its rest is not ordered again. False when it does not wait.';
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

create function private.settlement_problem(
  o public.crypto_orders, p_filled_qty numeric, p_average_price numeric, p_fee numeric, p_reason text
) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case
    when p_filled_qty is null or p_filled_qty < o.filled_qty or p_filled_qty > o.qty
      then pg_catalog.format('filled_qty is %s; it must be from %s (booked already) to %s (ordered)',
        coalesce(p_filled_qty::text, 'missing'), pg_catalog.trim_scale(o.filled_qty), pg_catalog.trim_scale(o.qty))
    when coalesce(pg_catalog.btrim(p_reason), '') = '' then 'reason is missing; say what the broker''s own record shows'
    when p_filled_qty = o.filled_qty then case
      when p_average_price is not null or p_fee is not null
        then pg_catalog.format('average_price and fee must be empty: no more was filled than the %s booked already', pg_catalog.trim_scale(o.filled_qty))
    end
    when (p_average_price > 0 and p_average_price * p_filled_qty > o.filled_qty * coalesce(o.average_price, 0)) is not true
      then pg_catalog.format('average_price is %s; it is that of all %s, of which %s for %s are booked already',
        coalesce(p_average_price::text, 'missing'), p_filled_qty, pg_catalog.trim_scale(o.filled_qty),
        pg_catalog.trim_scale(o.filled_qty * coalesce(o.average_price, 0)))
    when (p_fee >= o.fee) is not true
      then pg_catalog.format('fee is %s; it is that of all %s in USD, of which %s are booked already',
        coalesce(p_fee::text, 'missing'), p_filled_qty, pg_catalog.trim_scale(o.fee))
  end;
end
$$;
comment on function private.settlement_problem is 'What can''t be right about a settlement by hand; null when nothing is.';
alter function private.settlement_problem owner to zoe_engine;

create function private.check_settlement(o public.crypto_orders, p_problem text) returns void
language plpgsql stable set search_path = ''
as $$
begin
  if not private.can_be_settled(o) then
    raise exception 'order_not_unresolved' using errcode = 'PT409', detail = pg_catalog.format(
      'Order %s is %s, and that is explained. Only an order whose fate is unknown, or of which nothing usable is told, is settled by hand.', o.id, o.status);
  end if;
  if o.claimed_for = 'send' and o.lease_expires_at > private.clock() then
    raise exception 'order_is_being_sent' using errcode = 'PT409', detail = pg_catalog.format(
      'Order %s is being sent to the broker at this moment. Try again in a minute.', o.id);
  end if;
  if p_problem is not null then raise exception 'settlement_invalid' using errcode = 'PT400', detail = p_problem || '.'; end if;
end
$$;
comment on function private.check_settlement is
  'Refuses a settlement by hand that is not needed or comes while the order is being sent (PT409), or that can''t be right (PT400).';
alter function private.check_settlement owner to zoe_engine;

create function private.book_settlement(o public.crypto_orders, p_filled_qty numeric, p_average_price numeric, p_fee numeric) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.apply_report(pg_catalog.jsonb_build_object(
    'order_id', o.id, 'kind', 'report', 'state', case when p_filled_qty = o.qty then 'filled' else 'canceled' end,
    'filled_qty', p_filled_qty::text, 'average_price', coalesce(p_average_price, o.average_price)::text, 'fee', coalesce(p_fee, o.fee)::text,
    'reason', 'settled by hand', 'observed_at', private.iso(
      greatest(private.clock(), o.reported_at + interval '1 millisecond', o.corrected_at + interval '1 millisecond'))
  ));
  perform private.take_snapshots(o.mode);
  -- Watched anew, however long ago it was closed: somebody may be wrong.
  update public.crypto_orders as c
  set watch_until = private.clock() + private.knob_interval('LATE_FILL_WATCH_SECONDS'), next_action_at = private.clock() + interval '5 seconds'
  where c.id = o.id and c.status in ('canceled', 'expired', 'rejected');
end
$$;
comment on function private.book_settlement is 'Books how an order ended as a report is booked, and watches it for what may contradict that.';
alter function private.book_settlement owner to zoe_engine;

create function private.settle_order(
  p_order_id uuid, p_filled_qty numeric, p_average_price numeric, p_fee numeric, p_reason text, p_actor text
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_reason text := pg_catalog.left(pg_catalog.btrim(p_reason), 500);
  o public.crypto_orders;
begin
  perform private.lock_account('live'), private.lock_account('paper');
  select * into o from public.crypto_orders as c where c.id = p_order_id for no key update;
  if not found then raise exception 'There is no order %.', coalesce(p_order_id::text, 'null') using errcode = 'PT404'; end if;
  perform private.check_settlement(o, private.settlement_problem(o, p_filled_qty, p_average_price, p_fee, v_reason));
  perform private.set_actor(p_actor);
  perform private.note_order(o, 'settled_by_hand', v_reason, pg_catalog.jsonb_build_object(
    'filled_qty', p_filled_qty::text, 'average_price', p_average_price::text, 'fee', p_fee::text));
  -- It is said by somebody who looked after the correction: nothing about that is open any more.
  update public.crypto_orders as c set correction_open = false where c.id = o.id and c.correction_open;
  -- Over is over: an entry that was being repriced is not bought again.
  update public.crypto_orders as c set cancel_reason_code = 'settled_by_hand', cancel_requested_by = p_actor
  where c.id = o.id and c.purpose = 'entry' and private.orders_the_rest(c.cancel_reason_code);
  if p_filled_qty = 0 and o.acknowledged_at is null and private.phase(o.status) = 'live' then
    perform private.prove_absent(o);
    perform private.settle_intent(o.intent_group_id);
  else
    perform private.book_settlement(o, p_filled_qty, p_average_price, p_fee);
  end if;
  update public.crypto_orders as c set settled_at = private.clock() where c.id = p_order_id returning c.* into o;
  if o.unresolved then raise exception 'settlement_invalid' using errcode = 'PT400', detail = coalesce(o.last_error, 'It does not explain the order.'); end if;
  return pg_catalog.jsonb_build_object(
    'order_id', o.id, 'status', o.status, 'filled_qty', private.amount_text(o.filled_qty), 'unresolved', o.unresolved);
end
$$;
comment on function private.settle_order is
  'For somebody who has looked at the broker''s own record: the order is over, and this much of it was filled in all. Booked under their name, and watched for what may contradict it.';
alter function private.settle_order owner to zoe_engine;
