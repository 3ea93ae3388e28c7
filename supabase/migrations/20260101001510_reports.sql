-- What the broker says, folded into orders: definite answers move an order, the rest only its next look.

alter table public.crypto_orders
  add column reported_at timestamptz, add column not_found_at timestamptz, add column settled_at timestamptz;
comment on column public.crypto_orders.reported_at is 'When the newest folded report was observed; an older one can''t contradict it.';
comment on column public.crypto_orders.not_found_at is 'When the last counted "not found" was observed; the same observation counts once.';
comment on column public.crypto_orders.settled_at is 'When a person last said how it ended: from then on answers that can''t be used are no reason to ask on.';

create type private.broker_report as (
  order_id uuid, kind text, symbol text, side text, state text, filled_qty numeric, average_price numeric, fee numeric, fee_currency text,
  broker_order_id text, fills jsonb, reason text, observed_at timestamptz, told_at timestamptz, lease_token bigint, replacement_price numeric,
  problem text, is_outdated boolean
);
comment on type private.broker_report is
  'A report as read from the wire; told_at is when the broker says it was observed, observed_at what we believe; problem says what is wrong with it; is_outdated: it tells what a person has corrected since.';

create function private.back_off(p_attempts integer, p_first_seconds integer, p_longest_seconds integer) returns interval
language plpgsql immutable set search_path = ''
as $$
begin
  return pg_catalog.make_interval(secs => least(p_first_seconds * 2 ^ least(greatest(p_attempts, 0), 12), p_longest_seconds));
end
$$;
comment on function private.back_off is 'How long to wait after p_attempts attempts: doubles from the first to the longest.';
alter function private.back_off owner to zoe_engine;

create function private.knob_interval(p_key text) returns interval
language plpgsql stable security definer set search_path = ''
as $$
begin
  return pg_catalog.make_interval(secs => private.knob_number(p_key)::double precision);
end
$$;
comment on function private.knob_interval is 'A knob in seconds as an interval.';
alter function private.knob_interval owner to zoe_engine;

create function private.phase(p_status text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case when p_status in ('filled', 'canceled', 'expired', 'rejected') then 'closed' else 'live' end;
end
$$;
comment on function private.phase is 'live as long as the order may still trade at the broker, or soon will; closed after that.';
alter function private.phase owner to zoe_engine;

create function private.ask_again(o public.crypto_orders, p_attempts integer, p_longest_seconds integer) returns timestamptz
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_over interval := private.clock() - coalesce(o.watch_until, o.closed_at);
begin
  if private.phase(o.status) = 'live' or v_over <= interval '0' then
    return private.clock() + private.back_off(p_attempts, 5, p_longest_seconds);
  end if;
  if o.status = 'filled' or o.settled_at is not null and not o.unresolved then return null; end if;
  return private.clock() + greatest(private.back_off(p_attempts, 5, p_longest_seconds), least(v_over / 8, interval '1 hour'));
end
$$;
comment on function private.ask_again is
  'When an order is asked about again after an answer that explained nothing. A closed one whose watch is over ever more rarely, at last once an hour; null when it is filled, or a person has settled it.';
alter function private.ask_again owner to zoe_engine;

create function private.asked_rarely() returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return 'it is asked about ever more rarely, at last once an hour, until it is explained or somebody settles it';
end
$$;
comment on function private.asked_rarely is 'What a person is told of a closed order that gets no usable answer.';
alter function private.asked_rarely owner to zoe_engine;

create function private.can_be_settled(o public.crypto_orders) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return o.unresolved or private.phase(o.status) = 'closed' and o.status <> 'filled' and o.last_error is not null and o.next_action_at is not null;
end
$$;
comment on function private.can_be_settled is 'Whether a person may say how an order ended: its fate is unknown, or it is closed and what the broker tells of it can''t be used.';
grant execute on function private.can_be_settled to authenticated;
alter function private.can_be_settled owner to zoe_engine;

create function private.may_be_alive(p_order public.crypto_orders) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return coalesce(p_order.status = 'rejected' and p_order.reject_reason in ('never_reached_broker', 'vanished'), false);
end
$$;
comment on function private.may_be_alive is
  'Whether an order was closed only because the broker did not find it: a report that it works brings it back.';
alter function private.may_be_alive owner to zoe_engine;

create function private.parse_report(p_report jsonb) returns private.broker_report
language plpgsql stable set search_path = ''
as $$
declare
  r private.broker_report;
begin
  r.order_id := case when pg_catalog.pg_input_is_valid(p_report ->> 'order_id', 'uuid') then (p_report ->> 'order_id')::uuid end;
  r.kind := p_report ->> 'kind';
  -- Before anything that may be unreadable: a report stands under its lease whatever is wrong with it.
  r.lease_token := (p_report ->> 'lease_token')::bigint;
  r.observed_at := private.clock();
  r.told_at := coalesce((p_report ->> 'observed_at')::timestamptz, r.observed_at);
  -- A clock that runs ahead must not make later reports look old.
  r.observed_at := case when r.told_at <= r.observed_at + private.clock_leeway() then r.told_at else r.observed_at end;
  r.symbol := p_report ->> 'symbol';
  r.side := p_report ->> 'side';
  r.state := p_report ->> 'state';
  r.reason := pg_catalog.left(p_report ->> 'reason', 500);
  r.broker_order_id := p_report ->> 'broker_order_id';
  r.fills := case when pg_catalog.jsonb_typeof(p_report -> 'fills') = 'array' then p_report -> 'fills' else '[]' end;
  r.filled_qty := private.read_amount(p_report, 'filled_qty');
  r.average_price := private.read_amount(p_report, 'average_price');
  r.fee := private.read_amount(p_report, 'fee');
  r.fee_currency := nullif(pg_catalog.upper(pg_catalog.btrim(p_report ->> 'fee_currency')), '');
  r.replacement_price := private.read_amount(p_report, 'replacement_price');
  r.problem := case
    when r.kind is null or r.kind not in ('report', 'refused', 'cancel_refused', 'cancel_requested', 'not_found', 'unavailable', 'throttled')
      then pg_catalog.format('kind is %s', coalesce(r.kind, 'missing'))
    when r.kind = 'report' and coalesce(r.state, '') not in ('working', 'partially_filled', 'filled', 'canceled', 'expired', 'rejected')
      then pg_catalog.format('state is %s', coalesce(r.state, 'missing'))
    when r.kind = 'report' and r.filled_qty is null and r.state in ('canceled', 'expired', 'filled') and (r.state <> 'filled' or r.fills = '[]')
      then pg_catalog.format('filled_qty is missing though it is %s', r.state)
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

create function private.is_told(p_order_id uuid, p_kind text, p_reason text) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return exists (select from public.order_events as e where e.order_id = p_order_id and e.event_type = p_kind and e.reason = p_reason);
end
$$;
comment on function private.is_told is 'Whether just this was told of an order before.';
alter function private.is_told owner to zoe_engine;

create function private.order_flags() returns text[]
language plpgsql immutable set search_path = ''
as $$
begin
  return array['overfill', 'contradictory_report', 'odd_report', 'closed_order_unanswered', 'late_fill', 'back_from_absent', 'vanished_order'];
end
$$;
comment on function private.order_flags is 'The alerts about something that was told of an order once: seen is done.';
alter function private.order_flags owner to zoe_engine;

create function private.flag_order(p_order public.crypto_orders, p_kind text, p_reason text, p_evidence jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.note_order(p_order, p_kind, p_reason, p_evidence);
  perform private.open_alert(
    p_kind, p_order.id::text, p_order.mode,
    case when p_kind in ('late_fill', 'odd_report', 'closed_order_unanswered') then 'warning' else 'critical' end,
    case p_kind
      when 'overfill' then 'More was filled than was ordered or held'
      when 'late_fill' then 'A fill arrived after its order was closed'
      when 'back_from_absent' then 'An order that was proven absent is alive at the broker'
      when 'odd_report' then 'Something the broker told was booked and is odd'
      when 'closed_order_unanswered' then 'A closed order gets no usable answer'
      else 'The broker''s reports contradict each other'
    end,
    pg_catalog.format('%s %s %s %s: %s', p_order.symbol, p_order.side, p_order.purpose, p_order.id, p_reason),
    case p_kind
      when 'closed_order_unanswered' then 'Look it up in the broker''s own record, and settle it in its story.'
      when 'late_fill' then 'Nothing, if position and cash agree with the broker. Acknowledge when seen.'
      else 'Compare the order''s timeline with the broker''s own record, then acknowledge. What the broker took back or changed is corrected in the order''s story, or with correct_order(...).'
    end,
    p_evidence
  );
end
$$;
comment on function private.flag_order is 'Records what is odd about an order as an event and an alert keyed by the order.';
alter function private.flag_order owner to zoe_engine;
