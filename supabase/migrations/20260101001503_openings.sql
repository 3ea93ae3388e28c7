-- When a fill opens a position: nothing was held before it, or only dust.

create function private.opens_anew(p_order public.crypto_orders, p_fill public.crypto_fills) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select p.engine is null or private.dust(p.mode, p.symbol, p.qty)
      -- What the same chain has begun goes on, as long as nothing of it was sold.
      and not exists (
        select from public.crypto_orders as o
        join public.crypto_fills as f on f.order_id = o.id
        join public.position_lots as l on l.fill_id = f.id
        where o.intent_group_id = p_order.intent_group_id and f.id <> p_fill.id and l.remaining_qty = l.qty
      )
      -- And what another entry has begun and is still filling is not a late fill's to take over.
      and not exists (
        select from public.position_lots as l
        join public.crypto_fills as f on f.id = l.fill_id
        join public.crypto_orders as o on o.id = f.order_id
        join public.order_intents as i on i.id = o.intent_group_id
        where l.id = p.opening_lot and i.status = 'active' and i.id <> p_order.intent_group_id
      )
    from public.positions as p
    where p.mode = p_fill.mode and p.symbol = p_fill.symbol
  );
end
$$;
comment on function private.opens_anew is
  'Whether a buy''s fill opens its position: nothing was held before it, or only dust. Neither a later fill of the same chain nor a late fill of another does.';
alter function private.opens_anew owner to zoe_engine;

create function private.end_overtaken_exits(p_mode text, p_symbol text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.end_intent(i, o)
  from public.order_intents as i
  cross join lateral (
    select k.* from public.crypto_orders as k where k.intent_group_id = i.id order by k.closed_at desc, k.requested_at desc limit 1
  ) as o
  where i.mode = p_mode and i.symbol = p_symbol and i.status = 'active' and i.purpose <> 'entry'
    and not exists (
      select from public.crypto_orders as k where k.intent_group_id = i.id and (k.unresolved or private.phase(k.status) = 'live')
    );
end
$$;
comment on function private.end_overtaken_exits is
  'Ends exits that wait to be tried again for a position of which only dust is left: they must not sell the one that opens over it.';
alter function private.end_overtaken_exits owner to zoe_engine;

create function private.opening_lot_of(p_mode text, p_symbol text) returns bigint
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_lot bigint;
  v_intent_id uuid;
begin
  -- The lot with which what is held is more than dust, and what else its order's chain has bought.
  select l.id, o.intent_group_id into v_lot, v_intent_id
  from (
    select k.id, k.fill_id, pg_catalog.sum(k.remaining_qty) over (order by k.id) as held
    from public.position_lots as k
    where k.mode = p_mode and k.symbol = p_symbol and k.remaining_qty > 0
  ) as l
  left join public.crypto_fills as f on f.id = l.fill_id
  left join public.crypto_orders as o on o.id = f.order_id
  order by private.dust(p_mode, p_symbol, l.held), l.id
  limit 1;
  return coalesce((
    select pg_catalog.min(l.id) from public.position_lots as l
    join public.crypto_fills as f on f.id = l.fill_id
    join public.crypto_orders as o on o.id = f.order_id
    where l.mode = p_mode and l.symbol = p_symbol and l.remaining_qty > 0 and o.intent_group_id = v_intent_id
  ), v_lot);
end
$$;
comment on function private.opening_lot_of is
  'The lot that opened what is held: the first of the order''s that makes it more than dust. What is older is dust of the position before.';
alter function private.opening_lot_of owner to zoe_engine;
