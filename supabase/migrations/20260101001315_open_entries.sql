-- What open entries hold back and count for. Read under the account lock by the money guards.

create function private.open_notional(p_mode text, p_symbol text, p_intent_id uuid) returns numeric
language plpgsql stable set search_path = ''
as $$
begin
  if p_intent_id is null then return 0; end if;
  return coalesce((
    select pg_catalog.sum(o.remaining_qty * o.limit_price) from public.crypto_orders as o
    where o.mode = p_mode and o.symbol = p_symbol and o.side = 'buy' and o.intent_group_id = p_intent_id
      and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  ), 0) + coalesce((
    select pg_catalog.sum(o.remaining_qty * o.limit_price) from public.crypto_orders as o
    where o.mode = p_mode and o.symbol = p_symbol and o.side = 'buy' and o.intent_group_id = p_intent_id and o.unresolved
      and o.status not in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  ), 0);
end
$$;
comment on function private.open_notional is 'The part of the account''s reserved cash that an intent''s own open and unresolved buys hold back.';
grant execute on function private.open_notional to zoe_engine;

create function private.count_positions(p_mode text, p_symbol text) returns bigint
language plpgsql stable set search_path = ''
as $$
begin
  return (
    select pg_catalog.count(*) from (
      select p.symbol from public.positions as p where p.mode = p_mode and p.qty > 0 and not private.dust(p_mode, p.symbol, p.qty)
      union
      select o.symbol from public.crypto_orders as o
      where o.mode = p_mode and o.side = 'buy' and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
      union
      select o.symbol from public.crypto_orders as o where o.mode = p_mode and o.side = 'buy' and o.unresolved
      union
      select p_symbol
    ) as s
  );
end
$$;
comment on function private.count_positions is 'The symbols of a mode that are held (dust is not) or have an open or unresolved entry, together with one more.';
grant execute on function private.count_positions to zoe_engine;
