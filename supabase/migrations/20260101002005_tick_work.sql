-- What a tick decides from, as one document.

create function private.market_work() returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return pg_catalog.jsonb_build_object(
    'config', (select pg_catalog.jsonb_object_agg(c.key, c.value) from public.config as c),
    'instruments', coalesce((
      select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'symbol', i.symbol, 'price_increment', i.price_increment::text, 'qty_increment', i.qty_increment::text,
        'min_qty', i.min_qty::text, 'min_notional', i.min_notional::text, 'enabled', i.enabled
      ) order by i.symbol)
      from public.instruments as i
    ), '[]'),
    'quotes', coalesce((
      select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'symbol', q.symbol, 'bid', q.bid::text, 'ask', q.ask::text, 'bid_size', q.bid_size::text, 'ask_size', q.ask_size::text,
        'source', q.source, 'observed_at', private.iso(q.observed_at)
      ) order by q.symbol)
      from public.quotes as q
    ), '[]')
  );
end
$$;
comment on function private.market_work is 'What every tick starts from: knobs, instruments and the last quotes.';
alter function private.market_work owner to zoe_engine;

create function private.positions_work(p_mode text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return coalesce((
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'symbol', p.symbol, 'engine', p.engine, 'qty', p.qty::text,
      'free_qty', greatest(least(p.qty, private.confirmed_qty(p.mode, p.symbol)) - asked.qty, 0)::text,
      'average_price', p.average_price::text, 'entry_price', p.entry_price::text, 'high_water', p.high_water::text,
      'stop_price', p.stop_price::text, 'target_price', p.target_price::text, 'trail_armed', p.trail_armed,
      'opened_at', private.iso(p.opened_at), 'exit_by', private.iso(p.exit_by), 'strategy', p.strategy
    ) order by p.symbol)
    from public.positions as p
    cross join lateral (
      select coalesce(pg_catalog.sum(o.remaining_qty), 0) as qty
      from public.crypto_orders as o
      where o.mode = p.mode and o.symbol = p.symbol and o.side = 'sell'
        and (o.unresolved or o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending'))
    ) as asked
    where p.mode = p_mode and p.qty > 0
  ), '[]');
end
$$;
comment on function private.positions_work is 'What is held, with its exit state; free_qty is what may be sold: while degraded no more than the broker confirms, and less what open sells ask for.';
alter function private.positions_work owner to zoe_engine;

create function private.open_orders_work(p_mode text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return coalesce((
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'id', o.id, 'symbol', o.symbol, 'side', o.side, 'purpose', o.purpose, 'urgency', o.urgency, 'status', o.status,
      'unresolved', o.unresolved, 'qty', o.qty::text, 'filled_qty', o.filled_qty::text, 'limit_price', o.limit_price::text,
      'cancel_reason_code', o.cancel_reason_code
    ) order by o.requested_at, o.id)
    from public.crypto_orders as o
    where o.mode = p_mode and (o.unresolved or o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending'))
  ), '[]');
end
$$;
comment on function private.open_orders_work is 'Orders that are live or whose fate is unknown.';
alter function private.open_orders_work owner to zoe_engine;

create function private.day_notional_used(p_account public.accounts) returns numeric
language plpgsql stable set search_path = ''
as $$
begin
  return pg_catalog.trim_scale((p_account).reserved_cash + case
    when (p_account).day = (private.clock() at time zone 'utc')::date then (p_account).day_notional else 0
  end);
end
$$;
comment on function private.day_notional_used is 'What counts against MAX_DAILY_NOTIONAL now: filled on the UTC day plus still open.';
grant execute on function private.day_notional_used to authenticated, zoe_engine;

create function private.trader_work(p_mode text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return pg_catalog.jsonb_build_object(
    'mode', p_mode,
    'account', (
      select pg_catalog.jsonb_build_object(
        'cash', a.cash::text, 'reserved_cash', a.reserved_cash::text, 'free_cash', (a.cash - a.reserved_cash)::text,
        'day_notional', used.notional::text,
        'daily_notional_left', greatest(private.knob_number('MAX_DAILY_NOTIONAL') - used.notional, 0)::text,
        'opened', a.opened_at is not null
      )
      from public.accounts as a
      cross join lateral (select private.day_notional_used(a) as notional) as used
      where a.mode = p_mode
    ),
    'trading_state', private.trading_state(p_mode),
    'positions', private.positions_work(p_mode),
    'open_orders', private.open_orders_work(p_mode),
    'latest_candles', coalesce((
      select pg_catalog.jsonb_object_agg(i.symbol, private.iso(newest.open_time))
      from public.instruments as i
      cross join lateral (
        select c.open_time from public.crypto_candles as c
        where c.symbol = i.symbol and c.timeframe = '1m' order by c.open_time desc limit 1
      ) as newest
    ), '{}')
  );
end
$$;
comment on function private.trader_work is 'What an engine decides from, in one mode.';
alter function private.trader_work owner to zoe_engine;

create function private.engine_work(p_engine text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_works jsonb := (
    select pg_catalog.jsonb_agg(
      private.trader_work(m.mode) || pg_catalog.jsonb_build_object('exits_only', m.mode <> private.mode_of(p_engine)) order by m.place
    )
    from pg_catalog.unnest(private.engine_modes(p_engine)) with ordinality as m (mode, place)
  );
begin
  return v_works -> 0 || pg_catalog.jsonb_build_object('elsewhere', v_works - 0);
end
$$;
comment on function private.engine_work is
  'What an engine decides from in its first mode, and the same of each other mode it still holds something in (elsewhere). exits_only: it enters nothing there.';
alter function private.engine_work owner to zoe_engine;

create function private.orphan_intents_work() returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return coalesce((
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'id', i.id, 'mode', i.mode, 'symbol', i.symbol, 'side', i.side, 'purpose', i.purpose, 'status', i.status
    ) order by i.created_at)
    from public.order_intents as i
    join private.orphan_intents() as orphan on orphan.intent_id = i.id
  ), '[]');
end
$$;
comment on function private.orphan_intents_work is 'Active intents without an order that could still fill; recover_intents could not make one.';
alter function private.orphan_intents_work owner to zoe_engine;
