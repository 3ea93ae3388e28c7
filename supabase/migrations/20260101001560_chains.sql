-- A chain of orders and its intent: what is left to order, at which price, and how it ended.

create function private.chain_of(p_intent_id uuid)
returns table (wanted_qty numeric, filled_qty numeric, filled_notional numeric, leaf_id uuid, live_id uuid, is_unresolved boolean)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select
      coalesce(i.target_qty, (select o.qty from public.crypto_orders as o where o.intent_group_id = i.id order by o.chain_position limit 1)),
      i.filled_qty, i.filled_notional,
      (select o.id from public.crypto_orders as o where o.intent_group_id = i.id order by o.chain_position desc limit 1),
      (
        select o.id from public.crypto_orders as o
        where o.mode = i.mode and o.symbol = i.symbol and o.side = i.side and o.intent_group_id = i.id
          and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
        limit 1
      ),
      private.has_unresolved(i)
    from public.order_intents as i
    where i.id = p_intent_id;
end
$$;
comment on function private.chain_of is
  'An intent''s chain: what is wanted and filled, its last order, its live order if any, and whether anything is unresolved. Each is one look, however long the chain.';
alter function private.chain_of owner to zoe_engine;

create function private.has_unresolved(p_intent public.order_intents) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return exists (
    select from public.crypto_orders as o
    where o.mode = p_intent.mode and o.symbol = p_intent.symbol and o.unresolved and o.intent_group_id = p_intent.id
  );
end
$$;
comment on function private.has_unresolved is 'Whether the fate of one of an intent''s orders is unknown. Found among the symbol''s unresolved orders, which are few.';
alter function private.has_unresolved owner to zoe_engine;

create function private.last_order(p_intent_id uuid) returns public.crypto_orders
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_last public.crypto_orders;
begin
  select * into v_last from public.crypto_orders as o
  where o.intent_group_id = p_intent_id order by o.closed_at desc, o.chain_position desc limit 1;
  return v_last;
end
$$;
comment on function private.last_order is 'The order of a chain that is live or closed last.';
alter function private.last_order owner to zoe_engine;

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
    select case when private.below_minimum(i, q.qty, p_price) then 0 else q.qty end
    from public.instruments as i,
      lateral (select pg_catalog.trim_scale(pg_catalog.div(greatest(v_rest, 0), i.qty_increment) * i.qty_increment) as qty) as q
    where i.symbol = p_intent.symbol
  );
end
$$;
comment on function private.rest_of is
  'What an intent may still order at a price: unfilled, within its notional (entries) or within what is held (exits), on the grid; 0 below the minimum. Twin of replacementQuantity.';
alter function private.rest_of owner to zoe_engine;

create function private.touch_price(p_order public.crypto_orders, p_price numeric) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select case when w.price > 0 then pg_catalog.trim_scale(w.price) end
    from public.instruments as i
    left join (
      select k.symbol, least(k.bid, k.ask) as bid, greatest(k.bid, k.ask) as ask
      from public.quotes as k
      where p_order.side = 'sell' or private.quote_problem(k) is null
    ) as q on q.symbol = i.symbol,
      lateral (
        select case
          -- The given price may be older than the stop: it was worked out when the exit was passive still.
          when p_order.side = 'sell' and p_order.urgency = 'stop_loss'
            then least(p_price, q.bid * (1 - private.knob_number('MAX_CROSS_SPREAD_BPS') * 0.0001))
          else coalesce(p_price, case p_order.side when 'buy' then q.bid else q.ask end)
        end as price
      ) as t,
      lateral (
        select case p_order.side
          when 'buy' then pg_catalog.floor(t.price / i.price_increment) * i.price_increment
          else least(
            pg_catalog.ceil(t.price / i.price_increment) * i.price_increment,
            -- A stop-loss stays marketable when the grid is coarser than the cap.
            case when p_order.urgency = 'stop_loss'
            then pg_catalog.floor(q.bid / i.price_increment) * i.price_increment end
          )
        end as price
      ) as w
    where i.symbol = p_order.symbol
  );
end
$$;
comment on function private.touch_price is
  'The given price, or the last quote''s touch, on the price grid; null when neither is there. A buy takes only a usable quote; an exit takes the last good one, and a stop-loss never asks for more than it. Twin of passivePrice and stopLossPrice.';
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
    when p_last.cancel_reason_code in ('back_from_absent', 'vanished') then p_intent.purpose <> 'entry'
    when p_last.cancel_reason_code is not null then false
    else p_intent.purpose <> 'entry'
  end;
end
$$;
comment on function private.goes_on is
  'Whether a closed order''s rest is ordered again: after a reprice always; an exit also when the broker canceled, expired, refused or never saw it.';
alter function private.goes_on owner to zoe_engine;

create function private.retry_at(p_intent_id uuid) returns timestamptz
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_last public.crypto_orders := private.last_order(p_intent_id);
begin
  if v_last.status <> 'rejected' or v_last.reject_reason in ('never_reached_broker', 'vanished') then return null; end if;
  return v_last.closed_at + private.back_off((
    -- Beyond a few it waits the longest anyway.
    select pg_catalog.count(*)::integer - 1
    from (select from public.crypto_orders as o where o.intent_group_id = p_intent_id and o.status = 'rejected' limit 12) as refused
  ), 15, 600);
end
$$;
comment on function private.retry_at is 'When an intent whose last order the broker refused is tried again: after 15 s, then ever more slowly. Null: nothing was refused.';
alter function private.retry_at owner to zoe_engine;

create function private.waiting_order(p_intent_id uuid) returns uuid
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_intent public.order_intents;
  v_last public.crypto_orders;
begin
  select * into v_intent from public.order_intents as i where i.id = p_intent_id;
  if v_intent.status <> 'active' or v_intent.purpose = 'entry' then return null; end if;
  v_last := private.last_order(p_intent_id);
  return case
    when private.phase(v_last.status) = 'closed' and v_last.status <> 'filled' and not private.has_unresolved(v_intent)
      and private.goes_on(v_intent, v_last) and private.is_held(v_intent.mode, v_intent.symbol) then v_last.id
  end;
end
$$;
comment on function private.waiting_order is
  'The last order of an exit''s chain that the broker refused or ended and whose rest is still to be ordered. Null: the chain has a live or unexplained order, or nothing waits.';
grant execute on function private.waiting_order to authenticated;
alter function private.waiting_order owner to zoe_engine;

create function private.next_try(p_order public.crypto_orders) returns timestamptz
language plpgsql stable security definer set search_path = ''
as $$
begin
  return case
    when private.phase(p_order.status) = 'closed' and private.waiting_order(p_order.intent_group_id) = p_order.id
      then greatest(private.retry_at(p_order.intent_group_id), private.clock())
  end;
end
$$;
comment on function private.next_try is 'When the rest of a chain that waits on this order is ordered again, at the soonest. Null: it does not wait.';
grant execute on function private.next_try to authenticated;
alter function private.next_try owner to zoe_engine;
