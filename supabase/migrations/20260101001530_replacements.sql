-- The chain goes on or ends: replacement children, late fills against a live child, and recovery of intents left without an order.

create function private.chain_of(p_intent_id uuid)
returns table (wanted_qty numeric, filled_qty numeric, filled_notional numeric, leaf_id uuid, live_id uuid, is_unresolved boolean)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select
      coalesce(i.target_qty, (select o.qty from public.crypto_orders as o where o.intent_group_id = i.id and o.parent_order_id is null)),
      pg_catalog.sum(o.filled_qty), pg_catalog.sum(o.filled_qty * coalesce(o.average_price, 0)),
      (pg_catalog.array_agg(o.id) filter (where not exists (select from public.crypto_orders as c where c.parent_order_id = o.id)))[1],
      (pg_catalog.array_agg(o.id order by o.requested_at desc) filter (where private.phase(o.status) = 'live'))[1],
      pg_catalog.bool_or(o.unresolved)
    from public.order_intents as i join public.crypto_orders as o on o.intent_group_id = i.id
    where i.id = p_intent_id
    group by i.id;
end
$$;
comment on function private.chain_of is 'An intent''s chain: what is wanted and filled, its last order, its live order if any, and whether anything is unresolved.';
alter function private.chain_of owner to zoe_engine;

create function private.rest_of(p_intent public.order_intents, p_price numeric) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_chain record;
  v_rest numeric;
begin
  select * into v_chain from private.chain_of(p_intent.id);
  v_rest := v_chain.wanted_qty - v_chain.filled_qty;
  if p_intent.purpose = 'entry' then
    v_rest := least(v_rest, (p_intent.target_notional - v_chain.filled_notional) / p_price);
  else
    v_rest := least(
      v_rest,
      coalesce((select p.qty from public.positions as p where p.mode = p_intent.mode and p.symbol = p_intent.symbol), 0),
      private.confirmed_qty(p_intent.mode, p_intent.symbol)
    );
  end if;
  return (
    select case when q.qty >= i.min_qty and q.qty * p_price >= i.min_notional then q.qty else 0 end
    from public.instruments as i,
      lateral (select pg_catalog.trim_scale(pg_catalog.div(greatest(v_rest, 0), i.qty_increment) * i.qty_increment) as qty) as q
    where i.symbol = p_intent.symbol
  );
end
$$;
comment on function private.rest_of is
  'What an intent may still order at a price: unfilled, within its notional (entries) or within what is held (exits), on the grid; 0 below the minimum.';
alter function private.rest_of owner to zoe_engine;

create function private.touch_price(p_order public.crypto_orders, p_price numeric) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select case when w.price > 0 then pg_catalog.trim_scale(w.price) end
    from public.instruments as i
    left join public.quotes as q on q.symbol = i.symbol
      and (p_order.side = 'sell' or q.observed_at >= private.clock() - pg_catalog.make_interval(secs => private.knob_number('QUOTE_MAX_AGE_SECONDS')::double precision)),
      lateral (
        select coalesce(p_price, case
          when p_order.side = 'buy' then q.bid
          when p_order.urgency = 'stop_loss' then q.bid * (1 - private.knob_number('MAX_CROSS_SPREAD_BPS') / 10000)
          else q.ask
        end) as price
      ) as t,
      lateral (
        select case p_order.side
          when 'buy' then pg_catalog.floor(t.price / i.price_increment) * i.price_increment
          else pg_catalog.ceil(t.price / i.price_increment) * i.price_increment
        end as price
      ) as w
    where i.symbol = p_order.symbol
  );
end
$$;
comment on function private.touch_price is
  'The given price, or the last quote''s touch, on the price grid; null when neither is there. A buy takes no stale quote; an exit takes the last good one.';
alter function private.touch_price owner to zoe_engine;

create function private.end_intent(p_intent public.order_intents, p_last public.crypto_orders) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_chain record;
  v_status text;
begin
  select * into v_chain from private.chain_of(p_intent.id);
  v_status := case
    when v_chain.filled_qty >= v_chain.wanted_qty then 'filled'
    when p_last.status = 'filled'
      and (p_intent.purpose = 'entry' or private.dust(p_intent.mode, p_intent.symbol, v_chain.wanted_qty - v_chain.filled_qty)) then 'filled'
    when v_chain.filled_qty > 0 then 'partially_filled'
    when p_last.status = 'rejected' and p_last.cancel_reason_code is null then 'failed'
    when p_last.cancel_reason_code = 'max_reprices' then 'exhausted'
    else 'canceled'
  end;
  update public.order_intents as i set status = v_status, updated_at = private.clock() where i.id = p_intent.id and i.status <> v_status;
end
$$;
comment on function private.end_intent is 'Gives an intent the status its chain ended with; a late fill may raise it again.';
alter function private.end_intent owner to zoe_engine;

create function private.goes_on(p_intent public.order_intents, p_last public.crypto_orders) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return p_intent.status = 'active' and case
    when p_last.status = 'filled' then p_intent.purpose <> 'entry'
    when p_last.cancel_reason_code in ('reprice', 'late_fill') then true
    when p_last.cancel_reason_code = 'back_from_absent' then p_intent.purpose <> 'entry'
    when p_last.cancel_reason_code is not null then false
    else p_intent.purpose <> 'entry'
  end;
end
$$;
comment on function private.goes_on is
  'Whether a closed order''s rest is ordered again: after a reprice always; an exit also when the broker canceled, expired, refused or never saw it.';
alter function private.goes_on owner to zoe_engine;

create function private.create_replacement(p_order_id uuid, p_price numeric) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  v_parent public.crypto_orders;
  v_intent public.order_intents;
  v_price numeric;
  v_qty numeric;
  v_denial jsonb;
  v_most integer := private.knob_number('MAX_REPRICE_ATTEMPTS')::integer;
  v_child public.crypto_orders;
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
    where o.mode = v_parent.mode and o.symbol = v_parent.symbol and o.side = v_parent.side
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
  insert into public.crypto_orders (
    intent_group_id, parent_order_id, engine, mode, symbol, side, purpose, urgency, qty, limit_price, replace_count, ttl_seconds,
    next_action_at, trace_id, requested_at
  )
  values (
    v_intent.id, v_parent.id, v_parent.engine, v_parent.mode, v_parent.symbol, v_parent.side, v_parent.purpose, v_parent.urgency,
    v_qty, v_price, case when v_parent.replace_count >= v_most then v_parent.replace_count else v_parent.replace_count + 1 end,
    private.knob_number(case v_parent.purpose when 'entry' then 'ORDER_TTL_SECONDS_ENTRY' else 'ORDER_TTL_SECONDS_EXIT' end)::integer,
    private.clock(), coalesce(private.trace_id(), v_parent.trace_id), private.clock()
  )
  returning * into v_child;
  update public.order_intents as i
  set max_reached_at = private.clock(), updated_at = private.clock()
  where i.id = v_intent.id and i.max_reached_at is null and v_child.replace_count >= v_most;
  return v_child.id;
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
  select * into v_last from public.crypto_orders as o where o.intent_group_id = p_intent_id order by o.closed_at desc, o.requested_at desc limit 1;
  if not private.goes_on(v_intent, v_last) then
    if v_chain.filled_qty > 0 or not v_chain.is_unresolved then perform private.end_intent(v_intent, v_last); end if;
    return null;
  end if;
  if v_chain.is_unresolved or private.retry_at(p_intent_id) > private.clock() then return null; end if;
  return private.create_replacement(v_chain.leaf_id, p_price);
end
$$;
comment on function private.settle_intent is
  'Brings an intent in line with its orders: shrinks a live child, orders the rest, or ends it. A refused exit is tried again with back-off. Returns the child, if any.';
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

create function private.retry_at(p_intent_id uuid) returns timestamptz
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select case
      when l.status = 'rejected' and l.reject_reason <> 'never_reached_broker' then l.closed_at + private.back_off(
        (select pg_catalog.count(*)::integer - 1 from public.crypto_orders as o where o.intent_group_id = p_intent_id and o.status = 'rejected'),
        15, 600
      )
    end
    from public.crypto_orders as l
    where l.intent_group_id = p_intent_id
    order by l.closed_at desc, l.requested_at desc limit 1
  );
end
$$;
comment on function private.retry_at is 'When an intent whose last order the broker refused is tried again: after 15 s, then ever more slowly. Null: nothing was refused.';
alter function private.retry_at owner to zoe_engine;

create function private.orphan_intents() returns table (intent_id uuid)
language plpgsql stable security definer set search_path = ''
as $$
begin
  return query
    select i.id
    from public.order_intents as i
    where i.status = 'active'
      and not exists (
        select from public.crypto_orders as o
        where o.intent_group_id = i.id and (o.unresolved or o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending'))
      )
      and (i.purpose = 'entry' or (
        not exists (
          select from public.crypto_orders as o
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
