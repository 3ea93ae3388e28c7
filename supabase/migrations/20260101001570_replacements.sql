-- The chain goes on or ends: replacement children, late fills against a live child, and recovery of intents left without an order.

create function private.insert_child(
  p_intent public.order_intents, p_parent public.crypto_orders, p_qty numeric, p_price numeric
) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  v_most integer := private.knob_number('MAX_REPRICE_ATTEMPTS')::integer;
  v_child public.crypto_orders;
begin
  insert into public.crypto_orders (
    intent_group_id, parent_order_id, engine, mode, symbol, side, purpose, urgency, qty, limit_price, replace_count, ttl_seconds,
    next_action_at, trace_id, requested_at
  )
  values (
    p_intent.id, p_parent.id, p_parent.engine, p_parent.mode, p_parent.symbol, p_parent.side, p_parent.purpose, p_parent.urgency,
    p_qty, p_price, case when p_parent.replace_count >= v_most then p_parent.replace_count else p_parent.replace_count + 1 end,
    private.ttl_seconds(p_parent.purpose),
    private.clock(), coalesce(private.trace_id(), p_parent.trace_id), private.clock()
  )
  returning * into v_child;
  update public.order_intents as i
  set max_reached_at = private.clock(), updated_at = private.clock()
  where i.id = p_intent.id and i.max_reached_at is null and v_child.replace_count >= v_most;
  return v_child.id;
end
$$;
comment on function private.insert_child is 'Writes the next order of a chain. Attempts count up to the maximum and stand there; when it is reached is noted.';
alter function private.insert_child owner to zoe_engine;

create function private.create_replacement(p_order_id uuid, p_price numeric) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  v_parent public.crypto_orders;
  v_intent public.order_intents;
  v_price numeric;
  v_qty numeric;
  v_denial jsonb;
begin
  perform private.lock_accounts();
  select * into strict v_parent from public.crypto_orders as o where o.id = p_order_id;
  select * into strict v_intent from public.order_intents as i where i.id = v_parent.intent_group_id;
  if private.phase(v_parent.status) = 'live' or v_intent.status <> 'active'
    or exists (select from public.crypto_orders as o where o.parent_order_id = p_order_id) then
    return null;
  end if;
  v_price := private.touch_price(v_parent, p_price);
  if v_price is null or exists (
    select from public.crypto_orders as o
    where o.mode = v_parent.mode and o.symbol = v_parent.symbol and (o.side = v_parent.side or v_intent.purpose = 'entry')
      and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  ) then
    if v_intent.purpose = 'entry' then perform private.end_intent(v_intent, v_parent); end if;
    return null;
  end if;
  v_qty := private.rest_of(v_intent, v_price);
  if v_qty > 0 and v_intent.purpose = 'entry' then
    v_denial := coalesce(
      private.check_state_guards(v_intent.mode, v_intent.engine, v_intent.purpose),
      private.check_money_guards(v_intent.mode, v_intent.engine, v_intent.symbol, v_qty, v_price, v_intent.id)
    );
  end if;
  if v_qty = 0 or v_denial is not null then
    if v_denial is not null then
      perform private.note_order(v_parent, 'replacement_denied', v_denial ->> 'code', v_denial);
    end if;
    perform private.end_intent(v_intent, v_parent);
    return null;
  end if;
  return private.insert_child(v_intent, v_parent, v_qty, v_price);
end
$$;
comment on function private.create_replacement is
  'Orders the rest of a closed order anew, in the transaction that books the proof. Entries pass the guards again; below the minimum the intent ends. Null: no child.';
alter function private.create_replacement owner to zoe_engine;

create function private.shrink_child(p_intent public.order_intents, p_child_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_child public.crypto_orders;
  v_chain record;
  v_rest numeric;
begin
  select * into v_child from public.crypto_orders as o where o.id = p_child_id;
  select * into v_chain from private.chain_of(p_intent.id);
  v_rest := v_chain.wanted_qty - v_chain.filled_qty;
  if p_intent.purpose = 'entry' then
    v_rest := least(v_rest, (p_intent.target_notional - v_chain.filled_notional) / v_child.limit_price);
  else
    v_rest := least(v_rest, (select p.qty from public.positions as p where p.mode = v_child.mode and p.symbol = v_child.symbol));
  end if;
  if v_child.remaining_qty <= v_rest or v_child.status = 'cancel_pending' then return; end if;
  if v_child.status = 'new' and private.rest_of(p_intent, v_child.limit_price) > 0 then
    update public.crypto_orders as o set qty = private.rest_of(p_intent, v_child.limit_price) where o.id = p_child_id;
  else
    perform private.cancel_orders(array[p_child_id], 'late_fill', 'broker');
    select * into v_child from public.crypto_orders as o where o.id = p_child_id;
    if v_child.status = 'canceled' then perform private.end_intent(p_intent, v_child); end if;
  end if;
end
$$;
comment on function private.shrink_child is
  'After a late fill the live child may only order what is left: smaller when it was not handed over yet, else canceled and replaced by the rest.';
alter function private.shrink_child owner to zoe_engine;

create function private.shrink_other_sells(o public.crypto_orders) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.shrink_child(i, l.id)
  from public.crypto_orders as l join public.order_intents as i on i.id = l.intent_group_id
  where l.mode = o.mode and l.symbol = o.symbol and l.side = 'sell' and l.intent_group_id <> o.intent_group_id
    and l.status in ('new', 'submitted', 'working', 'partially_filled');
end
$$;
comment on function private.shrink_other_sells is
  'After a late fill of a sell that had been given up: another exit of the symbol may only ask for what is still held.';
alter function private.shrink_other_sells owner to zoe_engine;

create function private.settle_intent(p_intent_id uuid, p_price numeric default null) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  v_intent public.order_intents;
  v_last public.crypto_orders;
  v_chain record;
begin
  select * into strict v_intent from public.order_intents as i where i.id = p_intent_id;
  select * into v_chain from private.chain_of(p_intent_id);
  if v_chain.live_id is not null then
    if v_intent.status <> 'active' then
      update public.order_intents as i set status = 'active', updated_at = private.clock() where i.id = p_intent_id;
    end if;
    perform private.shrink_child(v_intent, v_chain.live_id);
    return null;
  end if;
  select * into v_last from public.crypto_orders as o
  where o.intent_group_id = p_intent_id order by o.closed_at desc, o.requested_at desc limit 1;
  if not private.goes_on(v_intent, v_last) or (v_intent.purpose <> 'entry' and not private.is_held(v_intent.mode, v_intent.symbol)) then
    if v_chain.filled_qty > 0 or not v_chain.is_unresolved then perform private.end_intent(v_intent, v_last); end if;
    return null;
  end if;
  if v_chain.is_unresolved or private.retry_at(p_intent_id) > private.clock() then return null; end if;
  return private.create_replacement(v_chain.leaf_id, p_price);
end
$$;
comment on function private.settle_intent is
  'Brings an intent in line with its orders: shrinks a live child, orders the rest, or ends it. A refused exit is tried again with back-off while there is something to sell. Returns the child, if any.';
alter function private.settle_intent owner to zoe_engine;

create function private.recover_intents() returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_intent_id uuid;
  v_settled integer := 0;
begin
  if not exists (select from private.orphan_intents()) then return 0; end if;
  perform private.lock_accounts();
  for v_intent_id in select o.intent_id from private.orphan_intents() as o loop
    perform private.settle_intent(v_intent_id);
    v_settled := v_settled + 1;
  end loop;
  return v_settled;
end
$$;
comment on function private.recover_intents is 'Gives active intents without a live order their missing order, or their proper end. Returns how many were looked at.';
alter function private.recover_intents owner to zoe_engine;

create function private.orphan_intents() returns table (intent_id uuid)
language plpgsql stable security definer set search_path = ''
as $$
begin
  return query
    select i.id
    from public.order_intents as i
    -- Counted per intent, so that no plan reads all orders to find the few that are missing.
    where i.status = 'active'
      and 0 = (
        select pg_catalog.count(*) from public.crypto_orders as o
        where o.intent_group_id = i.id
          and (o.unresolved or o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending'))
      )
      and (i.purpose = 'entry' or not private.is_held(i.mode, i.symbol) or (
        0 = (
          select pg_catalog.count(*) from public.crypto_orders as o
          where o.mode = i.mode and o.symbol = i.symbol and o.side = i.side
            and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
        )
        and exists (select from public.quotes as q where q.symbol = i.symbol)
        and coalesce(private.retry_at(i.id) <= private.clock(), true)
      ))
    order by i.created_at, i.id;
end
$$;
comment on function private.orphan_intents is
  'Active intents whose every order is closed and explained, and for which something can be done now: they are work, the others wait.';
alter function private.orphan_intents owner to zoe_engine;
