-- What the dashboard reads. Security invoker: row level security decides what a caller sees, and a stranger sees nothing.

create function private.amount_text(p_amount numeric) returns text
language sql immutable set search_path = ''
return pg_catalog.trim_scale(p_amount)::text;
comment on function private.amount_text is 'An amount as the wire has it: text, without trailing zeros.';
grant execute on function private.amount_text to authenticated, service_role, zoe_engine;

create function private.age_seconds(p_at timestamptz) returns integer
language sql stable set search_path = ''
return pg_catalog.round(extract(epoch from private.clock() - p_at))::integer;
comment on function private.age_seconds is 'Whole seconds since a moment, on the clock of the server.';
grant execute on function private.age_seconds to authenticated, service_role, zoe_engine;

create function private.header_account(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select pg_catalog.jsonb_build_object(
    'cash', private.amount_text(a.cash),
    'reserved_cash', private.amount_text(a.reserved_cash),
    'free_cash', private.amount_text(a.cash - a.reserved_cash),
    'equity', private.amount_text(pg_catalog.round(a.cash + held.value, 8)),
    'day_notional', private.amount_text(private.day_notional_used(a)),
    'max_daily_notional', (select c.value from public.config as c where c.key = 'MAX_DAILY_NOTIONAL'),
    'open_positions', (
      select pg_catalog.count(*) from (
        select p.symbol from public.positions as p
        join public.instruments as i on i.symbol = p.symbol
        left join public.quotes as q on q.symbol = p.symbol
        where p.mode = p_mode and p.qty > 0 and p.qty >= i.min_qty
          and p.qty * coalesce(q.bid, p.average_price) >= i.min_notional
        union
        select o.symbol from public.crypto_orders as o
        where o.mode = p_mode and o.side = 'buy' and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
        union
        select o.symbol from public.crypto_orders as o where o.mode = p_mode and o.side = 'buy' and o.unresolved
      ) as taken
    ),
    'max_open_positions', (select c.value from public.config as c where c.key = 'MAX_OPEN_POSITIONS')
  )
  from public.accounts as a
  cross join lateral (
    select coalesce(pg_catalog.sum(p.qty * coalesce((q.bid + q.ask) / 2, p.average_price)), 0) as value
    from public.positions as p
    left join public.quotes as q on q.symbol = p.symbol
    where p.mode = p_mode and p.qty > 0
  ) as held
  where a.mode = p_mode
);
comment on function private.header_account is 'Cash, equity at mid, and how much of the day''s and the positions'' limits is used.';
grant execute on function private.header_account to authenticated;

create function private.header_pnl(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select pg_catalog.jsonb_build_object(
    'today', private.amount_text(pg_catalog.round(a.cash + held.value - coalesce(day.opening, a.cash + held.value), 8)),
    'realized', private.amount_text(pg_catalog.round(held.realized, 8)),
    'unrealized', private.amount_text(pg_catalog.round(held.value - held.cost, 8)),
    'fees', private.amount_text(pg_catalog.round(held.fees, 8)),
    'drawdown', private.amount_text(coalesce(day.drawdown, 0))
  )
  from public.accounts as a
  cross join lateral (
    select coalesce(pg_catalog.sum(p.qty * coalesce((q.bid + q.ask) / 2, p.average_price)), 0) as value,
      coalesce(pg_catalog.sum(p.cost_basis), 0) as cost, coalesce(pg_catalog.sum(p.realized_pnl), 0) as realized,
      coalesce(pg_catalog.sum(p.fees), 0) as fees
    from public.positions as p
    left join public.quotes as q on q.symbol = p.symbol
    where p.mode = p_mode
  ) as held
  left join lateral (
    select d.drawdown,
      case when d.date = (private.clock() at time zone 'utc')::date then d.equity - d.daily_pnl else d.equity end as opening
    from public.pnl_daily as d
    where d.mode = p_mode
    order by d.date desc limit 1
  ) as day on true
  where a.mode = p_mode
);
comment on function private.header_pnl is 'Today''s change of equity, and the realized, unrealized and fee totals of a mode.';
grant execute on function private.header_pnl to authenticated;

create function private.header_ticks() returns jsonb
language sql stable security invoker set search_path = ''
return (
  select pg_catalog.jsonb_object_agg(t.name, pg_catalog.jsonb_build_object(
    'outcome', last.outcome, 'started_at', private.iso(last.started_at), 'age_seconds', private.age_seconds(last.started_at),
    'disabled', t.is_disabled,
    'late', case
      when t.is_disabled then false
      when t.name = 'reposition-tick' then exists (
        select from public.crypto_orders as o where o.next_action_at < private.clock() - interval '90 seconds'
      )
      else coalesce(private.clock() - last.started_at > private.tick_cadence(t.name) * (
        select c.value::double precision from public.config as c where c.key = 'ALERT_TICK_LATE_CADENCES'
      ), true)
    end
  ))
  from (
    select n.name, case when n.engine is null then false else pg_catalog.cardinality(private.engine_modes(n.engine)) = 0 end as is_disabled
    from (values ('trader-tick', 'trader'), ('edge-factory-tick', 'edge_factory'), ('reposition-tick', null)) as n (name, engine)
  ) as t
  left join lateral (
    select r.outcome, r.started_at from public.tick_runs as r where r.name = t.name order by r.started_at desc limit 1
  ) as last on true
);
comment on function private.header_ticks is
  'When each tick last began, and whether that is too long ago (never for an engine that is disabled and holds nothing); computed here, so that it is seen even when the watchdog is down.';
grant execute on function private.header_ticks to authenticated;
grant execute on function private.tick_cadence, private.knob_seconds to authenticated;

create function private.clock_speed() returns numeric
language sql stable security definer set search_path = ''
return coalesce(
  (select c.speed from private.replay_clock as c where pg_catalog.current_setting('cluster_name') = 'zoe-embedded'), 1
);
comment on function private.clock_speed is 'How fast the clock runs: 1, or the speed of a replay.';
grant execute on function private.clock_speed to authenticated;
alter function private.clock_speed owner to zoe_engine;

create function public.dashboard_header(p_mode text) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
begin
  return private.whoami() - 'user_id' || pg_catalog.jsonb_build_object(
    'now', private.iso(private.clock()),
    'clock_speed', private.clock_speed(),
    'mode', p_mode,
    'trading_state', public.trading_state(p_mode),
    'kill_switch', (select c.value = 'true' from public.config as c where c.key = 'kill_switch'),
    'quote_age_seconds', (select private.age_seconds(pg_catalog.max(q.observed_at)) from public.quotes as q),
    'market_source', (select q.source from public.quotes as q order by q.observed_at desc limit 1),
    'last_tick', private.header_ticks(),
    'account', private.header_account(p_mode),
    'pnl', private.header_pnl(p_mode),
    'unresolved_orders', (select pg_catalog.count(*) from public.crypto_orders as o where o.mode = p_mode and o.unresolved)
  );
end
$$;
comment on function public.dashboard_header is 'The page''s head: who, mode, trading state with reasons, account, P&L, and how old everything is.';
grant execute on function public.dashboard_header to authenticated;
