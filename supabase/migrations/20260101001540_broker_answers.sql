-- The other answers of a broker: refusals, "not found", and those that prove nothing.

create function private.flag_unsent(o public.crypto_orders, r private.broker_report) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if r.observed_at <= o.reported_at then return; end if;
  perform private.flag_order(
    o, 'contradictory_report', pg_catalog.format('reported %s, but it was never handed over', r.state), pg_catalog.to_jsonb(r)
  );
  update public.crypto_orders as c set reported_at = r.observed_at where c.id = o.id;
end
$$;
comment on function private.flag_unsent is 'Tells of a report on an order that was never sent: it can''t be true, and nothing is booked.';
alter function private.flag_unsent owner to zoe_engine;

create function private.cancel_again(o public.crypto_orders) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if o.cancel_reason_code <> 'corrected' and not private.orders_the_rest(o.cancel_reason_code) then
    perform private.cancel_orders(array[o.id], o.cancel_reason_code, o.cancel_requested_by);
  end if;
  perform private.cancel_halted_entries(o.mode);
end
$$;
comment on function private.cancel_again is
  'An order that is alive after all: asks again for the cancel that had been asked for, or for the one that a halt asks for since.';
alter function private.cancel_again owner to zoe_engine;

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
      o, 'contradictory_report', pg_catalog.format('placement refused (%s) though it is %s', coalesce(r.reason, 'no reason'), o.status),
      pg_catalog.to_jsonb(r)
    );
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
        when not v_is_refused then private.back_off(c.attempts - 1, 2, 30)
        when c.cancel_reason_code = 'reprice' then pg_catalog.make_interval(secs => c.ttl_seconds)
        else interval '5 seconds'
      end
  where c.id = o.id;
  return v_is_refused;
end
$$;
comment on function private.apply_cancel_answer is
  'A refused cancel puts the order back to work; an accepted one proves nothing yet: it is looked at and asked for again, with back-off.';
alter function private.apply_cancel_answer owner to zoe_engine;

create function private.watch_closed(o public.crypto_orders, r private.broker_report) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_count integer := o.not_found_count + 1;
  v_since timestamptz := coalesce(o.not_found_since, v_now);
  v_next timestamptz := coalesce(
    private.next_look(o, o.status, o.attempts + 1, o.watch_until),
    -- What the broker once knew and does not find is no last word: a fill may still be told.
    case when o.unresolved or o.acknowledged_at is not null and (
      v_count < 3 or v_now - v_since < interval '30 seconds'
      or v_now < o.watch_until + private.knob_interval('LATE_FILL_WATCH_SECONDS')
    ) then private.ask_again(o, o.attempts, 120) end
  );
begin
  update public.crypto_orders as c
  set attempts = c.attempts + 1, not_found_count = v_count, not_found_since = v_since, not_found_at = r.observed_at, next_action_at = v_next,
      lease_owner = case when v_next is not null then c.lease_owner end,
      lease_token = case when v_next is not null then c.lease_token end,
      lease_expires_at = case when v_next is not null then c.lease_expires_at end
  where c.id = o.id;
end
$$;
comment on function private.watch_closed is
  'A closed order that is not found stays what it is. One the broker once acknowledged is asked about for as long again, and until three answers over thirty seconds agree.';
alter function private.watch_closed owner to zoe_engine;

create function private.note_vanished(o public.crypto_orders, r private.broker_report) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_count integer := o.not_found_count + 1;
  v_since timestamptz := coalesce(o.not_found_since, v_now);
begin
  if r.observed_at <= o.reported_at then return; end if;
  if not o.unresolved then
    perform private.flag_order(
      o, 'contradictory_report', pg_catalog.format('not found at the broker though it was %s', o.status), pg_catalog.to_jsonb(r)
    );
  end if;
  update public.crypto_orders as c
  set unresolved = true, not_found_count = v_count, not_found_since = v_since, not_found_at = r.observed_at,
      vanished_at = coalesce(c.vanished_at, case when v_count >= 5 and v_now - v_since >= interval '5 minutes' then v_now end),
      attempts = c.attempts + 1, last_error = 'not found at the broker', next_action_at = v_now + private.back_off(c.attempts, 5, 30)
  where c.id = o.id;
end
$$;
comment on function private.note_vanished is
  'An order the broker once acknowledged can''t be proven absent by that alone: it is unresolved, and a person is told. vanished_at: when five answers over five minutes had said so.';
alter function private.note_vanished owner to zoe_engine;

create function private.prove_absent(o public.crypto_orders) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update public.crypto_orders as c
  set status = 'rejected', reject_reason = 'never_reached_broker', unresolved = false, closed_at = private.clock(), attempts = 0,
      watch_until = private.clock() + private.knob_interval('LATE_FILL_WATCH_SECONDS'),
      next_action_at = private.clock() + interval '5 seconds', lease_owner = null, lease_token = null, lease_expires_at = null
  where c.id = o.id;
end
$$;
comment on function private.prove_absent is 'The order never reached the broker; it is still watched, in case that turns out wrong.';
alter function private.prove_absent owner to zoe_engine;

create function private.apply_not_found(o public.crypto_orders, r private.broker_report) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_count integer := o.not_found_count + 1;
  v_since timestamptz := coalesce(o.not_found_since, v_now);
begin
  if r.observed_at <= o.not_found_at or o.status = 'new' then return false; end if;
  if private.phase(o.status) = 'closed' then
    perform private.watch_closed(o, r);
    return false;
  end if;
  if o.acknowledged_at is not null then
    perform private.note_vanished(o, r);
    return false;
  end if;
  perform private.note_order(o, 'not_found', pg_catalog.format('not found %s times since %s', v_count, private.iso(v_since)));
  update public.crypto_orders as c
  set not_found_count = v_count, not_found_since = v_since, not_found_at = r.observed_at, attempts = 0, unresolved = true,
      next_action_at = v_now + interval '10 seconds'
  where c.id = o.id;
  if v_count >= 3 and v_now - v_since >= interval '30 seconds' then perform private.prove_absent(o); end if;
  return true;
end
$$;
comment on function private.apply_not_found is
  'Counts a definite "not found". Three over thirty seconds prove that an order nobody ever acknowledged never reached the broker.';
alter function private.apply_not_found owner to zoe_engine;

create function private.apply_no_answer(o public.crypto_orders, r private.broker_report) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_is_late boolean := private.phase(o.status) = 'closed' and private.clock() > coalesce(o.watch_until, o.closed_at) + interval '1 hour';
begin
  if o.status = 'new' or o.next_action_at is null then return false; end if;
  if o.last_error is null then perform private.note_order(o, r.kind, r.reason); end if;
  if v_is_late and not private.is_told(o.id, 'closed_order_unanswered', private.asked_rarely()) then
    perform private.flag_order(o, 'closed_order_unanswered', private.asked_rarely(), pg_catalog.to_jsonb(r));
  end if;
  update public.crypto_orders as c
  set attempts = c.attempts + 1, last_error = r.kind || coalesce(': ' || r.reason, ''),
      next_action_at = case r.kind
        when 'throttled' then greatest(private.ask_again(o, c.attempts, 60), private.clock() + private.back_off(c.attempts, 10, 60))
        else private.ask_again(o, c.attempts, 30)
      end
  where c.id = o.id;
  return false;
end
$$;
comment on function private.apply_no_answer is 'A timeout, an outage or a throttle proves nothing: the order stays what it is and is looked at later, a closed one ever more rarely.';
alter function private.apply_no_answer owner to zoe_engine;
