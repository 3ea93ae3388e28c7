-- Claims: orders are sent, queried and canceled under a lease with a fencing token, by one worker at a time.

create index crypto_orders_by_lease on public.crypto_orders (lease_owner) where lease_owner is not null;

create function private.order_action(p_status text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case p_status when 'new' then 'send' when 'cancel_pending' then 'cancel' else 'query' end;
end
$$;
comment on function private.order_action is 'What is to be done with a due order: send it once, cancel it, or ask the broker about it.';
grant execute on function private.order_action to zoe_engine;

create function private.describe_order(p public.crypto_orders, p_action text) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  return pg_catalog.jsonb_build_object(
    'id', (p).id, 'intent_group_id', (p).intent_group_id, 'mode', (p).mode, 'engine', (p).engine, 'symbol', (p).symbol,
    'side', (p).side, 'purpose', (p).purpose, 'urgency', (p).urgency, 'status', (p).status, 'unresolved', (p).unresolved,
    'qty', pg_catalog.trim_scale((p).qty)::text, 'filled_qty', pg_catalog.trim_scale((p).filled_qty)::text,
    'remaining_qty', pg_catalog.trim_scale(greatest((p).qty - (p).filled_qty, 0))::text,
    'limit_price', pg_catalog.trim_scale((p).limit_price)::text, 'average_price', pg_catalog.trim_scale((p).average_price)::text,
    'fee', pg_catalog.trim_scale((p).fee)::text, 'replace_count', (p).replace_count, 'ttl_seconds', (p).ttl_seconds,
    'next_action_at', private.iso((p).next_action_at), 'submitted_at', private.iso((p).submitted_at),
    'max_reached_at', private.iso((select i.max_reached_at from public.order_intents as i where i.id = (p).intent_group_id)),
    'acknowledged_at', private.iso((p).acknowledged_at), 'cancel_reason_code', (p).cancel_reason_code,
    'cancel_requested_at', private.iso((p).cancel_requested_at), 'broker_order_id', (p).broker_order_id,
    'not_found_count', (p).not_found_count, 'attempts', (p).attempts, 'watch_until', private.iso((p).watch_until),
    'lease_token', (p).lease_token, 'action', p_action
  );
end
$$;
comment on function private.describe_order is 'A claimed order as the wire has it: amounts as text, times in ISO 8601.';
grant execute on function private.describe_order to zoe_engine;

create function private.stop_halted_sends() returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.cancel_halted_entries(a.mode, true) from public.accounts as a order by a.mode;
  perform private.cancel_unarmed_entries(true);
end
$$;
comment on function private.stop_halted_sends is
  'The guards once more before anything is sent: what is halted now is canceled, unsent entries on the spot.';
grant execute on function private.stop_halted_sends to zoe_engine;

create function private.claim_orders(p_run_id uuid, p_token bigint, p_limit integer, p_actions text[] default null) returns setof jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz;
begin
  perform private.commit_durably();
  perform private.lock_account('live');
  perform private.lock_account('paper');
  perform private.stop_halted_sends();
  perform private.flatten_when_quiet();
  v_now := private.clock();
  return query
  with due as (
    select o.id, private.order_action(o.status) as action, row_number() over (
      order by o.status = 'cancel_pending' desc, o.status = 'new' desc, o.side = 'sell' desc, o.next_action_at, o.id
    ) as place
    from public.crypto_orders as o
    where o.next_action_at <= v_now and (o.lease_expires_at is null or o.lease_expires_at <= v_now)
      and (p_actions is null or private.order_action(o.status) = any (p_actions))
    order by place
    limit p_limit
  ), claimed as (
    update public.crypto_orders as o
    set status = case o.status when 'new' then 'submitted' else o.status end,
        unresolved = o.unresolved or o.status = 'new',
        submitted_at = case o.status when 'new' then v_now else o.submitted_at end,
        lease_owner = p_run_id, lease_token = p_token, lease_expires_at = v_now + interval '60 seconds', claimed_for = d.action
    from due as d
    where o.id = d.id
    returning o, d.action, d.place
  )
  select private.describe_order(c.o, c.action) from claimed as c order by c.place;
end
$$;
comment on function private.claim_orders is
  'Leases the due orders to a run for 60 s. A new one becomes submitted here and is handed out for sending this once; after that it is only queried. p_actions narrows to send, query or cancel.';
alter function private.claim_orders owner to zoe_engine;

create function private.release_claims(p_run_id uuid) returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz;
  v_count integer;
  v_is_untold boolean;
begin
  perform private.lock_accounts();
  v_now := private.clock();
  with released as (
    update public.crypto_orders as o
    set lease_owner = null, lease_token = null, lease_expires_at = null,
        next_action_at = case
          -- Its cancel was asked for while the run was at something else: nobody has told the broker, whatever it said meanwhile.
          when o.status = 'cancel_pending' and o.claimed_for <> 'cancel' then v_now
          when o.next_action_at is not null then greatest(o.next_action_at, v_now + interval '1 second')
        end
    where o.lease_owner = p_run_id
    returning o.next_action_at <= v_now as is_untold
  )
  select pg_catalog.count(*), pg_catalog.bool_or(r.is_untold) into v_count, v_is_untold from released as r;
  if v_is_untold then perform private.wake('reposition-tick', 'a cancel was asked for meanwhile'); end if;
  return v_count;
end
$$;
comment on function private.release_claims is
  'Gives back a run''s leases when it ends: an order nobody reported on is due again a second later, one whose cancel was asked for meanwhile at once.';
alter function private.release_claims owner to zoe_engine;

create function private.apply_decision(p_order public.crypto_orders, p_decision jsonb) returns boolean
language plpgsql set search_path = ''
as $$
declare
  v_action text := p_decision ->> 'action';
  v_now timestamptz := private.clock();
  v_counts boolean := coalesce((p_decision ->> 'count')::boolean, false);
  v_ttl integer := private.ttl_seconds(p_order.purpose);
begin
  if v_action in ('keep', 'reprice') and private.must_go(p_order) then return true; end if;
  if v_action = 'keep' then
    update public.crypto_orders as o
    set ttl_seconds = v_ttl, next_action_at = v_now + pg_catalog.make_interval(secs => v_ttl),
        replace_count = o.replace_count + v_counts::integer
    where o.id = p_order.id;
    if v_counts and p_order.replace_count + 1 >= private.knob_number('MAX_REPRICE_ATTEMPTS') then
      update public.order_intents as i set max_reached_at = v_now, updated_at = v_now
      where i.id = p_order.intent_group_id and i.max_reached_at is null;
    end if;
    return false;
  end if;
  if v_action not in ('cancel', 'reprice') or v_action is null then
    raise exception 'A decision is cancel, reprice, keep or escalate, not %.', coalesce(v_action, 'null') using errcode = 'PT400';
  end if;
  perform private.cancel_orders(
    array[p_order.id], case v_action when 'reprice' then 'reprice' else coalesce(p_decision ->> 'reason', 'policy') end, private.actor()
  );
  return true;
end
$$;
comment on function private.apply_decision is 'Carries out one decision of the policy on a leased order; true when the broker has to be told.';
grant execute on function private.apply_decision to zoe_engine;

create function private.escalate_exit(p_order_id uuid) returns void
language plpgsql set search_path = ''
as $$
declare
  v_intent_id uuid;
begin
  update public.crypto_orders as o set urgency = 'stop_loss', next_action_at = private.clock()
  where o.id = p_order_id and o.purpose <> 'entry' and o.urgency = 'passive'
    and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  returning o.intent_group_id into v_intent_id;
  if v_intent_id is null then return; end if;
  update public.order_intents as i set urgency = 'stop_loss', updated_at = private.clock() where i.id = v_intent_id;
  perform private.wake('reposition-tick', 'a passive exit became a stop-loss');
end
$$;
comment on function private.escalate_exit is
  'The stop is hit while a passive exit is on its way: from now on it follows the bid. Nothing to do for entries and closed orders.';
grant execute on function private.escalate_exit to zoe_engine;

create function private.apply_decisions(p_run_id uuid, p_token bigint, p_decisions jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_decision jsonb;
  o public.crypto_orders;
  v_result jsonb := '[]';
begin
  perform private.lock_accounts();
  for v_decision in select * from pg_catalog.jsonb_array_elements(coalesce(p_decisions, '[]')) loop
    if v_decision ->> 'action' = 'escalate' then
      perform private.escalate_exit((v_decision ->> 'order_id')::uuid);
      continue;
    end if;
    select * into o from public.crypto_orders as k
    where k.id = (v_decision ->> 'order_id')::uuid and k.lease_owner = p_run_id and k.lease_token = p_token
      and k.lease_expires_at > private.clock() and private.is_live(k.status);
    continue when o.id is null;
    if v_decision ->> 'alert' is not null then
      perform private.alert_decision(o, v_decision ->> 'alert');
    end if;
    if private.apply_decision(o, v_decision) then
      update public.crypto_orders as k set claimed_for = 'cancel' where k.id = o.id and k.status = 'cancel_pending' returning k.* into o;
      if found then v_result := v_result || private.describe_order(o, 'cancel'); end if;
    end if;
  end loop;
  return v_result;
end
$$;
comment on function private.apply_decisions is
  'Carries out what the policy decided on orders this run still holds, and returns those to cancel at the broker now. A lost lease changes nothing; escalate needs none.';
alter function private.apply_decisions owner to zoe_engine;

create function private.alert_decision(p public.crypto_orders, p_kind text) returns void
language plpgsql set search_path = ''
as $$
begin
  perform private.open_alert(
    p_kind, p.id::text, p.mode, 'warning',
    case p_kind
      when 'liquidity_guard_exit' then pg_catalog.format('Exit of %s waits for a narrower spread', p.symbol)
      else pg_catalog.format('Exit of %s without a fresh quote', p.symbol)
    end,
    case p_kind
      when 'liquidity_guard_exit' then pg_catalog.format('The spread is above LIQUIDITY_GUARD_SPREAD_PCT; the exit stays at %s.', p.limit_price)
      else pg_catalog.format('The exit stays at %s until quotes return.', p.limit_price)
    end,
    'Wait, or cancel the order and sell by hand.', pg_catalog.jsonb_build_object('order_id', p.id, 'symbol', p.symbol)
  );
end
$$;
comment on function private.alert_decision is 'Tells a person about an exit that can''t follow the market.';
grant execute on function private.alert_decision to zoe_engine;
