-- The dashboard's other lists.

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
    'high_water', private.amount_text(p.high_water), 'opened_at', private.iso(p.opened_at), 'exit_by', private.iso(p.exit_by),
    'is_dust', private.dust(p.mode, p.symbol, p.qty)
  ) order by p.symbol), '[]')
  from public.positions as p
  left join public.quotes as q on q.symbol = p.symbol
  cross join lateral (select coalesce((q.bid + q.ask) / 2, p.average_price) as mark) as m
  where p.mode = p_mode and p.qty > 0
);
comment on function public.dashboard_positions is 'What is held, at the mid of the last quote.';
grant execute on function public.dashboard_positions to authenticated;

create function public.dashboard_fills(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', f.id, 'order_id', f.order_id, 'symbol', f.symbol, 'side', f.side, 'qty', private.amount_text(f.qty),
    'price', private.amount_text(f.price), 'fee', private.amount_text(f.fee),
    'notional', private.amount_text(pg_catalog.round(f.qty * f.price, 8)), 'late', f.late, 'revision', f.revision, 'executed_at', private.iso(f.executed_at),
    'realized_pnl', private.amount_text((select pg_catalog.sum(l.realized_pnl) from public.lot_closures as l where l.fill_id = f.id))
  ) order by f.executed_at desc, f.seq desc), '[]')
  from (
    select * from public.crypto_fills as c where c.mode = p_mode order by c.executed_at desc, c.seq desc limit 50
  ) as f
);
comment on function public.dashboard_fills is 'The last 50 fills of a mode; realized_pnl is what a sale earned net of both sides'' fees, null for a buy. A revision is what was learned later of an execution; what a sale earned stays with its first row.';
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

create function public.dashboard_rejected_prices() returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', r.id::text, 'symbol', r.symbol, 'kind', r.kind, 'source', r.source, 'price', private.amount_text(r.price),
    'low', private.amount_text(r.low), 'high', private.amount_text(r.high), 'median', private.amount_text(r.median),
    'observed_at', private.iso(r.observed_at), 'confirmed_at', private.iso(r.confirmed_at)
  ) order by r.observed_at desc, r.id desc), '[]')
  from (
    select * from public.rejected_prices as p order by p.observed_at desc limit 50
  ) as r
);
comment on function public.dashboard_rejected_prices is 'The last 50 prices that were not believed when they were seen, the newest first.';
grant execute on function public.dashboard_rejected_prices to authenticated;

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
