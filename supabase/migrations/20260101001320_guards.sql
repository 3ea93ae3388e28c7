-- The guards, in their order. Each answers null when it passes, else a denial. Their caller holds the account lock.

create function private.check_quote(p_symbol text) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  q public.quotes;
  v_max_age numeric := private.knob_number('QUOTE_MAX_AGE_SECONDS');
  v_age numeric;
  v_problem text;
begin
  select * into q from public.quotes as k where k.symbol = p_symbol;
  v_age := pg_catalog.round(extract(epoch from private.clock() - q.observed_at), 3);
  v_problem := case
    when q.symbol is null then 'there is none'
    when q.bid > q.ask * 1.0005 then pg_catalog.format('it is crossed: bid %s, ask %s', q.bid, q.ask)
    when pg_catalog.abs(v_age) > v_max_age then pg_catalog.format('it is %s s old, allowed are %s', v_age, v_max_age)
  end;
  if v_problem is null then return null; end if;
  return private.denial('STALE_QUOTE', pg_catalog.format('No usable quote for %s: %s.', p_symbol, v_problem), pg_catalog.jsonb_strip_nulls(
    pg_catalog.jsonb_build_object(
      'bid', q.bid::text, 'ask', q.ask::text, 'observed_at', private.iso(q.observed_at), 'age_seconds', v_age::text,
      'max_age_seconds', v_max_age::text
    )
  ));
end
$$;
comment on function private.check_quote is 'STALE_QUOTE: no quote, one crossed beyond 5 bps, or one older than QUOTE_MAX_AGE_SECONDS.';
grant execute on function private.check_quote to zoe_engine;

create function private.lock_is_held(p_lock public.trade_locks) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return (p_lock).renewed_at + pg_catalog.make_interval(secs => (p_lock).ttl_seconds) > private.clock()
    or exists (
      select from public.positions as p
      where p.mode = (p_lock).mode and p.symbol = (p_lock).symbol and coalesce(p.engine, (p_lock).engine) = (p_lock).engine
        and p.qty > 0 and not private.dust(p.mode, p.symbol, p.qty)
    )
    or exists (
      select from public.crypto_orders as o
      where o.mode = (p_lock).mode and o.symbol = (p_lock).symbol and o.engine = (p_lock).engine
        and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
    )
    or exists (
      select from public.crypto_orders as o
      where o.mode = (p_lock).mode and o.symbol = (p_lock).symbol and o.engine = (p_lock).engine and o.unresolved
    );
end
$$;
comment on function private.lock_is_held is
  'A lock holds for its time to live, and as long as its engine has a position above dust, a live or an unresolved order there.';
grant execute on function private.lock_is_held to zoe_engine;

create function private.check_lock(p private.intent_request) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  l public.trade_locks;
begin
  select * into l from public.trade_locks as t where t.symbol = p.symbol and t.mode = p.mode;
  if l.symbol is null or (p.engine = 'manual' and p.purpose <> 'entry') then return null; end if;
  if l.engine = p.engine and coalesce(p.metadata ->> 'fencing_token', l.fencing_token::text) = l.fencing_token::text then return null; end if;
  if l.engine <> p.engine and not private.lock_is_held(l) then return null; end if;
  -- What an engine holds it may sell, whoever has taken the lock before a late fill made it the holder.
  if l.engine <> p.engine and p.purpose <> 'entry' and exists (
    select from public.positions as h where h.mode = p.mode and h.symbol = p.symbol and h.engine = p.engine and h.qty > 0
  ) then
    return null;
  end if;
  return private.denial(
    'SYMBOL_LOCKED', pg_catalog.format('%s is locked by %s since %s.', p.symbol, l.engine, private.iso(l.locked_at)),
    pg_catalog.jsonb_build_object(
      'engine', l.engine, 'fencing_token', l.fencing_token::text, 'locked_at', private.iso(l.locked_at),
      'renewed_at', private.iso(l.renewed_at), 'ttl_seconds', l.ttl_seconds
    )
  );
end
$$;
comment on function private.check_lock is
  'SYMBOL_LOCKED: another engine holds the symbol, or another instance with a newer fencing token. An operator''s manual exit passes, and an engine''s exit of its own position.';
grant execute on function private.check_lock to zoe_engine;

create function private.check_symbol_orders(p private.intent_request) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  o record;
begin
  select k.id, k.status into o from public.crypto_orders as k
  where k.mode = p.mode and k.symbol = p.symbol and k.unresolved and p.purpose = 'entry' limit 1;
  if found then
    return private.denial('ORDER_UNRESOLVED', pg_catalog.format('The fate of order %s in %s is unknown.', o.id, p.symbol),
      pg_catalog.jsonb_build_object('order_id', o.id, 'status', o.status));
  end if;
  select k.id, k.status into o from public.crypto_orders as k
  where k.mode = p.mode and k.symbol = p.symbol and (p.purpose = 'entry' or k.side = 'sell')
    and k.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending') limit 1;
  if not found then return null; end if;
  return private.denial('ORDER_WORKING', pg_catalog.format('%s has a live order already (%s).', p.symbol, o.status),
    pg_catalog.jsonb_build_object('order_id', o.id, 'status', o.status));
end
$$;
comment on function private.check_symbol_orders is
  'ORDER_UNRESOLVED and ORDER_WORKING for entries; for exits a live sell (a second one could be the same exit twice).';
grant execute on function private.check_symbol_orders to zoe_engine;

create function private.check_entry_money(
  p_mode text, p_symbol text, p_notional numeric, p_intent_id uuid, p_chain_filled numeric
) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  a public.accounts;
  k record;
  v_open numeric;
  v_positions bigint;
  v_free numeric;
  v_needed numeric;
begin
  select * into a from public.accounts as x where x.mode = p_mode;
  select
    max(c.value) filter (where c.key = 'MAX_NOTIONAL_PER_TRADE')::numeric as per_trade,
    max(c.value) filter (where c.key = 'MAX_DAILY_NOTIONAL')::numeric as per_day,
    max(c.value) filter (where c.key = 'MAX_OPEN_POSITIONS')::numeric as positions,
    max(c.value) filter (where c.key = 'PAPER_FEE_BPS')::numeric as fee_bps
  into strict k from public.config as c
  where c.key in ('MAX_NOTIONAL_PER_TRADE', 'MAX_DAILY_NOTIONAL', 'MAX_OPEN_POSITIONS', 'PAPER_FEE_BPS');
  if (p_chain_filled + p_notional <= k.per_trade) is not true then
    return private.denial('MAX_NOTIONAL_PER_TRADE',
      pg_catalog.format('%s USD is more than the %s USD allowed per trade.', p_chain_filled + p_notional, k.per_trade),
      pg_catalog.jsonb_build_object('notional', (p_chain_filled + p_notional)::text, 'limit', k.per_trade::text));
  end if;
  with buys as (
    select o.intent_group_id, o.symbol, o.remaining_qty * o.limit_price as notional from public.crypto_orders as o
    where o.mode = p_mode and o.side = 'buy' and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
    union all
    select o.intent_group_id, o.symbol, o.remaining_qty * o.limit_price from public.crypto_orders as o
    where o.mode = p_mode and o.side = 'buy' and o.unresolved
      and o.status not in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  )
  select
    coalesce(sum(b.notional) filter (where b.intent_group_id is distinct from p_intent_id), 0),
    (
      select count(*) from (
        select p.symbol from public.positions as p where p.mode = p_mode and p.qty > 0 and not private.dust(p_mode, p.symbol, p.qty)
        union
        select x.symbol from buys as x
        union
        select p_symbol
      ) as s
    )
  into v_open, v_positions from buys as b;
  if (a.day_notional + v_open + p_notional <= k.per_day) is not true then
    return private.denial('MAX_DAILY_NOTIONAL', pg_catalog.format(
      '%s USD would make %s USD on %s (filled and open); allowed are %s.',
      p_notional, pg_catalog.trim_scale(a.day_notional + v_open + p_notional), a.day, k.per_day
    ), pg_catalog.jsonb_build_object(
      'day', a.day, 'filled', a.day_notional::text, 'open', pg_catalog.trim_scale(v_open)::text, 'notional', p_notional::text,
      'limit', k.per_day::text
    ));
  end if;
  if (v_positions <= k.positions) is not true then
    return private.denial('MAX_OPEN_POSITIONS',
      pg_catalog.format('%s would make %s open positions; allowed are %s.', p_symbol, v_positions, k.positions),
      pg_catalog.jsonb_build_object('positions', v_positions, 'limit', k.positions::text));
  end if;
  v_needed := p_notional * (1 + k.fee_bps / 10000);
  v_free := a.cash - a.reserved_cash * (1 + k.fee_bps / 10000);
  if (v_needed <= v_free) is not true then
    return private.denial('INSUFFICIENT_CASH', pg_catalog.format(
      '%s USD with fees are needed, %s USD are free.', pg_catalog.round(v_needed, 2), pg_catalog.round(v_free, 2)
    ), pg_catalog.jsonb_build_object(
      'cash', a.cash::text, 'reserved_cash', a.reserved_cash::text, 'free', v_free::text, 'needed', v_needed::text,
      'fee_bps', k.fee_bps::text
    ));
  end if;
  return null;
end
$$;
comment on function private.check_entry_money is
  'MAX_NOTIONAL_PER_TRADE, MAX_DAILY_NOTIONAL, MAX_OPEN_POSITIONS, INSUFFICIENT_CASH. A limit missing from config denies. A chain doesn''t count itself twice.';
grant execute on function private.check_entry_money to zoe_engine;

create function private.check_exit_quantity(p_mode text, p_symbol text, p_qty numeric) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_cap numeric := private.confirmed_qty(p_mode, p_symbol);
  v_held numeric;
  v_selling numeric;
begin
  select p.qty into v_held from public.positions as p where p.mode = p_mode and p.symbol = p_symbol;
  v_held := least(coalesce(v_held, 0), v_cap);
  select coalesce(sum(o.remaining_qty), 0) into v_selling from public.crypto_orders as o
  where o.mode = p_mode and o.symbol = p_symbol and o.side = 'sell'
    and (o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending') or o.unresolved);
  if (p_qty <= v_held - v_selling) is true then return null; end if;
  return private.denial('EXCEEDS_POSITION',
    pg_catalog.format('%s %s is more than the %s held less %s already being sold.', p_qty, p_symbol, v_held, v_selling),
    pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
      'held', v_held::text, 'selling', v_selling::text, 'qty', p_qty::text, 'confirmed_by_broker', v_cap::text,
      'sellable', greatest(v_held - v_selling, 0)::text
    )));
end
$$;
comment on function private.check_exit_quantity is
  'EXCEEDS_POSITION: no more than is held, as far as the broker confirms it, less every open or unresolved sell. Its evidence names what is sellable.';
grant execute on function private.check_exit_quantity to zoe_engine;

create function private.check_money_guards(
  p_mode text, p_engine text, p_symbol text, p_qty numeric, p_price numeric, p_intent_id uuid
) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  if (select i.purpose from public.order_intents as i where i.id = p_intent_id) <> 'entry' then
    return private.check_exit_quantity(p_mode, p_symbol, p_qty);
  end if;
  return private.check_entry_money(p_mode, p_symbol, p_qty * p_price, p_intent_id, (
    select coalesce(sum(o.filled_qty * coalesce(o.average_price, o.limit_price)), 0)
    from public.crypto_orders as o
    where o.intent_group_id = p_intent_id
  ));
end
$$;
comment on function private.check_money_guards is 'The money guards again, for the next order of a chain; null when it passes.';
alter function private.check_money_guards owner to zoe_engine;
