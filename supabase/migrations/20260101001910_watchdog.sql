-- The watchdog: once a minute, in SQL alone, it looks for what nobody is there to report.

create function private.find_order_delays() returns setof private.finding
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_max integer := private.knob_number('MAX_REPRICE_ATTEMPTS')::integer;
begin
  return query
    select 'stuck_orders', '', o.mode, 'warning', 'Stuck orders: ' || pg_catalog.count(*),
      'At their last reprice for too long: '
        || pg_catalog.string_agg(pg_catalog.format('%s %s %s', o.symbol, o.side, o.id), ', ' order by o.requested_at) || '.',
      'Cancel by hand: the dashboard''s cancel button, or update crypto_orders set status = ''canceled'' where id = ''...''.',
      pg_catalog.count(*)::integer, pg_catalog.jsonb_build_object('order_ids', pg_catalog.jsonb_agg(o.id order by o.requested_at))
    from public.crypto_orders as o
    join public.order_intents as i on i.id = o.intent_group_id
    where o.status in ('submitted', 'working', 'partially_filled', 'cancel_pending') and o.replace_count >= v_max
      and coalesce(i.max_reached_at, o.submitted_at) <= v_now - private.knob_seconds('ALERT_STUCK_ORDER_SECONDS')
    group by o.mode;

  return query
    select 'order_unresolved', '', o.mode, 'critical', 'Orders of unknown fate: ' || pg_catalog.count(*),
      'No definite answer from the broker about '
        || pg_catalog.string_agg(pg_catalog.format('%s %s %s', o.symbol, o.side, o.id), ', ' order by o.requested_at)
        || '. Their symbols take no new entry.',
      'Look the order up at the broker by its client order id. It resolves itself when the broker answers; if it never does, settle it in its story.',
      pg_catalog.count(*)::integer, pg_catalog.jsonb_build_object('order_ids', pg_catalog.jsonb_agg(o.id order by o.requested_at))
    from public.crypto_orders as o
    where o.unresolved and coalesce(o.submitted_at, o.requested_at) <= v_now - private.knob_seconds('ALERT_UNRESOLVED_SECONDS')
    group by o.mode;

  return query
    select 'cancel_unconfirmed', '', o.mode, 'critical', 'Cancels not confirmed: ' || pg_catalog.count(*),
      'The broker has not confirmed the cancel of '
        || pg_catalog.string_agg(pg_catalog.format('%s %s %s', o.symbol, o.side, o.id), ', ' order by o.requested_at) || '.',
      'It is retried. Check the broker; the order may still fill until the cancel is confirmed.',
      pg_catalog.count(*)::integer, pg_catalog.jsonb_build_object('order_ids', pg_catalog.jsonb_agg(o.id order by o.requested_at))
    from public.crypto_orders as o
    where (o.status = 'cancel_pending' and o.cancel_requested_at <= v_now - private.knob_seconds('ALERT_CANCEL_UNCONFIRMED_SECONDS'))
      -- Each refusal puts an entry back to work and its cancel is asked for anew, for as long as entries are halted.
      or (
        o.purpose = 'entry' and o.status in ('submitted', 'working', 'partially_filled', 'cancel_pending') and exists (
          select from private.halts(o.mode) as h
          where h.since <= v_now - private.knob_seconds('ALERT_CANCEL_UNCONFIRMED_SECONDS')
        )
      )
    group by o.mode;

  return query
    select 'rejections', '', r.mode, 'warning', pg_catalog.format('Orders rejected: %s in %s minutes', r.count,
        pg_catalog.round(private.knob_number('ALERT_REJECTION_WINDOW_SECONDS') / 60)),
      'The last reason: ' || coalesce(r.last_reason, 'none given') || '.',
      'Check broker account status, buying power, and symbol availability.',
      r.count, pg_catalog.jsonb_build_object('order_ids', r.order_ids)
    from (
      select o.mode, pg_catalog.count(*)::integer as count, pg_catalog.jsonb_agg(o.id order by o.closed_at desc) as order_ids,
        (pg_catalog.array_agg(o.reject_reason order by o.closed_at desc))[1] as last_reason
      from public.crypto_orders as o
      where o.status = 'rejected' and o.closed_at >= v_now - private.knob_seconds('ALERT_REJECTION_WINDOW_SECONDS')
        and o.mode in ('live', 'paper')
      group by o.mode
    ) as r
    where r.count >= private.knob_number('ALERT_REJECTION_COUNT');
end
$$;
comment on function private.find_order_delays is 'Orders that are stuck, of unknown fate, not confirmed canceled, or rejected too often.';
alter function private.find_order_delays owner to zoe_engine;

create function private.knob_seconds(p_key text) returns interval
language plpgsql stable set search_path = ''
as $$
begin
  return pg_catalog.make_interval(secs => private.knob_number(p_key)::double precision);
end
$$;
comment on function private.knob_seconds is 'A knob that counts seconds, as an interval.';
grant execute on function private.knob_seconds to zoe_engine;

create function private.tick_cadence(p_name text) returns interval
language plpgsql stable set search_path = ''
as $$
begin
  return case p_name
    when 'trader-tick' then private.knob_seconds('TRADER_TICK_SECONDS')
    when 'edge-factory-tick' then private.knob_seconds('EDGE_FACTORY_TICK_SECONDS')
    when 'reposition-tick' then interval '5 seconds'
  end;
end
$$;
comment on function private.tick_cadence is 'How often a tick runs; the reposition tick only while orders wait for it. Null for an unknown name.';
grant execute on function private.tick_cadence to zoe_engine;

create function private.find_silences() returns setof private.finding
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_awake timestamptz := (select w.awake_since from private.watchdog as w);
begin
  return query
    select 'tick_stalled', t.name, null::text, 'critical', t.name || ' has stalled',
      pg_catalog.format('No good run for %s seconds; it is due every %s. %s', extract(epoch from v_now - t.waiting_since)::integer,
        extract(epoch from t.cadence)::integer,
        coalesce('Its last call was answered ' || t.answer || '.', 'The last run ended in error: ' || t.error || '.',
          'It is not being run at all.')),
      case
        when t.answer ~ '^(401|403)' then 'The Vault''s cron_token is not the functions'' ZOE_CRON_TOKEN: make them equal.'
        when t.answer ~ '^404' then 'The function is not there: deploy it, or correct the Vault''s project_url.'
        else 'Look at the function''s log and at cron.job_run_details; run it by hand with npm run invoke ' || t.name || '.'
      end,
      1, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('answer', t.answer, 'refusals', nullif(t.refusals, 0)))
    from (
      select d.name, private.tick_cadence(d.name) as cadence, last.error, d.answer, d.refusals,
        greatest(good.started_at, v_awake, d.due_since) as waiting_since
      from private.tick_dispatches as d
      left join lateral (
        select r.started_at from public.tick_runs as r
        where r.name = d.name and r.outcome in ('ok', 'skipped') order by r.started_at desc limit 1
      ) as good on true
      left join lateral (
        select r.error from public.tick_runs as r where r.name = d.name order by r.started_at desc limit 1
      ) as last on true
      where d.due_since is not null
    ) as t
    where v_now - t.waiting_since > greatest(
      t.cadence * private.knob_number('ALERT_TICK_LATE_CADENCES')::double precision,
      -- A wake takes a moment; less than a minute isn't worth a person's time.
      interval '1 minute'
    );

  return query
    select 'missing_secret', '', null::text, 'critical', 'Ticks can''t be called',
      pg_catalog.format('No secret named %s: no tick can be called.', pg_catalog.array_to_string(m.names, ', ')),
      'Create it with select vault.create_secret(''<value>'', ''<name>'').',
      pg_catalog.cardinality(m.names), pg_catalog.jsonb_build_object('names', pg_catalog.to_jsonb(m.names))
    from (select private.missing_secrets() as names) as m
    where pg_catalog.cardinality(m.names) > 0;

  return query
    select 'market_data', '', null::text, 'critical', 'Market data is stale',
      pg_catalog.format('The newest quote is %s seconds old.', extract(epoch from v_now - q.newest)::integer),
      'Check the market data source and the trader tick. Entries are refused; exits price from the last good quote.',
      1, '{}'::jsonb
    from (
      select greatest(pg_catalog.max(k.observed_at), v_awake) as newest
      from public.instruments as i
      left join public.quotes as k on k.symbol = i.symbol
      where i.enabled
      having pg_catalog.count(*) > 0
    ) as q
    where private.knob_text('TRADER_MODE') <> 'disabled'
      and v_now - q.newest > private.tick_cadence('trader-tick') * private.knob_number('ALERT_TICK_LATE_CADENCES')::double precision
        + private.knob_seconds('QUOTE_MAX_AGE_SECONDS');
end
$$;
comment on function private.find_silences is 'Ticks that are late, secrets that are missing, market data that has stopped.';
alter function private.find_silences owner to zoe_engine;

create function private.missing_secrets() returns text[]
language plpgsql stable security definer set search_path = ''
as $$
begin
  return array(
    select n.name from pg_catalog.unnest(array['project_url', 'cron_token']) as n (name)
    where not exists (
      select from vault.decrypted_secrets as s where s.name = n.name and coalesce(s.decrypted_secret, '') <> ''
    )
    order by n.name
  );
end
$$;
comment on function private.missing_secrets is 'Names of the Vault secrets a tick can''t be called without. Owned by postgres, who may read the Vault.';
grant execute on function private.missing_secrets to zoe_engine;

create function private.close_settled_alerts() returns void
language sql security definer set search_path = ''
begin atomic
  update public.alerts as a
  set resolved_at = private.clock()
  where a.resolved_at is null and a.kind in ('stale_exit_quote', 'liquidity_guard_exit')
    and not exists (
      select from public.crypto_orders as o
      where o.id::text = a.key and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
    );
end;
comment on function private.close_settled_alerts is 'Resolves alerts about an exit once that order is closed.';
alter function private.close_settled_alerts owner to zoe_engine;

create function private.close_lost_runs() returns void
language sql security definer set search_path = ''
begin atomic
  update public.tick_runs as r
  set outcome = 'error', error = 'the run never finished: its lease expired', finished_at = private.clock(),
      duration_ms = pg_catalog.round(extract(epoch from private.clock() - r.started_at) * 1000)
  -- The next run of the tick says so too, before it takes the accounts that are held here: whoever has the row does it.
  where r.id in (
    select k.id from public.tick_runs as k join private.tick_leases as l on l.name = k.name
    where k.outcome = 'running' and (l.run_id is distinct from k.id or l.expires_at <= private.clock())
    for update of k skip locked
  );
end;
comment on function private.close_lost_runs is 'Says of runs that crashed that they did.';
alter function private.close_lost_runs owner to zoe_engine;

create function private.run_watchdog() returns integer
language plpgsql security definer set search_path = ''
as $$
begin
  update private.watchdog as w
  set awake_since = case
        when w.last_run_at between private.clock() - interval '3 minutes' and private.clock() then w.awake_since else private.clock()
      end,
      last_run_at = private.clock()
  where w.one;
  -- Both locks; they also roll the day and end a safe mode whose time is up.
  perform private.lock_account(a.mode) from pg_catalog.unnest(array['live', 'paper']) as a (mode);
  perform private.close_lost_runs();
  perform private.close_settled_alerts();
  perform private.check_realtime();
  perform private.look_at_ticks();
  perform private.look_daily();
  -- Where nobody looks at prices any more nothing waits for one either.
  perform private.tell_unconfirmed_prices();
  return private.settle_alerts(
    private.state_alert_kinds()
      || array['stuck_orders', 'order_unresolved', 'cancel_unconfirmed', 'rejections', 'tick_stalled', 'missing_secret', 'market_data', 'unsellable',
        'held_unquoted', 'exits_blocked'],
    array(select f from private.find_state_problems() as f)
      || array(select f from private.find_order_delays() as f)
      || array(select f from private.find_silences() as f)
      || array(select f from private.find_unsellable() as f)
      || array(select f from private.find_unwatched() as f)
  );
end
$$;
comment on function private.run_watchdog is
  'Every minute: ends safe mode whose time is up, closes lost runs, has unproven orders looked at, and makes the open alerts what is true now. Returns how many problems it found.';
alter function private.run_watchdog owner to zoe_engine;
