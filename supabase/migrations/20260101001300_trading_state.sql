-- The trading state: what is allowed now, and why not more. Guards and dashboard read it here.

create function private.arming_phrase() returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return 'I UNDERSTAND THIS IS REAL MONEY';
end
$$;
comment on function private.arming_phrase is 'What LIVE_CONFIRM must say, word for word, before anything is sent in live mode.';
grant execute on function private.arming_phrase to authenticated, service_role, zoe_engine;

create function private.denial(p_code text, p_message text, p_evidence jsonb default '{}') returns jsonb
language plpgsql immutable set search_path = ''
as $$
begin
  return pg_catalog.jsonb_build_object('code', p_code, 'message', p_message, 'evidence', p_evidence);
end
$$;
comment on function private.denial is 'A guard''s no: a stable code, a sentence, and the figures it rests on (amounts as text).';
grant execute on function private.denial to zoe_engine;

create function private.halts(p_mode text) returns table (code text, reason text, since timestamptz, until timestamptz)
language plpgsql stable security definer set search_path = ''
as $$
declare
  a public.accounts;
  k public.config;
begin
  select * into k from public.config as c where c.key = 'kill_switch';
  select * into a from public.accounts as x where x.mode = p_mode;
  if k.value is distinct from 'false' then
    return query select 'KILL_SWITCH', 'Kill switch is on, set by ' || k.updated_by, k.updated_at, null::timestamptz;
  end if;
  if a.safe_mode and (a.safe_mode_until is null or a.safe_mode_until > private.clock()) then
    return query select 'SAFE_MODE', 'Safe mode: ' || a.safe_mode_reason, a.safe_mode_since, a.safe_mode_until;
  end if;
  if a.degraded and private.knob_boolean('STOP_TRADING_ON_DEGRADED') then
    return query select 'DEGRADED', 'System degraded: ' || a.degraded_reason, a.degraded_since, null::timestamptz;
  end if;
  return query
    select 'BAD_KNOB', 'Bad setting in the functions'' environment: ' || pg_catalog.rtrim(pg_catalog.string_agg(r.reason, ' ' order by r.name), '.'),
      pg_catalog.min(r.since), null::timestamptz
    from private.refused_knobs as r where r.halts_entries
    having pg_catalog.count(*) > 0;
end
$$;
comment on function private.halts is 'Everything that halts entries in a mode now, the strongest first.';
alter function private.halts owner to zoe_engine;

create function private.check_state_guards(p_mode text, p_engine text, p_purpose text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  k record;
  v_engine_mode text;
  v_halt record;
begin
  select
    max(c.value) filter (where c.key = 'LIVE_CONFIRM') = private.arming_phrase() as is_armed,
    max(c.value) filter (where c.key = 'TRADER_MODE') as trader,
    max(c.value) filter (where c.key = 'EDGE_FACTORY_MODE') as edge_factory,
    max(c.value) filter (where c.key = 'KILL_SWITCH_FLATTEN') = 'true' as may_flatten,
    max(c.value) filter (where c.key = 'kill_switch') is distinct from 'false'
      or (select a.safe_mode or a.degraded from public.accounts as a where a.mode = p_mode) is distinct from false
      or exists (select from private.refused_knobs) as may_be_halted
  into k from public.config as c
  where c.key in ('LIVE_CONFIRM', 'TRADER_MODE', 'EDGE_FACTORY_MODE', 'KILL_SWITCH_FLATTEN', 'kill_switch');
  if p_mode = 'live' and k.is_armed is not true then
    return private.denial('MODE_NOT_ARMED', 'Live trading is not armed: LIVE_CONFIRM doesn''t hold the arming phrase.', '{"mode": "live"}');
  end if;
  v_engine_mode := case p_engine when 'trader' then k.trader when 'edge_factory' then k.edge_factory else p_mode end;
  -- A disabled engine, or one that works elsewhere now, enters nothing; what it holds here it sells until it is flat.
  if p_purpose = 'entry' and v_engine_mode is distinct from p_mode then
    return private.denial(
      'MODE_NOT_ARMED', pg_catalog.format('%s works in mode %s, not %s.', p_engine, v_engine_mode, p_mode),
      pg_catalog.jsonb_build_object('engine', p_engine, 'engine_mode', v_engine_mode, 'mode', p_mode)
    );
  end if;
  if not k.may_be_halted then return null; end if;
  for v_halt in select * from private.halts(p_mode) loop
    if p_purpose = 'entry' or (v_halt.code = 'KILL_SWITCH' and not (p_purpose = 'flatten' and k.may_flatten)) then
      return private.denial(v_halt.code, v_halt.reason || '.', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'since', private.iso(v_halt.since), 'until', private.iso(v_halt.until), 'purpose', p_purpose
      )));
    end if;
  end loop;
  return null;
end
$$;
comment on function private.check_state_guards is
  'MODE_NOT_ARMED, KILL_SWITCH, SAFE_MODE, DEGRADED, BAD_KNOB in this order; null when it passes. For the caller that holds the account lock.';
grant execute on function private.check_state_guards to service_role;
alter function private.check_state_guards owner to zoe_engine;

create function private.trading_state(p_mode text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_reasons jsonb;
begin
  if p_mode not in ('paper', 'live') or p_mode is null then
    raise exception 'There is no mode %: it is paper or live.', coalesce(p_mode, 'null') using errcode = 'PT400';
  end if;
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'code', h.code, 'text', h.reason, 'since', private.iso(h.since), 'until', private.iso(h.until)
  )), '[]') into v_reasons from private.halts(p_mode) as h;
  if p_mode = 'live' and private.knob_text('LIVE_CONFIRM') <> private.arming_phrase() then
    v_reasons := v_reasons || pg_catalog.jsonb_build_object(
      'code', 'MODE_NOT_ARMED', 'text', 'Live trading is not armed', 'since', null, 'until', null
    );
  end if;
  return pg_catalog.jsonb_build_object('reasons', v_reasons, 'state', case
    when v_reasons @> '[{"code": "KILL_SWITCH"}]' or v_reasons @> '[{"code": "MODE_NOT_ARMED"}]' then 'halted'
    when v_reasons = '[]' then 'active'
    else 'reducing'
  end);
end
$$;
comment on function private.trading_state is
  'active: everything; reducing: exits only; halted: nothing new. With every reason, since when and until when.';
grant execute on function private.trading_state to authenticated, service_role;
alter function private.trading_state owner to zoe_engine;

create function public.trading_state(mode text) returns jsonb
language sql stable security invoker set search_path = ''
return case
  when current_user = 'service_role' or private.current_app_role() is not null or private.is_database_session()
  then private.trading_state(mode)
end;
comment on function public.trading_state is 'active, reducing or halted, with every reason. Null for somebody who may not read.';
grant execute on function public.trading_state to authenticated, service_role;
