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
    'late', case
      when t.name = 'reposition-tick' then exists (
        select from public.crypto_orders as o where o.next_action_at < private.clock() - interval '90 seconds'
      )
      else coalesce(private.clock() - last.started_at > private.tick_cadence(t.name) * (
        select c.value::double precision from public.config as c where c.key = 'ALERT_TICK_LATE_CADENCES'
      ), true)
    end
  ))
  from pg_catalog.unnest(array['trader-tick', 'edge-factory-tick', 'reposition-tick']) as t (name)
  left join lateral (
    select r.outcome, r.started_at from public.tick_runs as r where r.name = t.name order by r.started_at desc limit 1
  ) as last on true
);
comment on function private.header_ticks is
  'When each tick last began, and whether that is too long ago; computed here, so that it is seen even when the watchdog is down.';
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

create function public.dashboard_alerts(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', a.id, 'kind', a.kind, 'key', a.key, 'mode', a.mode, 'severity', a.severity, 'title', a.title, 'detail', a.detail,
    'action', a.action, 'count', a.count, 'opened_at', private.iso(a.opened_at), 'last_seen_at', private.iso(a.last_seen_at),
    'acknowledged_at', private.iso(a.acknowledged_at), 'acknowledged_by', a.acknowledged_by
  ) order by private.severity_rank(a.severity) desc, a.opened_at, a.id), '[]')
  from public.alerts as a
  where a.resolved_at is null and (a.mode = p_mode or a.mode is null)
);
comment on function public.dashboard_alerts is 'Open alerts of a mode and those that concern both, the worst first.';
grant execute on function public.dashboard_alerts to authenticated;

create function public.dashboard_positions(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'symbol', p.symbol, 'engine', p.engine, 'strategy', p.strategy, 'qty', private.amount_text(p.qty),
    'average_price', private.amount_text(p.average_price), 'mark', private.amount_text(m.mark),
    'value', private.amount_text(pg_catalog.round(p.qty * m.mark, 8)),
    'unrealized_pnl', private.amount_text(pg_catalog.round(p.qty * m.mark - p.cost_basis, 8)),
    'unrealized_pct', private.amount_text(pg_catalog.round(100 * (p.qty * m.mark - p.cost_basis) / nullif(p.cost_basis, 0), 4)),
    'realized_pnl', private.amount_text(p.realized_pnl), 'fees', private.amount_text(p.fees),
    'stop_price', private.amount_text(p.stop_price), 'target_price', private.amount_text(p.target_price), 'trail_armed', p.trail_armed,
    'high_water', private.amount_text(p.high_water), 'opened_at', private.iso(p.opened_at), 'exit_by', private.iso(p.exit_by)
  ) order by p.symbol), '[]')
  from public.positions as p
  left join public.quotes as q on q.symbol = p.symbol
  cross join lateral (select coalesce((q.bid + q.ask) / 2, p.average_price) as mark) as m
  where p.mode = p_mode and p.qty > 0
);
comment on function public.dashboard_positions is 'What is held, at the mid of the last quote.';
grant execute on function public.dashboard_positions to authenticated;

create function private.order_row(p_order public.crypto_orders, p_intent public.order_intents) returns jsonb
language sql stable set search_path = ''
return pg_catalog.jsonb_build_object(
  'id', (p_order).id, 'intent_group_id', (p_order).intent_group_id, 'parent_order_id', (p_order).parent_order_id,
  'broker_order_id', (p_order).broker_order_id, 'engine', (p_order).engine, 'symbol', (p_order).symbol, 'side', (p_order).side,
  'purpose', (p_order).purpose, 'urgency', (p_order).urgency, 'status', (p_order).status, 'unresolved', (p_order).unresolved,
  'qty', private.amount_text((p_order).qty), 'filled_qty', private.amount_text((p_order).filled_qty),
  'remaining_qty', private.amount_text((p_order).remaining_qty), 'limit_price', private.amount_text((p_order).limit_price),
  'average_price', private.amount_text((p_order).average_price), 'fee', private.amount_text((p_order).fee),
  'notional', private.amount_text(pg_catalog.round((p_order).qty * (p_order).limit_price, 8)),
  'replace_count', (p_order).replace_count, 'cancel_reason_code', (p_order).cancel_reason_code,
  'cancel_requested_by', (p_order).cancel_requested_by, 'requested_at', private.iso((p_order).requested_at),
  'closed_at', private.iso((p_order).closed_at), 'next_action_at', private.iso((p_order).next_action_at),
  'ttl_seconds', (p_order).ttl_seconds, 'strategy', (p_intent).strategy, 'reason', (p_intent).reason,
  'last_error', coalesce((p_order).last_error, (p_order).reject_reason)
);
comment on function private.order_row is 'An order as the dashboard shows it.';
grant execute on function private.order_row to authenticated;

create function public.dashboard_orders(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(private.order_row(o, i) order by l.closed, o.requested_at desc, o.id), '[]')
  from (
    select o.id, false as closed from public.crypto_orders as o
    where o.mode = p_mode and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
    union all
    select o.id, false from public.crypto_orders as o
    where o.mode = p_mode and o.unresolved and o.status in ('filled', 'canceled', 'expired', 'rejected')
    union all
    (
      select o.id, true from public.crypto_orders as o
      where o.mode = p_mode and o.status in ('filled', 'canceled', 'expired', 'rejected') and not o.unresolved
      order by o.requested_at desc limit 20
    )
  ) as l
  join public.crypto_orders as o on o.id = l.id
  join public.order_intents as i on i.id = o.intent_group_id
);
comment on function public.dashboard_orders is 'Every order that is live or of unknown fate, then the last 20 closed ones.';
grant execute on function public.dashboard_orders to authenticated;

create function public.dashboard_fills(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', f.id, 'order_id', f.order_id, 'symbol', f.symbol, 'side', f.side, 'qty', private.amount_text(f.qty),
    'price', private.amount_text(f.price), 'fee', private.amount_text(f.fee),
    'notional', private.amount_text(pg_catalog.round(f.qty * f.price, 8)), 'late', f.late, 'executed_at', private.iso(f.executed_at),
    'realized_pnl', private.amount_text((select pg_catalog.sum(l.realized_pnl) from public.lot_closures as l where l.fill_id = f.id))
  ) order by f.executed_at desc, f.booked_at desc, f.id), '[]')
  from (
    select * from public.crypto_fills as c where c.mode = p_mode order by c.executed_at desc limit 50
  ) as f
);
comment on function public.dashboard_fills is 'The last 50 fills of a mode; realized_pnl is what a sale earned net of both sides'' fees, null for a buy.';
grant execute on function public.dashboard_fills to authenticated;

create function public.dashboard_scan(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'symbol', s.symbol, 'score', private.amount_text(s.score), 'score_breakdown', s.score_breakdown, 'info', s.info,
    'recommended_strategy', s.recommended_strategy, 'no_data_reason', s.no_data_reason, 'created_at', private.iso(s.created_at)
  ) order by s.score desc nulls last, s.symbol), '[]')
  from public.instruments as i
  cross join lateral (
    select * from public.candidate_scans as c
    where c.mode = p_mode and c.symbol = i.symbol order by c.created_at desc limit 1
  ) as s
  where i.enabled
);
comment on function public.dashboard_scan is 'The newest scan of each symbol on the watchlist, the best score first.';
grant execute on function public.dashboard_scan to authenticated;

create function public.dashboard_prices() returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'symbol', q.symbol, 'bid', private.amount_text(q.bid), 'ask', private.amount_text(q.ask),
    'mid', private.amount_text((q.bid + q.ask) / 2), 'observed_at', private.iso(q.observed_at), 'source', q.source
  ) order by q.symbol), '[]')
  from public.quotes as q
);
comment on function public.dashboard_prices is 'The last good quote of each symbol.';
grant execute on function public.dashboard_prices to authenticated;

create function public.dashboard_equity(p_mode text, p_days integer) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  v_last timestamptz := private.clock();
  v_first timestamptz := v_last - pg_catalog.make_interval(days => least(greatest(p_days, 1), 3650));
  v_step interval;
begin
  -- No longer than there are snapshots, so that a young account's chart is not one point.
  select greatest(v_first, s.taken_at) into v_first
  from public.crypto_cash_snapshots as s where s.mode = p_mode order by s.taken_at limit 1;
  v_step := greatest((v_last - v_first) / 500.0, interval '1 second');
  return (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'at', private.iso(s.taken_at), 'equity', private.amount_text(s.equity), 'cash', private.amount_text(s.cash_available)
    ) order by s.taken_at), '[]')
    from pg_catalog.generate_series(1, 500) as n (bucket)
    cross join lateral (
      select c.taken_at, c.equity, c.cash_available from public.crypto_cash_snapshots as c
      where c.mode = p_mode and c.taken_at > v_last - v_step * n.bucket and c.taken_at <= v_last - v_step * (n.bucket - 1)
      order by c.taken_at desc, c.id desc limit 1
    ) as s
  );
end
$$;
comment on function public.dashboard_equity is 'Equity and cash over the last p_days, thinned to at most 500 points.';
grant execute on function public.dashboard_equity to authenticated;

create function public.dashboard_health(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'component', h.component, 'status', h.status, 'last_heartbeat', private.iso(h.last_heartbeat),
    'age_seconds', private.age_seconds(h.last_heartbeat), 'since', private.iso(h.since), 'latency_ms', h.latency_ms,
    'errors_in_a_row', h.errors_in_a_row, 'details', h.details
  ) order by h.component), '[]')
  from public.health_heartbeat as h
  where h.mode = p_mode
);
comment on function public.dashboard_health is 'Each components last heartbeat and its age.';
grant execute on function public.dashboard_health to authenticated;

create function public.dashboard_runs(p_limit integer) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', r.id, 'name', r.name, 'mode', r.mode, 'trigger', r.trigger, 'slot', private.iso(r.slot), 'outcome', r.outcome,
    'reason', r.reason, 'counts', r.counts, 'error', r.error, 'started_at', private.iso(r.started_at),
    'finished_at', private.iso(r.finished_at), 'duration_ms', r.duration_ms
  ) order by r.started_at desc, r.id), '[]')
  from (
    select t.* from pg_catalog.unnest(array['trader-tick', 'edge-factory-tick', 'reposition-tick']) as n (name)
    cross join lateral (
      select * from public.tick_runs as k
      where k.name = n.name order by k.started_at desc limit least(greatest(p_limit, 1), 500)
    ) as t
    order by t.started_at desc limit least(greatest(p_limit, 1), 500)
  ) as r
);
comment on function public.dashboard_runs is 'The last runs of all ticks.';
grant execute on function public.dashboard_runs to authenticated;

create function public.dashboard_thoughts(p_limit integer) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', t.id::text, 'mode', t.mode, 'engine', t.engine, 'type', t.type, 'symbol', t.symbol, 'content', t.content,
    'metadata', t.metadata, 'created_at', private.iso(t.created_at)
  ) order by t.created_at desc, t.id desc), '[]')
  from (
    select * from public.thoughts as h order by h.created_at desc limit least(greatest(p_limit, 1), 500)
  ) as t
);
comment on function public.dashboard_thoughts is 'Why the engine did what it did, the newest first.';
grant execute on function public.dashboard_thoughts to authenticated;

create function public.dashboard_config() returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'key', c.key, 'value', c.value, 'value_type', c.value_type, 'min', private.amount_text(c.min), 'max', private.amount_text(c.max),
    'choices', c.choices, 'default_value', c.default_value, 'description', c.description, 'source', c.source,
    'updated_at', private.iso(c.updated_at), 'updated_by', c.updated_by
  ) order by c.key), '[]')
  from public.config as c
);
comment on function public.dashboard_config is 'Every knob with its range, default and source.';
grant execute on function public.dashboard_config to authenticated;

create function public.dashboard_reconciliations(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', r.id::text, 'status', r.status, 'reason', r.reason, 'local_cash', private.amount_text(r.local_cash),
    'broker_cash', private.amount_text(r.broker_cash), 'cash_diff', private.amount_text(r.cash_diff),
    'local_holdings', r.local_holdings, 'broker_holdings', r.broker_holdings, 'holdings_diff', r.holdings_diff,
    'unknown_orders', r.unknown_orders, 'cash_tolerance', private.amount_text(r.cash_tolerance),
    'qty_tolerance', private.amount_text(r.qty_tolerance), 'taken_at', private.iso(r.taken_at), 'last_seen_at', private.iso(r.last_seen_at)
  ) order by r.id desc), '[]')
  from (
    select * from public.crypto_reconciliation_events as e where e.mode = p_mode order by e.id desc limit 50
  ) as r
);
comment on function public.dashboard_reconciliations is 'The last 50 comparisons of our books with the brokers.';
grant execute on function public.dashboard_reconciliations to authenticated;

create function private.order_events_of(p_order_id uuid) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', e.id::text, 'event_type', e.event_type, 'from_status', e.from_status, 'to_status', e.to_status,
    'price', private.amount_text(e.price), 'qty', private.amount_text(e.qty), 'filled_qty', private.amount_text(e.filled_qty),
    'remaining_qty', private.amount_text(e.remaining_qty), 'reason', e.reason, 'actor', e.actor, 'trace_id', e.trace_id,
    'metadata', e.metadata, 'ts', private.iso(e.ts)
  ) order by e.id), '[]')
  from public.order_events as e
  where e.order_id = p_order_id
);
comment on function private.order_events_of is 'The story of one order, in order.';
grant execute on function private.order_events_of to authenticated;

create function public.order_timeline(intent_group_id uuid) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select pg_catalog.jsonb_build_object(
    'intent', pg_catalog.jsonb_build_object(
      'id', i.id, 'engine', i.engine, 'mode', i.mode, 'symbol', i.symbol, 'side', i.side, 'purpose', i.purpose, 'urgency', i.urgency,
      'status', i.status, 'target_notional', private.amount_text(i.target_notional), 'target_qty', private.amount_text(i.target_qty),
      'limit_price', private.amount_text(i.limit_price), 'signal_confidence', private.amount_text(i.signal_confidence),
      'strategy', i.strategy, 'reason', i.reason, 'metadata', i.metadata, 'max_reached_at', private.iso(i.max_reached_at),
      'created_at', private.iso(i.created_at), 'updated_at', private.iso(i.updated_at)
    ),
    'orders', coalesce((
      select pg_catalog.jsonb_agg(
        private.order_row(o, i) || pg_catalog.jsonb_build_object('events', private.order_events_of(o.id)) order by o.replace_count, o.requested_at, o.id
      )
      from public.crypto_orders as o
      where o.intent_group_id = i.id
    ), '[]')
  )
  from public.order_intents as i
  where i.id = order_timeline.intent_group_id
);
comment on function public.order_timeline is 'An intent with its chain of orders and every event of theirs; null when there is none.';
grant execute on function public.order_timeline to authenticated;
