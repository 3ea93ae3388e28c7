-- Cancels: one door for engine, operator, kill switch, safe mode and degraded.

create function private.end_unsent_intents(p_order_ids uuid[]) returns void
language plpgsql set search_path = ''
as $$
begin
  update public.order_intents as i
  set status = case
        when exists (select from public.crypto_orders as f where f.intent_group_id = i.id and f.filled_qty > 0) then 'partially_filled'
        else 'canceled'
      end,
      updated_at = private.clock()
  where i.status = 'active'
    and i.id in (select o.intent_group_id from public.crypto_orders as o where o.id = any (p_order_ids) and o.status = 'canceled')
    and not exists (
      select from public.crypto_orders as l
      where l.intent_group_id = i.id and l.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
    );
end
$$;
comment on function private.end_unsent_intents is 'Ends the intents whose last order was canceled before it was ever sent.';
grant execute on function private.end_unsent_intents to zoe_engine;

create function private.orders_the_rest(p_reason text) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return p_reason in ('reprice', 'late_fill', 'back_from_absent', 'vanished');
end
$$;
comment on function private.orders_the_rest is
  'Whether a cancel of this reason is the engine''s own, after which the chain may go on. Whoever wants the order gone wins over it and has another reason.';
grant execute on function private.orders_the_rest to zoe_engine;

create function private.cancel_orders(p_order_ids uuid[], p_reason text, p_actor text) returns setof uuid
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.actor();
  v_now timestamptz;
  v_changed uuid[];
  v_unsent uuid[];
begin
  if coalesce(pg_catalog.cardinality(p_order_ids), 0) = 0 then return; end if;
  perform private.lock_accounts();
  perform private.set_actor(p_actor);
  v_now := private.clock();
  with changed as (
    update public.crypto_orders as o
    set status = case o.status when 'new' then 'canceled' else 'cancel_pending' end,
        cancel_reason_code = p_reason, cancel_requested_by = p_actor,
        cancel_requested_at = case o.status when 'cancel_pending' then o.cancel_requested_at else v_now end,
        attempts = case o.status when 'cancel_pending' then o.attempts else 0 end,
        next_action_at = case o.status when 'new' then null else v_now end
    where o.id = any (p_order_ids)
      and (
        o.status in ('new', 'submitted', 'working', 'partially_filled')
        or (
          o.status = 'cancel_pending' and private.orders_the_rest(o.cancel_reason_code)
          and p_reason not in ('reprice', 'late_fill', o.cancel_reason_code)
        )
      )
    returning o.id, o.status
  )
  select pg_catalog.array_agg(c.id), pg_catalog.array_agg(c.id) filter (where c.status = 'canceled') into v_changed, v_unsent from changed as c;
  if v_changed is not null then
    if v_unsent is not null then perform private.end_unsent_intents(v_unsent); end if;
    perform private.wake('reposition-tick', 'cancel: ' || p_reason);
  end if;
  perform private.set_actor(v_actor);
  return query select pg_catalog.unnest(v_changed);
end
$$;
comment on function private.cancel_orders is
  'Asks for cancels: never sent -> canceled at once, else cancel_pending until the broker proves it; the engine''s own way to the rest becomes a real cancel. Returns what changed.';
alter function private.cancel_orders owner to zoe_engine;

create function private.cancel_halted_entries(p_mode text, p_due_only boolean default false) returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_halt text := (select h.code from private.halts(p_mode) as h limit 1);
  v_exits_too boolean := v_halt = 'KILL_SWITCH' and private.knob_boolean('KILL_SWITCH_CANCELS_EXITS');
  v_now timestamptz := private.clock();
  v_count integer;
begin
  if v_halt is null then return 0; end if;
  select count(*) into v_count from private.cancel_orders(array(
    select o.id from public.crypto_orders as o
    where o.mode = p_mode and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
      and (o.purpose = 'entry' or (o.purpose = 'exit' and v_exits_too))
      and (not p_due_only or (o.next_action_at <= v_now and coalesce(o.lease_expires_at <= v_now, true)))
  ), pg_catalog.lower(v_halt), pg_catalog.lower(v_halt));
  return v_count;
end
$$;
comment on function private.cancel_halted_entries is
  'While entries of a mode are halted: cancels the live ones, and exits too when KILL_SWITCH_CANCELS_EXITS. Returns how many. Asked again as often as a broker refuses.';
alter function private.cancel_halted_entries owner to zoe_engine;

create function private.cancel_unarmed_entries(p_due_only boolean default false) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  perform private.cancel_orders(array(
    select o.id from public.crypto_orders as o
    where o.purpose = 'entry' and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
      and (not p_due_only or (o.next_action_at <= v_now and coalesce(o.lease_expires_at <= v_now, true)))
      and private.check_state_guards(o.mode, o.engine, 'entry') ->> 'code' = 'MODE_NOT_ARMED'
  ), 'mode_not_armed', 'guards');
end
$$;
comment on function private.cancel_unarmed_entries is
  'Cancels the live entries of an engine that is disabled or works in another mode now, and all live ones without the arming phrase. Asked again as often as a broker refuses.';
alter function private.cancel_unarmed_entries owner to zoe_engine;

create function private.cancel_for_kill_switch() returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.cancel_halted_entries(a.mode) from public.accounts as a order by a.mode;
  perform private.wake('reposition-tick', 'kill switch');
end
$$;
comment on function private.cancel_for_kill_switch is 'What a kill does in its own transaction: cancels in both modes, and wakes the reposition tick.';
alter function private.cancel_for_kill_switch owner to zoe_engine;

create function private.must_go(p_order public.crypto_orders) returns boolean
language plpgsql set search_path = ''
as $$
begin
  if p_order.purpose = 'entry' and exists (
    select from public.crypto_orders as s
    where s.mode = p_order.mode and s.symbol = p_order.symbol and s.side = 'sell'
      and s.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  ) then
    perform private.cancel_orders(array[p_order.id], 'exit_first', private.actor());
  elsif p_order.parent_order_id is not null then
    perform private.shrink_child(i, p_order.id) from public.order_intents as i where i.id = p_order.intent_group_id;
  end if;
  return (select o.status = 'cancel_pending' from public.crypto_orders as o where o.id = p_order.id);
end
$$;
comment on function private.must_go is
  'Whether an order is to be canceled whatever the policy says: somebody asked meanwhile, or the broker refused when an exit overtook it or a late fill left less to order. Asks again then.';
grant execute on function private.must_go to zoe_engine;
