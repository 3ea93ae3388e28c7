-- Ticks: one lease a name, one run a slot. Commits and the end of a run are in the next chapter.

create function private.mode_knob(p_name text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case p_name when 'trader-tick' then 'TRADER_MODE' when 'edge-factory-tick' then 'EDGE_FACTORY_MODE' end;
end
$$;
comment on function private.mode_knob is 'The knob that says which mode a tick''s engine runs in; null for the reposition tick, which serves both.';
grant execute on function private.mode_knob to zoe_engine;

create function private.note_disabled(p_name text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.note_health(
    p_name, m.mode, true, 'ok', 0, pg_catalog.jsonb_build_object('detail', private.mode_knob(p_name) || ' is disabled')
  )
  from (
    select 'paper' as mode union select h.mode from public.health_heartbeat as h where h.component = p_name order by mode
  ) as m;
end
$$;
comment on function private.note_disabled is 'The heartbeat of an engine that is switched off and holds nothing: disabled is neither silent nor late.';
alter function private.note_disabled owner to zoe_engine;

create function private.require_tick(p_name text) returns void
language plpgsql stable set search_path = ''
as $$
begin
  if private.tick_cadence(p_name) is null then
    raise exception 'unknown_tick' using errcode = 'PT404',
      detail = pg_catalog.format('There is no tick named %L; there are trader-tick, edge-factory-tick and reposition-tick.', p_name);
  end if;
end
$$;
comment on function private.require_tick is 'Refuses a name that is no tick''s.';
grant execute on function private.require_tick to zoe_engine;

create function private.skip_tick(p_reason text) returns jsonb
language sql immutable set search_path = ''
return pg_catalog.jsonb_build_object('outcome', 'skipped', 'reason', p_reason);
comment on function private.skip_tick is 'The answer of begin_tick when there is nothing to do: slot_taken, overlap, disabled or not_due.';
grant execute on function private.skip_tick to zoe_engine;

create function private.slot_problem(p_name text, p_slot timestamptz) returns text
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  return case
    -- One from the future would block the slots before it.
    when p_slot > v_now then 'not_due'
    -- A call that arrives after a later slot has run is not replayed.
    when exists (select from public.tick_runs as r where r.name = p_name and r.slot between p_slot and v_now) then 'slot_taken'
  end;
end
$$;
comment on function private.slot_problem is 'Why a slot can''t be run: not_due or slot_taken; null when it can.';
alter function private.slot_problem owner to zoe_engine;

create function private.take_tick_lease(p_name text) returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_lease private.tick_leases;
begin
  select * into v_lease from private.tick_leases as l where l.name = p_name for update;
  if v_lease.run_id is not null and v_lease.expires_at > v_now then
    update private.tick_leases as l set again = true where l.name = p_name;
    return null;
  end if;
  update public.tick_runs as r
  set outcome = 'error', error = 'the run never finished: its lease expired', finished_at = v_now,
      duration_ms = pg_catalog.round(extract(epoch from v_now - r.started_at) * 1000)
  where r.name = p_name and r.outcome = 'running';
  update private.tick_leases as l
  set token = pg_catalog.nextval('private.fencing_tokens'), run_id = null, expires_at = null, again = false
  where l.name = p_name
  returning l.token into v_lease.token;
  return v_lease.token;
end
$$;
comment on function private.take_tick_lease is
  'Locks the tick''s lease and draws its next token; null when another run holds it, which will then go round again.';
alter function private.take_tick_lease owner to zoe_engine;

create function private.recover_from_db(p_run_id uuid, p_token bigint) returns jsonb
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.recover_intents();
  return (select coalesce(pg_catalog.jsonb_agg(o), '[]') from private.claim_orders(p_run_id, p_token, 1000) as o);
end
$$;
comment on function private.recover_from_db is
  'How every reposition tick begins, whatever a crash left behind: active intents get their missing order, and all that is due is claimed to be sent, looked up or canceled.';
alter function private.recover_from_db owner to zoe_engine;

create function private.tick_work(p_name text, p_run_id uuid, p_token bigint) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_orders jsonb;
begin
  if p_name = 'reposition-tick' then
    v_orders := private.recover_from_db(p_run_id, p_token);
    return private.market_work()
      || pg_catalog.jsonb_build_object('orders', v_orders, 'orphan_intents', private.orphan_intents_work());
  end if;
  select coalesce(pg_catalog.jsonb_agg(o), '[]') into v_orders
  from private.claim_orders(p_run_id, p_token, 100, array['send']) as o;
  return private.market_work() || private.engine_work(private.engine_of(p_name)) || pg_catalog.jsonb_build_object('orders', v_orders);
end
$$;
comment on function private.tick_work is 'Everything a tick decides from, and the orders it has claimed.';
alter function private.tick_work owner to zoe_engine;

create function private.begin_tick(p_name text, p_slot timestamptz, p_trigger text, p_env jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_problem text;
  v_mode text;
  v_skipped text;
  v_token bigint;
  v_run_id uuid := pg_catalog.gen_random_uuid();
  v_work jsonb;
begin
  perform private.require_tick(p_name);
  p_slot := private.slot_of(p_name, p_slot);
  v_problem := private.slot_problem(p_name, p_slot);
  if v_problem is not null then return private.skip_tick(v_problem); end if;
  v_token := private.take_tick_lease(p_name);
  if v_token is null then return private.skip_tick('overlap'); end if;
  perform private.set_actor(p_name, v_run_id::text);
  perform private.apply_env_knobs(p_env);
  if private.mode_knob(p_name) is not null then
    v_mode := coalesce((private.engine_modes(private.engine_of(p_name)))[1], 'disabled');
    if v_mode = 'disabled' then v_skipped := private.mode_knob(p_name) || ' is disabled'; end if;
  end if;
  insert into public.tick_runs (id, name, slot, mode, trigger, token, outcome, reason)
  values (v_run_id, p_name, p_slot, v_mode, p_trigger, v_token, case when v_skipped is null then 'running' else 'skipped' end, v_skipped)
  on conflict (name, slot) do nothing;
  if not found then return private.skip_tick('slot_taken'); end if;
  if v_skipped is not null then
    update public.tick_runs as r set finished_at = r.started_at, duration_ms = 0 where r.id = v_run_id;
    -- Switched off is not silent: that it was called is its heartbeat.
    perform private.note_disabled(p_name);
    return private.skip_tick('disabled');
  end if;
  v_work := private.tick_work(p_name, v_run_id, v_token);
  perform private.hold_clock();
  update private.tick_leases as l set run_id = v_run_id, expires_at = private.clock() + interval '120 seconds' where l.name = p_name;
  return pg_catalog.jsonb_build_object(
    'outcome', 'running', 'run_id', v_run_id, 'token', v_token, 'now', private.iso(private.clock()),
    'trace_id', v_run_id::text, 'work', v_work
  );
end
$$;
comment on function private.begin_tick is
  'Starts a run unless its slot is taken, another run holds the lease, or the engine is disabled and holds nothing; hands out the work and claims orders.';
alter function private.begin_tick owner to zoe_engine;

create function public.begin_tick(
  name text, slot timestamptz default null, trigger text default 'wake', env jsonb default '{}'
) returns jsonb
language plpgsql security invoker set search_path = ''
as $$
begin
  return private.begin_tick(name, slot, trigger, env);
end
$$;
comment on function public.begin_tick is 'Starts a run of a tick: {outcome: running, run_id, token, now, trace_id, work} or {outcome: skipped, reason}.';
grant execute on function public.begin_tick to service_role;
grant execute on function private.begin_tick to service_role;
