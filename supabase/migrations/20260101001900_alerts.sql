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
language sql immutable set search_path = ''
return pg_catalog.array_position(array['info', 'warning', 'critical'], p_severity);
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

-- What the state itself says: kill switch, safe mode, degraded, broker API, empty scans.

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
end
$$;
comment on function private.find_state_problems is 'What switches, accounts and the broker''s health say now.';
alter function private.find_state_problems owner to zoe_engine;

create function private.state_alert_kinds() returns text[]
language sql immutable set search_path = ''
return array['kill_switch', 'safe_mode', 'degraded', 'api_degraded', 'empty_scans'];
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
    (old.safe_mode, old.safe_mode_reason, old.safe_mode_until, old.degraded, old.degraded_reason)
    is distinct from (new.safe_mode, new.safe_mode_reason, new.safe_mode_until, new.degraded, new.degraded_reason)
  )
  execute function private.follow_state();

-- Health.

create function private.next_health(p_before public.health_heartbeat, p_ok boolean, p_limit integer) returns text
language sql immutable set search_path = ''
return case
  when p_ok and p_before.status = 'error' and p_before.good_in_a_row + 1 < p_limit then 'error'
  when p_ok then 'ok'
  when p_before.status = 'error' or coalesce(p_before.errors_in_a_row, 0) + 1 >= p_limit then 'error'
  else 'warning'
end;
comment on function private.next_health is
  'The status after one more answer: error after p_limit errors in a row, and until p_limit good answers in a row.';
grant execute on function private.next_health to zoe_engine;

create function private.note_health(
  p_component text, p_mode text, p_ok boolean, p_status text, p_latency integer, p_details jsonb
) returns void
language sql security definer set search_path = ''
begin atomic
  insert into public.health_heartbeat as h (
    component, mode, status, latency_ms, errors_in_a_row, good_in_a_row, details, last_heartbeat, since
  )
  values (
    p_component, p_mode, p_status, p_latency, case when p_ok then 0 else 1 end, case when p_ok then 1 else 0 end,
    coalesce(p_details, '{}'), private.clock(), private.clock()
  )
  on conflict (component, mode) do update
  set status = excluded.status, latency_ms = excluded.latency_ms, details = excluded.details,
      errors_in_a_row = case when p_ok then 0 else h.errors_in_a_row + 1 end,
      good_in_a_row = case when p_ok then h.good_in_a_row + 1 else 0 end,
      last_heartbeat = excluded.last_heartbeat,
      since = case when h.status = excluded.status then h.since else excluded.since end;
end;
comment on function private.note_health is 'Writes a component''s heartbeat; since moves when the status does.';
alter function private.note_health owner to zoe_engine;

create function private.note_broker_answer(p_mode text, p_ok boolean, p_latency integer, p_detail text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_limit integer := private.knob_number('SAFE_MODE_BROKER_ERRORS')::integer;
  v_account public.accounts := private.lock_account(p_mode);
  v_before public.health_heartbeat;
  v_status text;
begin
  select * into v_before from public.health_heartbeat as h where h.component = 'broker_api' and h.mode = p_mode;
  v_status := private.next_health(v_before, p_ok, v_limit);
  perform private.note_health('broker_api', p_mode, p_ok, v_status, p_latency,
    case when p_ok and v_status = 'error' then v_before.details
         else pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('detail', p_detail)) end);
  if v_status = 'error' and not (v_account.safe_mode and v_account.safe_mode_reason = 'operator') then
    if not v_account.safe_mode or v_account.safe_mode_reason <> 'broker_errors' then
      perform private.enter_safe_mode(p_mode, 'broker_errors', null);
    end if;
  elsif v_status = 'ok' and v_account.safe_mode and v_account.safe_mode_reason = 'broker_errors' then
    perform private.leave_safe_mode(p_mode, 'broker');
  end if;
  if v_status is distinct from v_before.status then
    perform private.settle_alerts(private.state_alert_kinds(), array(select f from private.find_state_problems() as f));
  end if;
end
$$;
comment on function private.note_broker_answer is
  'Counts the broker''s answers: SAFE_MODE_BROKER_ERRORS errors in a row begin safe mode, as many good answers in a row end it.';
alter function private.note_broker_answer owner to zoe_engine;

create function private.note_scan_outcome(p_mode text, p_scored integer) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_account public.accounts := private.lock_account(p_mode);
  v_empty integer := case when p_scored > 0 then 0 else v_account.empty_scans + 1 end;
begin
  if v_empty = v_account.empty_scans then return; end if;
  update public.accounts as a set empty_scans = v_empty, updated_at = private.clock() where a.mode = p_mode;
  if v_empty >= private.knob_number('SAFE_MODE_EMPTY_SCAN_THRESHOLD')
    and not (v_account.safe_mode and v_account.safe_mode_reason in ('operator', 'broker_errors')
             and coalesce(v_account.safe_mode_until, 'infinity') > private.clock()) then
    perform private.enter_safe_mode(
      p_mode, 'empty_scans', private.clock() + pg_catalog.make_interval(secs => private.knob_number('SAFE_MODE_SECONDS')::double precision)
    );
  end if;
  perform private.settle_alerts(private.state_alert_kinds(), array(select f from private.find_state_problems() as f));
end
$$;
comment on function private.note_scan_outcome is
  'Counts scans in which no symbol could be scored for want of data; SAFE_MODE_EMPTY_SCAN_THRESHOLD in a row begin safe mode.';
alter function private.note_scan_outcome owner to zoe_engine;

create function private.record_heartbeats(p_mode text, p_heartbeats jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_beat record;
begin
  for v_beat in
    select h.component, m.mode, coalesce(h.ok, h.status = 'ok') as ok, h.status, h.latency_ms, h.details
    from pg_catalog.jsonb_to_recordset(p_heartbeats) as h (
      component text, mode text, status text, latency_ms integer, ok boolean, details jsonb
    )
    -- What belongs to no mode is told to both.
    cross join lateral pg_catalog.unnest(
      case when coalesce(h.mode, p_mode) in ('paper', 'live') then array[coalesce(h.mode, p_mode)] else array['live', 'paper'] end
    ) as m (mode)
    order by h.component, m.mode
  loop
    if v_beat.component = 'broker_api' then
      perform private.note_broker_answer(v_beat.mode, v_beat.ok, v_beat.latency_ms, v_beat.details ->> 'detail');
    else
      perform private.note_health(
        v_beat.component, v_beat.mode, v_beat.ok, coalesce(v_beat.status, case when v_beat.ok then 'ok' else 'error' end),
        v_beat.latency_ms, v_beat.details
      );
    end if;
  end loop;
end
$$;
comment on function private.record_heartbeats is 'Books what a tick says about its components; the broker''s answers also decide safe mode.';
alter function private.record_heartbeats owner to zoe_engine;
