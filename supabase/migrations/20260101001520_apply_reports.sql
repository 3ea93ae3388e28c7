-- One report, one order: which status it argues for, when to look again, and whether the chain goes on.

create function private.phase(p_status text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case when p_status in ('filled', 'canceled', 'expired', 'rejected') then 'closed' else 'live' end;
end
$$;
comment on function private.phase is 'live as long as the order may still trade at the broker, or soon will; closed after that.';
alter function private.phase owner to zoe_engine;

create function private.argued_status(p_order public.crypto_orders, p_state text, p_filled_qty numeric) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case
    when p_order.status = 'filled' or p_filled_qty >= p_order.qty then 'filled'
    when p_order.status in ('canceled', 'expired') then p_order.status
    when p_order.status = 'rejected' then case
      when p_order.reject_reason is distinct from 'never_reached_broker' or p_state not in ('working', 'partially_filled', 'filled') then 'rejected'
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

create function private.next_look(p_before public.crypto_orders, p_status text, p_attempts integer, p_watch_until timestamptz) returns timestamptz
language plpgsql stable set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  if p_status = 'filled' then return null; end if;
  if p_status in ('canceled', 'expired', 'rejected') then
    if p_watch_until is null or v_now >= p_watch_until then return null; end if;
    return least(v_now + private.back_off(p_attempts, 5, 120), p_watch_until);
  end if;
  if p_status = 'cancel_pending' then return v_now + private.back_off(p_attempts, 2, 30); end if;
  if p_before.status in ('working', 'partially_filled') then return coalesce(p_before.next_action_at, v_now); end if;
  return v_now + pg_catalog.make_interval(secs => p_before.ttl_seconds);
end
$$;
comment on function private.next_look is
  'When an order is due after a definite answer: at its TTL, soon for a cancel under way, with back-off while watched for late fills, never when filled.';
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

create function private.apply_snapshot(o public.crypto_orders, r private.broker_report) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  b private.report_booking;
  v_status text;
  v_after public.crypto_orders;
  v_flags jsonb := '{}';
  v_was_closed boolean := o.status in ('filled', 'canceled', 'expired', 'rejected');
  v_is_closing boolean;
  v_is_news boolean := o.reported_at is null or r.observed_at > o.reported_at;
  v_is_blocked boolean := false;
  v_attempts integer := 0;
  v_watch_until timestamptz := o.watch_until;
  v_next timestamptz;
  v_is_unresolved boolean;
  v_is_done boolean;
begin
  if o.status = 'new' then
    if v_is_news then
      perform private.flag_order(o, 'contradictory_report', pg_catalog.format('reported %s, but it was never handed over', r.state), pg_catalog.to_jsonb(r));
      update public.crypto_orders as c set reported_at = r.observed_at where c.id = o.id;
    end if;
    return false;
  end if;
  b := private.book_report(o, r);
  v_status := private.argued_status(o, r.state, b.filled_qty);
  if o.status = 'rejected' and v_status in ('working', 'partially_filled') then
    v_is_blocked := not private.stand_aside(o);
    if v_is_blocked then v_status := 'rejected'; end if;
  end if;
  if b.problem is not null then v_flags := v_flags || pg_catalog.jsonb_build_object('contradictory_report', b.problem); end if;
  if r.state = 'filled' and v_status <> 'filled' and v_is_news then
    v_flags := v_flags || pg_catalog.jsonb_build_object(
      'contradictory_report', pg_catalog.format('reported filled with %s of %s', b.filled_qty, o.qty));
  end if;
  if r.state = 'rejected' and b.filled_qty > 0 and v_is_news then
    v_flags := v_flags || pg_catalog.jsonb_build_object('contradictory_report', pg_catalog.format('reported rejected with %s filled', b.filled_qty));
  end if;
  if r.state in ('working', 'partially_filled') and v_was_closed and v_status = o.status and v_is_news and not v_is_blocked then
    v_flags := v_flags || pg_catalog.jsonb_build_object('contradictory_report', pg_catalog.format('reported %s after it was %s', r.state, o.status));
  end if;
  if b.filled_qty > o.filled_qty then
    if v_was_closed then
      v_flags := v_flags || pg_catalog.jsonb_build_object('late_fill', pg_catalog.format('%s more, %s of %s in all', b.filled_qty - o.filled_qty, b.filled_qty, o.qty));
    end if;
    if b.filled_qty > o.qty then
      v_flags := v_flags || pg_catalog.jsonb_build_object('overfill', pg_catalog.format('filled %s of %s ordered', b.filled_qty, o.qty));
    elsif b.excess > 0 then
      v_flags := v_flags || pg_catalog.jsonb_build_object('overfill', pg_catalog.format('sold %s more than the books hold', b.excess));
    end if;
  end if;
  if o.status = 'rejected' and o.reject_reason = 'never_reached_broker' and (v_status <> 'rejected' or v_is_blocked) and not (v_is_blocked and o.unresolved) then
    v_flags := v_flags || pg_catalog.jsonb_build_object('back_from_absent', pg_catalog.format('reported %s', r.state));
  end if;
  v_is_closing := not v_was_closed and v_status in ('canceled', 'expired', 'rejected', 'filled');
  if v_is_closing or v_was_closed and v_status not in ('canceled', 'expired', 'rejected', 'filled') then
    v_watch_until := case
      when v_status in ('canceled', 'expired') then private.clock() + pg_catalog.make_interval(secs => private.knob_number('LATE_FILL_WATCH_SECONDS')::double precision)
    end;
  elsif o.status = 'cancel_pending' or v_was_closed then
    v_attempts := o.attempts + 1;
  end if;
  -- An older copy that teaches nothing leaves the row alone.
  if not v_is_news and v_status = o.status and b.filled_qty = o.filled_qty and v_flags = '{}' then return false; end if;
  v_is_unresolved := case
    when v_status = 'filled' then false
    when v_is_blocked or v_flags ? 'contradictory_report' and r.state <> 'rejected' then true
    when v_is_news then false
    else o.unresolved and not v_is_closing
  end;
  if v_is_unresolved then v_attempts := greatest(v_attempts, o.attempts + 1); end if;
  v_next := coalesce(
    private.next_look(o, v_status, v_attempts, v_watch_until),
    case when v_is_unresolved then private.clock() + private.back_off(v_attempts, 5, 120) end
  );
  v_is_done := v_is_closing or v_next is null;
  update public.crypto_orders as c
  set status = v_status, filled_qty = b.filled_qty, average_price = b.average_price, fee = b.fee,
      broker_order_id = coalesce(c.broker_order_id, r.broker_order_id),
      unresolved = v_is_unresolved,
      reject_reason = case when v_status = 'rejected' then coalesce(c.reject_reason, r.reason, 'rejected') when v_was_closed then null else c.reject_reason end,
      acknowledged_at = coalesce(c.acknowledged_at, private.clock()),
      closed_at = case when v_status in ('filled', 'canceled', 'expired', 'rejected') then coalesce(c.closed_at, private.clock()) end,
      reported_at = greatest(c.reported_at, r.observed_at), not_found_count = 0, not_found_since = null, not_found_at = null,
      attempts = v_attempts, last_error = v_flags ->> 'contradictory_report', watch_until = v_watch_until,
      next_action_at = v_next,
      lease_owner = case when not v_is_done then c.lease_owner end,
      lease_token = case when not v_is_done then c.lease_token end,
      lease_expires_at = case when not v_is_done then c.lease_expires_at end
  where c.id = o.id
  returning * into v_after;
  perform private.flag_order(v_after, f.key, f.value, pg_catalog.to_jsonb(r))
  from pg_catalog.jsonb_each_text(v_flags) as f
  where f.value is distinct from o.last_error;
  return v_status <> o.status or b.filled_qty <> o.filled_qty or v_after.unresolved <> o.unresolved;
end
$$;
comment on function private.apply_snapshot is 'Folds how an order stands at the broker into its row and the money. True when that changed anything.';
alter function private.apply_snapshot owner to zoe_engine;

create function private.apply_refusal(o public.crypto_orders, r private.broker_report) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  if o.status = 'submitted' or o.status = 'cancel_pending' and o.acknowledged_at is null then
    update public.crypto_orders as c
    set status = 'rejected', unresolved = false, reject_reason = coalesce(r.reason, 'refused'), last_error = r.reason,
        reported_at = greatest(c.reported_at, r.observed_at), acknowledged_at = private.clock(), closed_at = private.clock(),
        next_action_at = null, watch_until = null, attempts = 0, lease_owner = null, lease_token = null, lease_expires_at = null
    where c.id = o.id;
    return true;
  end if;
  if o.status <> 'rejected' and (o.reported_at is null or r.observed_at > o.reported_at) then
    perform private.flag_order(
      o, 'contradictory_report', pg_catalog.format('placement refused (%s) though it is %s', coalesce(r.reason, 'no reason'), o.status), pg_catalog.to_jsonb(r));
    update public.crypto_orders as c set reported_at = r.observed_at where c.id = o.id;
  end if;
  return false;
end
$$;
comment on function private.apply_refusal is 'A definite refusal of the placement: the order is rejected and never existed at the broker.';
alter function private.apply_refusal owner to zoe_engine;

create function private.apply_cancel_answer(o public.crypto_orders, r private.broker_report) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_is_refused boolean := r.kind = 'cancel_refused';
begin
  if o.status <> 'cancel_pending' then return false; end if;
  update public.crypto_orders as c
  set status = case when not v_is_refused then c.status when c.filled_qty > 0 then 'partially_filled' else 'working' end,
      last_error = case when v_is_refused then coalesce(r.reason, 'cancel refused') end,
      acknowledged_at = case when v_is_refused then coalesce(c.acknowledged_at, private.clock()) else c.acknowledged_at end,
      unresolved = c.unresolved and not v_is_refused,
      cancel_reason_code = case when v_is_refused then null else c.cancel_reason_code end,
      cancel_requested_at = case when v_is_refused then null else c.cancel_requested_at end,
      cancel_requested_by = case when v_is_refused then null else c.cancel_requested_by end,
      attempts = case when v_is_refused then 0 else c.attempts end,
      next_action_at = private.clock() + case
        when not v_is_refused then interval '2 seconds'
        when c.cancel_reason_code = 'reprice' then pg_catalog.make_interval(secs => c.ttl_seconds)
        else interval '5 seconds'
      end
  where c.id = o.id;
  return v_is_refused;
end
$$;
comment on function private.apply_cancel_answer is
  'A refused cancel puts the order back to work; an accepted one proves nothing yet and is looked at again soon.';
alter function private.apply_cancel_answer owner to zoe_engine;

create function private.apply_not_found(o public.crypto_orders, r private.broker_report) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_count integer := o.not_found_count + 1;
  v_since timestamptz := coalesce(o.not_found_since, v_now);
  v_next timestamptz;
  v_is_absent boolean;
begin
  if r.observed_at <= o.not_found_at or o.status in ('new', 'filled') then return false; end if;
  if o.status in ('canceled', 'expired', 'rejected') then
    v_next := coalesce(
      private.next_look(o, o.status, o.attempts + 1, o.watch_until), case when o.unresolved then v_now + private.back_off(o.attempts, 5, 120) end
    );
    update public.crypto_orders as c
    set attempts = c.attempts + 1, not_found_at = r.observed_at, next_action_at = v_next,
        lease_owner = case when v_next is not null then c.lease_owner end,
        lease_token = case when v_next is not null then c.lease_token end,
        lease_expires_at = case when v_next is not null then c.lease_expires_at end
    where c.id = o.id;
    return false;
  end if;
  if o.acknowledged_at is not null then
    if o.reported_at is null or r.observed_at > o.reported_at then
      if not o.unresolved then
        perform private.flag_order(o, 'contradictory_report', pg_catalog.format('not found at the broker though it was %s', o.status), pg_catalog.to_jsonb(r));
      end if;
      update public.crypto_orders as c
      set unresolved = true, not_found_at = r.observed_at, attempts = c.attempts + 1, last_error = 'not found at the broker',
          next_action_at = v_now + private.back_off(c.attempts, 5, 30)
      where c.id = o.id;
    end if;
    return false;
  end if;
  v_is_absent := v_count >= 3 and v_now - v_since >= interval '30 seconds';
  perform private.note_order(o, 'not_found', pg_catalog.format('not found %s times since %s', v_count, private.iso(v_since)));
  update public.crypto_orders as c
  set not_found_count = v_count, not_found_since = v_since, not_found_at = r.observed_at, attempts = 0,
      status = case when v_is_absent then 'rejected' else c.status end,
      reject_reason = case when v_is_absent then 'never_reached_broker' else c.reject_reason end,
      unresolved = not v_is_absent,
      closed_at = case when v_is_absent then v_now end,
      watch_until = case when v_is_absent then v_now + pg_catalog.make_interval(secs => private.knob_number('LATE_FILL_WATCH_SECONDS')::double precision) end,
      next_action_at = v_now + case when v_is_absent then interval '5 seconds' else interval '10 seconds' end,
      lease_owner = case when v_is_absent then null else c.lease_owner end,
      lease_token = case when v_is_absent then null else c.lease_token end,
      lease_expires_at = case when v_is_absent then null else c.lease_expires_at end
  where c.id = o.id;
  return true;
end
$$;
comment on function private.apply_not_found is
  'Counts a definite "not found". Three over thirty seconds prove that an order nobody ever acknowledged never reached the broker.';
alter function private.apply_not_found owner to zoe_engine;

create function private.apply_no_answer(o public.crypto_orders, r private.broker_report) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  if o.status in ('new', 'filled') or o.next_action_at is null then return false; end if;
  if o.last_error is null then perform private.note_order(o, r.kind, r.reason); end if;
  update public.crypto_orders as c
  set attempts = c.attempts + 1, last_error = r.kind || coalesce(': ' || r.reason, ''),
      next_action_at = private.clock() + private.back_off(c.attempts, case r.kind when 'throttled' then 10 else 5 end, case r.kind when 'throttled' then 60 else 30 end)
  where c.id = o.id;
  return false;
end
$$;
comment on function private.apply_no_answer is 'A timeout, an outage or a throttle proves nothing: the order stays what it is and is looked at later.';
alter function private.apply_no_answer owner to zoe_engine;

create function private.apply_report(p_report jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  r private.broker_report := private.parse_report(p_report);
  o public.crypto_orders;
  v_before public.crypto_orders;
  v_result text;
  v_child_id uuid;
  v_is_changed boolean;
begin
  select * into v_before from public.crypto_orders as c where c.id = r.order_id for no key update;
  if not found then
    return pg_catalog.jsonb_build_object('order_id', p_report ->> 'order_id', 'result', 'unknown_order');
  end if;
  if r.problem is not null then
    perform private.flag_order(v_before, 'contradictory_report', 'unreadable report: ' || r.problem, p_report);
    v_result := 'invalid';
  elsif r.lease_token is not null
    and (r.lease_token is distinct from v_before.lease_token or v_before.lease_expires_at <= private.clock()) then
    v_result := 'lease_lost';
  else
    v_is_changed := case
      when r.kind = 'report' then private.apply_snapshot(v_before, r)
      when r.kind = 'refused' then private.apply_refusal(v_before, r)
      when r.kind in ('cancel_refused', 'cancel_requested') then private.apply_cancel_answer(v_before, r)
      when r.kind = 'not_found' then private.apply_not_found(v_before, r)
      else private.apply_no_answer(v_before, r)
    end;
    v_result := case when v_is_changed then 'applied' else 'unchanged' end;
  end if;
  select * into o from public.crypto_orders as c where c.id = v_before.id;
  if v_is_changed and 'closed' in (private.phase(v_before.status), private.phase(o.status)) then
    v_child_id := private.settle_intent(o.intent_group_id, r.replacement_price);
  end if;
  return pg_catalog.jsonb_strip_nulls(
    pg_catalog.jsonb_build_object('order_id', o.id, 'result', v_result, 'status', o.status, 'child_order_id', v_child_id));
end
$$;
comment on function private.apply_report is 'Applies one report under the account''s lock; its lease, if it names one, must still be held.';
alter function private.apply_report owner to zoe_engine;

create function private.apply_reports(p_reports jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := pg_catalog.current_setting('zoe.actor', true);
  v_report jsonb;
  v_answers jsonb := '[]';
  v_seq bigint;
begin
  if p_reports is null or pg_catalog.jsonb_typeof(p_reports) <> 'array' then
    raise exception 'reports_invalid' using errcode = 'PT400', detail = 'Reports must be a JSON array, one object a report.';
  end if;
  if p_reports = '[]' then return v_answers; end if;
  perform private.lock_account('live'), private.lock_account('paper');
  v_seq := (select pg_catalog.max(f.seq) from public.crypto_fills as f);
  perform pg_catalog.set_config('zoe.actor', 'broker', true);
  for v_report in select r.value from pg_catalog.jsonb_array_elements(p_reports) with ordinality as r (value, position) order by r.position loop
    v_answers := v_answers || private.apply_report(v_report);
  end loop;
  perform pg_catalog.set_config('zoe.actor', coalesce(v_actor, ''), true);
  perform private.take_snapshots(m.mode)
  from (select distinct f.mode from public.crypto_fills as f where f.seq > coalesce(v_seq, 0)) as m;
  return v_answers;
end
$$;
comment on function private.apply_reports is
  'Folds reports in the order given: fills, lots, ledger, positions, order and intent status, replacements. Answers one object a report.';
alter function private.apply_reports owner to zoe_engine;
grant execute on function private.apply_reports to service_role;

create function public.apply_execution_reports(reports jsonb) returns jsonb
language sql security invoker set search_path = ''
return private.apply_reports(reports);
comment on function public.apply_execution_reports is 'Folds execution reports of the broker into the book. For the engine''s functions alone.';
grant execute on function public.apply_execution_reports to service_role;
