-- Health: what each component says of itself, and what follows for trading.

create function private.next_health(p_before public.health_heartbeat, p_ok boolean, p_limit integer) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case
    when p_ok and p_before.status = 'error' and p_before.good_in_a_row + 1 < p_limit then 'error'
    when p_ok then 'ok'
    when p_before.status = 'error' or coalesce(p_before.errors_in_a_row, 0) + 1 >= p_limit then 'error'
    else 'warning'
  end;
end
$$;
comment on function private.next_health is
  'The status after one more answer: error after p_limit errors in a row, and until p_limit good answers in a row.';
grant execute on function private.next_health to zoe_engine;

create function private.note_health(
  p_component text, p_mode text, p_ok boolean, p_status text, p_latency integer, p_details jsonb
) returns void
language plpgsql security definer set search_path = ''
as $$
begin
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
end
$$;
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

create function private.published_tables() returns text[]
language sql immutable set search_path = ''
return array['alerts', 'candidate_scans', 'config', 'crypto_cash_snapshots', 'crypto_fills', 'crypto_orders', 'order_events'];
comment on function private.published_tables is 'The tables whose changes Realtime publishes.';
grant execute on function private.published_tables to zoe_engine;

create function private.check_realtime() returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_missing text[] := array(
    select t.name from pg_catalog.unnest(private.published_tables()) as t (name)
    except
    select p.tablename::text from pg_catalog.pg_publication_tables as p where p.pubname = 'supabase_realtime' and p.schemaname = 'public'
  );
  v_behind numeric := (
    select pg_catalog.max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.confirmed_flush_lsn))
    from pg_catalog.pg_replication_slots as s
    where s.database = pg_catalog.current_database() and s.slot_name like '%realtime%' and s.active
  );
  v_ok boolean := pg_catalog.cardinality(v_missing) = 0;
  v_status text := case when not v_ok then 'error' when v_behind > 64 * 1024 * 1024 then 'warning' else 'ok' end;
begin
  perform private.note_health('realtime', m.mode, v_ok, v_status, null, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'not_published', nullif(pg_catalog.to_jsonb(v_missing), '[]'), 'listening', v_behind is not null, 'bytes_behind', v_behind
  )))
  from pg_catalog.unnest(array['live', 'paper']) as m (mode);
end
$$;
comment on function private.check_realtime is
  'Realtime''s heartbeat as the database sees it: every table is published, and who listens keeps up. Nobody listening is no fault.';
alter function private.check_realtime owner to zoe_engine;
