-- A chain of orders and its intent: what is left to order, at which price, and how it ended.

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
      and (p_order.side = 'sell' or q.observed_at >= private.clock() - private.knob_interval('QUOTE_MAX_AGE_SECONDS')),
      lateral (
        select case
          -- The given price may be older than the stop: it was worked out when the exit was passive still.
          when p_order.side = 'sell' and p_order.urgency = 'stop_loss'
            then least(p_price, q.bid * (1 - private.knob_number('MAX_CROSS_SPREAD_BPS') / 10000))
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
  'The given price, or the last quote''s touch, on the price grid; null when neither is there. A buy takes no stale quote; an exit takes the last good one, and a stop-loss never asks for more than it.';
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
begin
  return (
    select case
      when l.status = 'rejected' and l.reject_reason not in ('never_reached_broker', 'vanished') then l.closed_at + private.back_off(
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

create function private.waiting_order(p_intent_id uuid) returns uuid
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_intent public.order_intents;
  v_last public.crypto_orders;
begin
  select * into v_intent from public.order_intents as i where i.id = p_intent_id;
  if v_intent.status <> 'active' or v_intent.purpose = 'entry' then return null; end if;
  select * into v_last from public.crypto_orders as o
  where o.intent_group_id = p_intent_id
  order by (private.phase(o.status) = 'live' or o.unresolved) desc, o.closed_at desc, o.requested_at desc limit 1;
  return case
    when private.phase(v_last.status) = 'closed' and v_last.status <> 'filled' and not v_last.unresolved
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
