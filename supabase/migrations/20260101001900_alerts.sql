-- Alerts, health and the watchdog: pure SQL, so that what needs a person is said even when every function is down.

create table private.watchdog (
  one boolean primary key default true constraint watchdog_has_one_row check (one),
  last_run_at timestamptz not null default private.clock(),
  awake_since timestamptz not null default private.clock()
);
comment on table private.watchdog is
  'awake_since: how long the database has been watched without a gap. A platform that was switched off is not late the moment it returns.';
insert into private.watchdog default values;
alter table private.watchdog enable row level security;
grant select, update on private.watchdog to zoe_engine;

create function private.say_time(p_at timestamptz) returns text
language sql stable set search_path = ''
return pg_catalog.to_char(p_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS') || ' UTC';
comment on function private.say_time is 'A moment as a person reads it, in UTC.';
grant execute on function private.say_time to zoe_engine;

create function private.severity_rank(p_severity text) returns integer
language plpgsql immutable set search_path = ''
as $$
begin
  return pg_catalog.array_position(array['info', 'warning', 'critical'], p_severity);
end
$$;
comment on function private.severity_rank is 'Severities in order: info 1, warning 2, critical 3.';
grant execute on function private.severity_rank to authenticated, zoe_engine;

create function private.open_alert(
  p_kind text, p_key text, p_mode text, p_severity text, p_title text, p_detail text, p_action text,
  p_evidence jsonb default '{}', p_count integer default null
) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  v_id uuid;
begin
  insert into public.alerts as a (kind, key, mode, severity, title, detail, action, evidence, count)
  values (
    p_kind, coalesce(p_key, ''), p_mode, p_severity, p_title, p_detail, p_action, coalesce(p_evidence, '{}'), coalesce(p_count, 1)
  )
  on conflict (kind, key, mode) where resolved_at is null do update
  set severity = excluded.severity, title = excluded.title, detail = excluded.detail, action = excluded.action,
      evidence = excluded.evidence, count = coalesce(p_count, a.count + 1), last_seen_at = private.clock(),
      -- An acknowledgement covers what was seen then: worse than that is said again.
      acknowledged_at = case
        when p_count > a.count or private.severity_rank(excluded.severity) > private.severity_rank(a.severity) then null
        else a.acknowledged_at
      end,
      acknowledged_by = case
        when p_count > a.count or private.severity_rank(excluded.severity) > private.severity_rank(a.severity) then null
        else a.acknowledged_by
      end
  returning a.id into v_id;
  return v_id;
end
$$;
comment on function private.open_alert is
  'Opens an alert or refreshes the open one of the same kind, key and mode: count is p_count, or one more. Mode null: both modes.';
alter function private.open_alert owner to zoe_engine;

create function private.resolve_alert(p_kind text, p_key text, p_mode text) returns void
language sql security definer set search_path = ''
begin atomic
  update public.alerts as a
  set resolved_at = private.clock()
  where a.kind = p_kind and a.key = coalesce(p_key, '') and a.mode is not distinct from p_mode and a.resolved_at is null;
end;
comment on function private.resolve_alert is 'Closes the open alert of this kind, key and mode, if there is one.';
alter function private.resolve_alert owner to zoe_engine;

create function private.settle_alerts(p_kinds text[], p_findings private.finding[]) returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_finding private.finding;
begin
  for v_finding in
    select f.* from pg_catalog.unnest(p_findings) as f order by f.kind, f.key, f.mode
  loop
    perform private.open_alert(
      v_finding.kind, v_finding.key, v_finding.mode, v_finding.severity, v_finding.title, v_finding.detail,
      v_finding.action, v_finding.evidence, v_finding.count
    );
  end loop;
  update public.alerts as a
  set resolved_at = private.clock()
  where a.resolved_at is null and a.kind = any (p_kinds)
    and not exists (
      select from pg_catalog.unnest(p_findings) as f
      where f.kind = a.kind and f.key = a.key and f.mode is not distinct from a.mode
    );
  return coalesce(pg_catalog.cardinality(p_findings), 0);
end
$$;
comment on function private.settle_alerts is
  'Makes the open alerts of these kinds exactly what was found: opens, refreshes, resolves. Callers hold the account locks.';
alter function private.settle_alerts owner to zoe_engine;

-- What the state itself says: kill switch, safe mode, degraded, broker API, empty scans, cash below zero.

create function private.find_refused_knobs() returns setof private.finding
language sql stable security definer set search_path = ''
begin atomic
  select 'bad_knob', r.name, null::text, case when r.halts_entries then 'critical' else 'warning' end,
    'Bad setting in the environment: ' || r.name,
    r.reason || case
      when r.halts_entries then ' What was in force stays in force; it guards against loss, so there are no new entries meanwhile. Exits go on.'
      else ' What was in force stays in force.'
    end,
    'Correct or remove the environment variable of the functions (supabase secrets set or unset). The next tick looks again.',
    1, '{}'::jsonb
  from private.refused_knobs as r;
end;
comment on function private.find_refused_knobs is 'Each setting of the environment that can''t be used.';
alter function private.find_refused_knobs owner to zoe_engine;

create function private.find_state_problems() returns setof private.finding
language plpgsql stable security definer set search_path = ''
as $$
begin
  return query
    select 'kill_switch', '', null::text, 'critical', 'Kill switch is on',
      pg_catalog.format('All new trading is stopped since %s, by %s.', private.say_time(c.updated_at), c.updated_by),
      'Find out why it was pulled. Re-arm it in the header, or set kill_switch to false in the table config.',
      1, '{}'::jsonb
    from public.config as c
    where c.key = 'kill_switch' and c.value = 'true';

  return query
    select 'safe_mode', '', a.mode, 'warning', 'Safe mode: no new entries',
      pg_catalog.format(
        'Since %s because of %s, until %s. Exits go on.', private.say_time(a.safe_mode_since), a.safe_mode_reason,
        coalesce(private.say_time(a.safe_mode_until), 'the cause is gone')
      ),
      'Check API connectivity and the watchlist. It ends by itself; an operator can end it sooner.',
      1, '{}'::jsonb
    from public.accounts as a
    where a.safe_mode and coalesce(a.safe_mode_until, 'infinity') > private.clock();

  return query
    select 'degraded', '', a.mode, 'critical', 'System degraded: the books do not agree with the broker',
      pg_catalog.format('Since %s: %s.', private.say_time(a.degraded_since), a.degraded_reason),
      'Check cash_diff and holdings_diff in crypto_reconciliation_events. Within tolerance: raise RECONCILE_CASH_TOLERANCE or '
        || 'RECONCILE_QTY_TOLERANCE. Real drift: investigate the fills.',
      1, '{}'::jsonb
    from public.accounts as a
    where a.degraded;

  return query
    select 'api_degraded', '', h.mode, 'critical', 'System degraded: the broker API returns errors',
      pg_catalog.format(
        'Since %s, %s errors in a row: %s.', private.say_time(h.since), h.errors_in_a_row, coalesce(h.details ->> 'detail', h.status)
      ),
      'Safe mode halts new entries; exits go on. Check the broker''s status page.',
      1, pg_catalog.jsonb_build_object('status', h.status, 'errors_in_a_row', h.errors_in_a_row)
    from public.health_heartbeat as h
    where h.component = 'broker_api' and h.status in ('error', 'down');

  return query
    select 'empty_scans', '', a.mode, 'warning', 'Scans come back empty',
      pg_catalog.format('%s scans in a row could not score a single symbol for want of data.', a.empty_scans),
      'Check API connectivity and the watchlist (instruments.enabled).',
      a.empty_scans, '{}'::jsonb
    from public.accounts as a
    where a.empty_scans >= private.knob_number('SAFE_MODE_EMPTY_SCAN_THRESHOLD');

  return query select f.* from private.find_negative_cash() as f;
  return query select * from private.find_refused_knobs();
end
$$;
comment on function private.find_state_problems is 'What switches, accounts and the broker''s health say now.';
alter function private.find_state_problems owner to zoe_engine;

create function private.state_alert_kinds() returns text[]
language sql immutable set search_path = ''
return array['kill_switch', 'safe_mode', 'degraded', 'api_degraded', 'empty_scans', 'negative_cash', 'bad_knob'];
comment on function private.state_alert_kinds is 'The kinds that find_state_problems decides.';
grant execute on function private.state_alert_kinds to zoe_engine;

create function private.follow_state() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.settle_alerts(
    private.state_alert_kinds(), array(select f from private.find_state_problems() as f)
  );
  return null;
end
$$;
comment on function private.follow_state is 'Opens and resolves the alerts of a changed switch or account state at once.';
alter function private.follow_state owner to zoe_engine;

create trigger config__after_kill_switch_tell after update on public.config
  for each row when (new.key = 'kill_switch' and old.value is distinct from new.value)
  execute function private.follow_state();
create trigger accounts__after_state_tell after update on public.accounts
  for each row when (
    (old.safe_mode, old.safe_mode_reason, old.safe_mode_until, old.degraded, old.degraded_reason, old.cash < 0)
    is distinct from (new.safe_mode, new.safe_mode_reason, new.safe_mode_until, new.degraded, new.degraded_reason, new.cash < 0)
  )
  execute function private.follow_state();
