-- What a tick writes: commit as often as it likes while it holds the lease, finish once.

create function private.hold_tick_lease(p_run_id uuid, p_token bigint) returns public.tick_runs
language plpgsql security definer set search_path = ''
as $$
declare
  v_run public.tick_runs;
  v_now timestamptz := private.clock();
begin
  select r.* into v_run from public.tick_runs as r where r.id = p_run_id;
  -- The row stays locked until the commit, so that nobody can take the tick over in between.
  update private.tick_leases as l
  set expires_at = v_now + interval '120 seconds'
  where l.name = v_run.name and l.run_id = p_run_id and l.token = p_token and l.expires_at > v_now;
  if not found then
    raise exception 'lease_lost' using errcode = 'PT409',
      detail = pg_catalog.format('Run %s no longer holds the lease of its tick with token %s; nothing was written.', p_run_id, p_token);
  end if;
  return v_run;
end
$$;
comment on function private.hold_tick_lease is 'Renews the lease of a run, or raises lease_lost (PT409) when another run has it, or it ran out.';
alter function private.hold_tick_lease owner to zoe_engine;

create function private.engine_of(p_name text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case p_name when 'trader-tick' then 'trader' when 'edge-factory-tick' then 'edge_factory' else 'reposition' end;
end
$$;
comment on function private.engine_of is 'Who speaks in a tick: trader, edge_factory or reposition.';
grant execute on function private.engine_of to zoe_engine;

create function private.record_exit_states(p_mode text, p_states jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update public.positions as p
  set high_water = coalesce(s.high_water, p.high_water), stop_price = coalesce(s.stop_price, p.stop_price),
      target_price = coalesce(s.target_price, p.target_price), trail_armed = coalesce(s.trail_armed, p.trail_armed),
      exit_by = coalesce(s.exit_by, p.exit_by), updated_at = private.clock(), version = p.version + 1
  from pg_catalog.jsonb_to_recordset(p_states) as s (
    mode text, symbol text, high_water numeric, stop_price numeric, target_price numeric, trail_armed boolean, exit_by timestamptz
  )
  where p.mode = coalesce(s.mode, p_mode) and p.symbol = s.symbol and p.qty > 0
    and (p.high_water, p.stop_price, p.target_price, p.trail_armed, p.exit_by) is distinct from (
      coalesce(s.high_water, p.high_water), coalesce(s.stop_price, p.stop_price), coalesce(s.target_price, p.target_price),
      coalesce(s.trail_armed, p.trail_armed), coalesce(s.exit_by, p.exit_by)
    );
end
$$;
comment on function private.record_exit_states is 'Keeps each held position''s stop, target, high-water mark and armed trail, so that no restart forgets them.';
alter function private.record_exit_states owner to zoe_engine;

create function private.record_market(p_run public.tick_runs, p_payload jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if p_payload ? 'quotes' then perform private.record_quotes(p_payload -> 'quotes'); end if;
  if p_payload ? 'candles' then perform private.record_candles(p_payload -> 'candles'); end if;
  if p_payload ? 'thoughts' then
    perform private.record_thoughts(p_run.mode, private.engine_of(p_run.name), p_payload -> 'thoughts');
  end if;
end
$$;
comment on function private.record_market is 'The part of a payload that touches no account: quotes, candles, thoughts.';
alter function private.record_market owner to zoe_engine;

create function private.submit_intents(p_intents jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_intent jsonb;
  v_answers jsonb := '[]';
begin
  for v_intent in select i.value from pg_catalog.jsonb_array_elements(p_intents) with ordinality as i order by i.ordinality loop
    v_answers := v_answers || pg_catalog.jsonb_build_array(private.submit_intent(v_intent));
  end loop;
  return v_answers;
end
$$;
comment on function private.submit_intents is 'Submits intents in their order; the answers come in the same order.';
alter function private.submit_intents owner to zoe_engine;

create function private.commit_tick(p_run_id uuid, p_token bigint, p_payload jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_run public.tick_runs := private.hold_tick_lease(p_run_id, p_token);
  v_reports jsonb := '[]';
  v_intents jsonb := '[]';
  v_orders jsonb := '[]';
  v_claimed jsonb;
begin
  perform private.set_actor(v_run.name, p_run_id::text);
  perform private.record_market(v_run, p_payload);
  perform private.lock_accounts();
  if p_payload ? 'scans' then
    perform private.note_scan_outcome(v_run.mode, private.record_scans(p_run_id, v_run.mode, p_payload -> 'scans'));
  end if;
  if p_payload ? 'exit_states' then perform private.record_exit_states(v_run.mode, p_payload -> 'exit_states'); end if;
  if p_payload ? 'heartbeats' then perform private.record_heartbeats(v_run.mode, p_payload -> 'heartbeats'); end if;
  if p_payload ? 'reports' then v_reports := private.apply_reports(p_payload -> 'reports'); end if;
  if p_payload ? 'decisions' then v_orders := private.apply_decisions(p_run_id, p_token, p_payload -> 'decisions'); end if;
  if p_payload ? 'intents' then v_intents := private.submit_intents(p_payload -> 'intents'); end if;
  select coalesce(pg_catalog.jsonb_agg(o), '[]') into v_claimed
  from private.claim_orders(p_run_id, p_token, 1000, array['send', 'cancel']) as o;
  return pg_catalog.jsonb_build_object('intents', v_intents, 'reports', v_reports, 'orders', v_orders || v_claimed);
end
$$;
comment on function private.commit_tick is
  'Writes what a tick has seen and decided, all or nothing, and hands out the orders to send or cancel now. Raises lease_lost.';
alter function private.commit_tick owner to zoe_engine;

create function private.reconcile_books(p_books jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_book jsonb;
  v_answers jsonb := '[]';
begin
  for v_book in select b.value from pg_catalog.jsonb_array_elements(p_books) as b order by b.value ->> 'mode' loop
    v_answers := v_answers || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
      'mode', v_book ->> 'mode', 'status', private.reconcile(v_book ->> 'mode', v_book) ->> 'status'
    ));
  end loop;
  return v_answers;
end
$$;
comment on function private.reconcile_books is 'Compares each broker book with ours.';
alter function private.reconcile_books owner to zoe_engine;

create function private.end_run(p_run public.tick_runs, p_payload jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_outcome text := case when p_payload ->> 'outcome' = 'error' then 'error' else 'ok' end;
  v_duration integer := pg_catalog.round(extract(epoch from v_now - p_run.started_at) * 1000);
begin
  update public.tick_runs as r
  set outcome = v_outcome, error = pg_catalog.left(p_payload ->> 'error', 2000), counts = coalesce(p_payload -> 'counts', '{}'),
      finished_at = v_now, duration_ms = v_duration
  where r.id = p_run.id;
  perform private.record_heartbeats(p_run.mode, pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
    'component', p_run.name, 'ok', v_outcome = 'ok', 'latency_ms', v_duration,
    'details', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('error', pg_catalog.left(p_payload ->> 'error', 2000)))
  )));
end
$$;
comment on function private.end_run is 'Writes how a run ended, and its heartbeat.';
alter function private.end_run owner to zoe_engine;

create function private.finish_tick(p_run_id uuid, p_token bigint, p_payload jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_run public.tick_runs := private.hold_tick_lease(p_run_id, p_token);
  v_again boolean;
  v_reports jsonb := '[]';
  v_books jsonb := '[]';
begin
  perform private.set_actor(v_run.name, p_run_id::text);
  perform private.record_market(v_run, p_payload);
  perform private.lock_accounts();
  if p_payload ? 'reports' then v_reports := private.apply_reports(p_payload -> 'reports'); end if;
  if p_payload ? 'broker_books' then v_books := private.reconcile_books(p_payload -> 'broker_books'); end if;
  if p_payload ? 'heartbeats' then perform private.record_heartbeats(v_run.mode, p_payload -> 'heartbeats'); end if;
  perform private.release_claims(p_run_id);
  perform private.end_run(v_run, p_payload);
  update private.tick_leases as l set run_id = null, expires_at = null where l.name = v_run.name returning l.again into v_again;
  if not exists (select from private.tick_leases as l where l.run_id is not null and l.expires_at > private.clock()) then
    perform private.release_clock();
  end if;
  return pg_catalog.jsonb_build_object(
    'again', v_again or (v_run.name = 'reposition-tick' and private.work_is_due()),
    'reports', v_reports, 'reconciliation', v_books
  );
end
$$;
comment on function private.finish_tick is
  'Ends a run: last reports, reconciliation, outcome; releases its lease. again: work arrived while it ran. Raises lease_lost.';
alter function private.finish_tick owner to zoe_engine;

create function public.commit_tick(run_id uuid, token bigint, payload jsonb) returns jsonb
language plpgsql security invoker set search_path = ''
as $$
begin
  return private.commit_tick(run_id, token, payload);
end
$$;
comment on function public.commit_tick is 'Writes what a tick has seen and decided, all or nothing: {intents, reports, orders}. A stale token is PT409 lease_lost.';
grant execute on function public.commit_tick to service_role;
grant execute on function private.commit_tick to service_role;

create function public.finish_tick(run_id uuid, token bigint, payload jsonb) returns jsonb
language plpgsql security invoker set search_path = ''
as $$
begin
  return private.finish_tick(run_id, token, payload);
end
$$;
comment on function public.finish_tick is 'Ends a run: {again, reports, reconciliation}. A stale token is PT409 lease_lost.';
grant execute on function public.finish_tick to service_role;
grant execute on function private.finish_tick to service_role;
