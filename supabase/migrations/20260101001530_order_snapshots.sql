-- How an order stands at the broker: the status that argues for, what is odd about it, and when to look again.

create function private.argued_status(p_order public.crypto_orders, p_state text, p_filled_qty numeric) returns text
language plpgsql stable security definer set search_path = ''
as $$
begin
  return case
    when p_order.status = 'filled' or p_filled_qty >= p_order.qty then 'filled'
    when p_state = 'filled' and private.is_whole(
      p_order.qty, p_filled_qty, (select i.qty_increment from public.instruments as i where i.symbol = p_order.symbol)
    ) then 'filled'
    when p_order.status in ('canceled', 'expired', 'rejected') then case
      when not private.may_be_alive(p_order) or p_state not in ('working', 'partially_filled', 'filled') then p_order.status
      when p_filled_qty > 0 then 'partially_filled'
      else 'working'
    end
    when p_state in ('canceled', 'expired') then p_state
    when p_state = 'rejected' then case when p_filled_qty > 0 then 'canceled' else 'rejected' end
    when p_order.status = 'cancel_pending' then 'cancel_pending'
    when p_filled_qty > 0 then 'partially_filled'
    else 'working'
  end;
end
$$;
comment on function private.argued_status is 'The status a report argues for, given all that is known to be filled; never an illegal transition. Twin of foldReport.';
alter function private.argued_status owner to zoe_engine;

create function private.next_look(
  p_before public.crypto_orders, p_status text, p_attempts integer, p_watch_until timestamptz
) returns timestamptz
language plpgsql stable set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  if private.phase(p_status) = 'closed' then
    if p_watch_until is null or v_now >= p_watch_until then return null; end if;
    return least(v_now + private.back_off(p_attempts, case p_status when 'filled' then 30 else 5 end, 120), p_watch_until);
  end if;
  if p_status = 'cancel_pending' then return v_now + private.back_off(p_attempts, 2, 30); end if;
  if p_before.status in ('working', 'partially_filled') then return coalesce(p_before.next_action_at, v_now); end if;
  return v_now + pg_catalog.make_interval(secs => p_before.ttl_seconds);
end
$$;
comment on function private.next_look is
  'When an order is due after a definite answer: at its TTL, soon for a cancel under way, with back-off while watched for late fills, or for a fee that is still to be told.';
alter function private.next_look owner to zoe_engine;

create function private.stand_aside(p_order public.crypto_orders) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_others uuid[];
begin
  select pg_catalog.array_agg(o.id) into v_others
  from public.crypto_orders as o
  where o.mode = p_order.mode and o.symbol = p_order.symbol and o.side = p_order.side and o.id <> p_order.id
    and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending');
  if v_others is null then return true; end if;
  perform private.cancel_orders(v_others, 'back_from_absent', 'broker');
  return not exists (
    select from public.crypto_orders as o
    where o.id = any (v_others) and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  );
end
$$;
comment on function private.stand_aside is
  'Makes room for an order that is alive after all: cancels what took its place. False as long as that is not proven canceled.';
alter function private.stand_aside owner to zoe_engine;

create function private.flags_of(
  o public.crypto_orders, r private.broker_report, b private.report_booking, p_status text, p_is_blocked boolean
) returns jsonb
language plpgsql immutable set search_path = ''
as $$
declare
  v_is_news boolean := o.reported_at is null or r.observed_at > o.reported_at;
  v_was_closed boolean := private.phase(o.status) = 'closed';
  v_more numeric := b.filled_qty - o.filled_qty;
begin
  return pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'contradictory_report', case
      when private.treated_as('hold', b.findings) is not null then private.treated_as('hold', b.findings)
      when not v_is_news then null
      when r.state = 'filled' and p_status <> 'filled' then pg_catalog.format('reported filled with %s of %s', b.filled_qty, o.qty)
      when r.state = 'rejected' and b.filled_qty > 0 then pg_catalog.format('reported rejected with %s filled', b.filled_qty)
      when r.state in ('working', 'partially_filled') and v_was_closed and p_status = o.status and not p_is_blocked
        then pg_catalog.format('reported %s after it was %s', r.state, o.status)
    end,
    'odd_report', private.treated_as('tell', b.findings),
    'late_fill', case
      when v_more > 0 and v_was_closed and (o.status <> 'filled' or b.filled_qty > o.qty) then pg_catalog.format('%s more, %s of %s in all', v_more, b.filled_qty, o.qty)
    end,
    'overfill', case
      when v_more > 0 and private.is_beyond(b.filled_qty, o.qty) then pg_catalog.format('filled %s of %s ordered', b.filled_qty, o.qty)
      when b.excess > 0 then pg_catalog.format('sold %s more than the books hold', pg_catalog.trim_scale(b.excess))
    end,
    'back_from_absent', case
      when private.may_be_alive(o) and (p_status <> o.status or p_is_blocked and not o.unresolved)
        then pg_catalog.format('reported %s', r.state)
    end
  ));
end
$$;
comment on function private.flags_of is 'What a person must be told about a report: kind and sentence. Old copies that add nothing are not told again.';
alter function private.flags_of owner to zoe_engine;

create function private.stays_unresolved(
  o public.crypto_orders, r private.broker_report, p_status text, p_flags jsonb, p_is_blocked boolean
) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return case
    when p_status = 'filled' then false
    when p_is_blocked then true
    when p_flags ? 'contradictory_report' then r.state <> 'rejected'
    when o.reported_at is null or r.observed_at > o.reported_at then false
    else o.unresolved and (private.phase(o.status) = 'closed' or private.phase(p_status) = 'live')
  end;
end
$$;
comment on function private.stays_unresolved is 'Whether an order''s fate is still open after a report: only a definite answer that makes sense explains it.';
alter function private.stays_unresolved owner to zoe_engine;

create function private.fee_may_follow(o public.crypto_orders, b private.report_booking) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select b.fee < b.filled_qty * b.average_price * least(a.maker_bps, a.taker_bps) / 10000 * 0.75 from public.accounts as a where a.mode = o.mode
  );
end
$$;
comment on function private.fee_may_follow is 'Whether a fee is far below what the account pays: some brokers tell it, or the rest of it, only after the fill.';
alter function private.fee_may_follow owner to zoe_engine;

create function private.watch_after(o public.crypto_orders, b private.report_booking, p_status text) returns timestamptz
language plpgsql stable security definer set search_path = ''
as $$
begin
  if p_status = 'filled' and not private.fee_may_follow(o, b) then return null; end if;
  if private.phase(o.status) = private.phase(p_status) then return o.watch_until; end if;
  if p_status not in ('filled', 'canceled', 'expired') then return null; end if;
  return private.clock() + private.knob_interval('LATE_FILL_WATCH_SECONDS');
end
$$;
comment on function private.watch_after is 'Until when a closed order is still asked about: for late fills, or a filled one for its fee.';
alter function private.watch_after owner to zoe_engine;

create function private.store_snapshot(
  o public.crypto_orders, r private.broker_report, b private.report_booking, p_status text, p_is_unresolved boolean, p_error text
) returns public.crypto_orders
language plpgsql security definer set search_path = ''
as $$
declare
  v_was_closed boolean := private.phase(o.status) = 'closed';
  v_is_closed boolean := private.phase(p_status) = 'closed';
  v_watch_until timestamptz := private.watch_after(o, b, p_status);
  -- Who has no lease did not ask for the cancel: what is heard in passing must not put it off.
  v_is_in_passing boolean := r.lease_token is null and o.status = 'cancel_pending' and p_status = 'cancel_pending';
  v_attempts integer := case
    when v_is_in_passing then o.attempts
    when p_is_unresolved or (v_was_closed and v_is_closed) or (o.status = 'cancel_pending' and not v_is_closed) then o.attempts + 1
    else 0
  end;
  v_next timestamptz := coalesce(
    case when v_is_in_passing then o.next_action_at else private.next_look(o, p_status, v_attempts, v_watch_until) end,
    case when p_is_unresolved then private.ask_again(o, v_attempts, 120) end
  );
  v_is_done boolean := (v_is_closed and not v_was_closed) or v_next is null;
  v_after public.crypto_orders;
begin
  update public.crypto_orders as c
  set status = p_status, filled_qty = b.filled_qty, average_price = b.average_price, fee = b.fee, unresolved = p_is_unresolved,
      broker_order_id = coalesce(c.broker_order_id, r.broker_order_id),
      reject_reason = case
        when p_status = 'rejected' then coalesce(c.reject_reason, r.reason, 'rejected')
        when not v_was_closed then c.reject_reason
      end,
      -- What is alive again is not being canceled, until somebody asks again.
      cancel_reason_code = case when v_is_closed or not v_was_closed then c.cancel_reason_code end,
      cancel_requested_at = case when v_is_closed or not v_was_closed then c.cancel_requested_at end,
      cancel_requested_by = case when v_is_closed or not v_was_closed then c.cancel_requested_by end,
      acknowledged_at = coalesce(c.acknowledged_at, private.clock()),
      closed_at = case when v_is_closed then coalesce(c.closed_at, private.clock()) end,
      correction_open = private.stays_open(o, r, b, p_status),
      reported_at = greatest(c.reported_at, r.observed_at), not_found_count = 0, not_found_since = null, not_found_at = null, vanished_at = null,
      attempts = v_attempts, last_error = p_error, watch_until = v_watch_until, next_action_at = v_next,
      lease_owner = case when not v_is_done then c.lease_owner end,
      lease_token = case when not v_is_done then c.lease_token end,
      lease_expires_at = case when not v_is_done then c.lease_expires_at end
  where c.id = o.id
  returning * into v_after;
  return v_after;
end
$$;
comment on function private.store_snapshot is 'Writes an order as a report left it, with its next look; an order that is done gives its lease back.';
alter function private.store_snapshot owner to zoe_engine;

create function private.apply_snapshot(o public.crypto_orders, r private.broker_report) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  b private.report_booking;
  v_status text;
  v_after public.crypto_orders;
  v_flags jsonb;
  v_is_blocked boolean := false;
begin
  if o.status = 'new' then
    perform private.flag_unsent(o, r);
    return false;
  end if;
  b := private.book_report(o, r);
  v_status := coalesce(private.reopened_status(o, r, b.filled_qty), private.argued_status(o, r.state, b.filled_qty));
  if private.phase(o.status) = 'closed' and private.phase(v_status) = 'live' then
    v_is_blocked := not private.stand_aside(o);
    if v_is_blocked then v_status := o.status; end if;
  end if;
  v_flags := private.flags_of(o, r, b, v_status, v_is_blocked);
  -- An older copy that teaches nothing leaves the row alone.
  if r.observed_at <= o.reported_at and v_status = o.status and (b.filled_qty, b.fee) = (o.filled_qty, o.fee) and v_flags = '{}' then
    return false;
  end if;
  v_after := private.store_snapshot(
    o, r, b, v_status, private.stays_unresolved(o, r, v_status, v_flags, v_is_blocked), v_flags ->> 'contradictory_report'
  );
  perform private.flag_order(v_after, f.key, f.value, pg_catalog.to_jsonb(r))
  from pg_catalog.jsonb_each_text(v_flags) as f
  where f.value is distinct from o.last_error and not (f.key = 'odd_report' and private.is_told(o.id, f.key, f.value));
  if private.phase(o.status) = 'closed' and private.phase(v_status) = 'live' then perform private.cancel_again(o); end if;
  return (v_after.status, v_after.filled_qty, v_after.fee, v_after.unresolved)
    is distinct from (o.status, o.filled_qty, o.fee, o.unresolved);
end
$$;
comment on function private.apply_snapshot is 'Folds how an order stands at the broker into its row and the money. True when that changed anything.';
alter function private.apply_snapshot owner to zoe_engine;
