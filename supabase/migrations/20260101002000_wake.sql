-- Calling the Edge Functions. A call is a wake-up, never the truth: it may be lost, doubled or late.
-- These functions stay owned by postgres: on a hosted project only postgres may use net, vault and cron.

create function private.call_tick(p_name text, p_body jsonb) returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  v_secrets jsonb;
begin
  select pg_catalog.jsonb_object_agg(s.name, s.decrypted_secret) into v_secrets
  from vault.decrypted_secrets as s
  where s.name in ('project_url', 'cron_token');
  if coalesce(v_secrets ->> 'project_url', '') = '' or coalesce(v_secrets ->> 'cron_token', '') = '' then return null; end if;
  return net.http_post(
    url := pg_catalog.rtrim(v_secrets ->> 'project_url', '/') || '/functions/v1/' || p_name,
    body := p_body,
    headers := pg_catalog.jsonb_build_object('Content-Type', 'application/json', 'x-cron-token', v_secrets ->> 'cron_token'),
    timeout_milliseconds := 5000
  );
end
$$;
comment on function private.call_tick is
  'Queues a call of an Edge Function, sent after the commit. Returns its request id, or null when a Vault secret is missing.';

create function private.tell_call_failed(p_name text, p_why text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.open_alert(
    'missing_secret', '', null, 'critical', 'Ticks can''t be called',
    pg_catalog.format('%s was not woken: %s.', p_name, p_why),
    'Check the Vault secrets project_url and cron_token, and that pg_net is enabled.',
    '{}', 1
  );
exception when others then
  raise warning 'no alert could be opened for %: %', p_name, sqlerrm;
end
$$;
comment on function private.tell_call_failed is 'Opens the alert about a call that could not be queued; can''t fail itself.';
alter function private.tell_call_failed owner to zoe_engine;

create function private.try_call(p_name text, p_body jsonb) returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  v_request bigint;
  v_why text := 'a Vault secret is missing';
begin
  begin
    v_request := private.call_tick(p_name, p_body);
  exception when others then
    v_why := sqlerrm;
  end;
  if v_request is null then perform private.tell_call_failed(p_name, v_why); end if;
  return v_request;
end
$$;
comment on function private.try_call is
  'Queues a call of an Edge Function. Whatever goes wrong opens an alert and never rolls back the write it follows; null then.';

create function private.wake(p_tick text, p_reason text default null) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_flag text := 'zoe.woke_' || pg_catalog.replace(p_tick, '-', '_');
begin
  if pg_catalog.current_setting(v_flag, true) = 'yes' then return; end if;
  perform pg_catalog.set_config(v_flag, 'yes', true);
  perform private.try_call(
    p_tick, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('trigger', 'wake', 'reason', p_reason))
  );
end
$$;
comment on function private.wake is 'Calls a tick at once: after the commit, and once a transaction.';
grant execute on function private.wake to zoe_engine;

create function private.slot_of(p_name text, p_at timestamptz) returns timestamptz
language plpgsql stable set search_path = ''
as $$
begin
  return pg_catalog.date_bin(private.tick_cadence(p_name), p_at, timestamptz 'epoch');
end
$$;
comment on function private.slot_of is 'The slot a moment belongs to: the clock rounded down to the tick''s cadence.';
grant execute on function private.slot_of to zoe_engine;

create function private.claim_dispatch(p_name text) returns timestamptz
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_slot timestamptz := private.slot_of(p_name, v_now);
begin
  update private.tick_dispatches as d
  set slot = v_slot, dispatched_at = v_now, first_dispatched_at = coalesce(d.first_dispatched_at, v_now)
  where d.name = p_name
    -- Once a slot, unless the call was lost: nothing began within 20 seconds.
    and (d.slot is distinct from v_slot or d.dispatched_at <= v_now - interval '20 seconds')
    and (d.refusals = 0 or d.dispatched_at <= v_now - private.back_off(d.refusals - 1, 20, 300))
    and not exists (select from public.tick_runs as r where r.name = p_name and r.slot between v_slot and v_now)
    and not exists (
      select from private.tick_leases as l where l.name = p_name and l.run_id is not null and l.expires_at > v_now
    );
  return case when found then v_slot end;
end
$$;
comment on function private.claim_dispatch is
  'Takes the call of the current slot, if it is due. A function that does not take its calls is called ever more rarely, every five minutes at last. Returns the slot, or null.';
alter function private.claim_dispatch owner to zoe_engine;

create function private.tick_has_work(p_name text) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return case
    when p_name = 'reposition-tick' then private.work_is_due()
    else pg_catalog.cardinality(private.engine_modes(private.engine_of(p_name))) > 0
      -- Only a tick reads the environment: a bad setting halts people's entries, too, and must be seen to be corrected.
      or p_name = 'trader-tick' and exists (select from private.refused_knobs)
  end;
end
$$;
comment on function private.tick_has_work is 'Whether a tick is to be called at all: orders wait for it, its engine is on or still holds something, or a bad setting of the environment is to be looked at again.';
alter function private.tick_has_work owner to zoe_engine;

create function private.note_work(p_name text) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_due boolean := private.tick_has_work(p_name);
begin
  update private.tick_dispatches as d
  set due_since = case when v_due then private.clock() end
  where d.name = p_name and v_due is distinct from (d.due_since is not null);
  return v_due;
end
$$;
comment on function private.note_work is 'Whether a tick is to be called; remembers since when.';
alter function private.note_work owner to zoe_engine;

create function private.watch_cancels() returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if exists (
    select from public.crypto_orders as o
    where o.status = 'cancel_pending' and o.cancel_requested_at <= private.clock() - private.knob_seconds('ALERT_CANCEL_UNCONFIRMED_SECONDS')
      and not exists (
        select from public.alerts as a where a.kind = 'cancel_unconfirmed' and a.mode = o.mode and a.resolved_at is null
      )
  ) then
    perform private.run_watchdog();
  end if;
exception when others then
  raise warning 'the watchdog failed: %', sqlerrm;
end
$$;
comment on function private.watch_cancels is
  'Calls the watchdog before its minute is over when a cancel has just become too old to be told later. Can''t fail itself: ticks are called after it.';
alter function private.watch_cancels owner to zoe_engine;

create function private.dispatch_ticks() returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_name text;
  v_slot timestamptz;
  v_request bigint;
  v_called integer := 0;
begin
  perform private.watch_cancels();
  foreach v_name in array array['trader-tick', 'edge-factory-tick', 'reposition-tick'] loop
    if not private.note_work(v_name) then continue; end if;
    perform private.note_answer(v_name);
    v_slot := private.claim_dispatch(v_name);
    if v_slot is null then continue; end if;
    v_request := private.try_call(v_name, pg_catalog.jsonb_build_object('trigger', 'cron', 'slot', private.iso(v_slot)));
    if v_request is null then continue; end if;
    update private.tick_dispatches as d set request_id = v_request where d.name = v_name;
    v_called := v_called + 1;
  end loop;
  return v_called;
end
$$;
comment on function private.dispatch_ticks is 'Every 5 seconds by pg_cron: calls the ticks that have work. Returns how many were called.';
