-- Knobs set in the environment of the functions: the good ones win, a bad one is refused alone.

alter table public.config add column risk_control boolean not null default true;
comment on column public.config.risk_control is
  'Bounds what can be lost, or nobody has said that it doesn''t: while the environment holds something for it that can''t be used, there are no new entries.';
update public.config set risk_control = false
where key ~ '^(PAPER|ALERT|RETENTION_DAYS)_'
  or key in ('TRADER_TICK_SECONDS', 'EDGE_FACTORY_TICK_SECONDS', 'TRADER_TARGET_PCT', 'TRADER_TRAIL_ARM_PCT');

create table private.refused_knobs (
  name text primary key,
  reason text not null,
  halts_entries boolean not null,
  since timestamptz not null default private.clock()
);
comment on table private.refused_knobs is 'What the functions'' environment sets now and can''t be used: a bad value, or a name that is almost a knob''s.';
alter table private.refused_knobs enable row level security;

create function private.env_changes(p_env jsonb) returns table (key text, value text, source text)
language plpgsql stable set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select c.key, wanted.value, wanted.source
    from public.config as c
    cross join lateral (select private.read_knob(c, p_env ->> c.key) as value) as env
    cross join lateral (
      select
        case
          when env.value is not null then env.value
          when c.source = 'env' and not p_env ? c.key then coalesce(c.operator_value, c.default_value)
          else c.value
        end as value,
        case
          when env.value is not null then 'env'
          when c.source <> 'env' or p_env ? c.key then c.source
          when c.operator_value is null then 'default'
          else 'operator'
        end as source
    ) as wanted
    where c.key <> 'kill_switch' and (wanted.value <> c.value or wanted.source <> c.source);
end
$$;
comment on function private.env_changes is
  'What the environment changes: its knobs win, one that can''t be used leaves the value in force, those gone return to the operator''s value or the default. The kill switch is never among them.';
grant execute on function private.env_changes to zoe_engine;

create function private.env_refusals(p_env jsonb) returns table (name text, reason text, halts_entries boolean)
language plpgsql stable set search_path = ''
as $$
begin
  return query
    select e.key, private.knob_refusal(c, e.value #>> '{}'), c.risk_control
    from pg_catalog.jsonb_each(p_env) as e
    join public.config as c on c.key = e.key
    where c.key <> 'kill_switch' and private.read_knob(c, e.value #>> '{}') is null
    union all
    select e.key, 'The environment can''t set kill_switch: only people pull and re-arm it, in the header or in the table config.',
      private.read_knob(c, e.value #>> '{}') is distinct from 'false'
    from pg_catalog.jsonb_each(p_env) as e
    join public.config as c on c.key = e.key
    where c.key = 'kill_switch'
    union all
    -- What is none of ours comes as text, if at all; a name that looks like ours comes with the knob that it is near to.
    select e.key, pg_catalog.format('There is no knob named %s; %s is near to it.', e.key, e.value ->> 'near'), coalesce(c.risk_control, true)
    from pg_catalog.jsonb_each(p_env) as e
    left join public.config as c on c.key = e.value ->> 'near'
    where pg_catalog.jsonb_typeof(e.value) = 'object';
end
$$;
comment on function private.env_refusals is 'What the environment sets and can''t be used, each with a sentence, and whether it keeps new entries out.';
grant execute on function private.env_refusals to zoe_engine;

create function private.refusals_changed(p_env jsonb) returns boolean
language sql stable security definer set search_path = ''
return exists (
  select from private.env_refusals(p_env) as e
  full join private.refused_knobs as r on r.name = e.name
  where (e.name, e.reason, e.halts_entries) is distinct from (r.name, r.reason, r.halts_entries)
);
comment on function private.refusals_changed is 'Whether the environment holds other things that can''t be used than when it was looked at last.';
alter function private.refusals_changed owner to zoe_engine;

create function private.note_refusals(p_env jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  delete from private.refused_knobs as r where not exists (select from private.env_refusals(p_env) as e where e.name = r.name);
  insert into private.refused_knobs as r (name, reason, halts_entries)
  select e.name, e.reason, e.halts_entries from private.env_refusals(p_env) as e
  on conflict (name) do update set reason = excluded.reason, halts_entries = excluded.halts_entries;
  perform private.settle_alerts(array['bad_knob'], array(select f from private.find_refused_knobs() as f));
  perform private.cancel_halted_entries(a.mode) from public.accounts as a order by a.mode;
end
$$;
comment on function private.note_refusals is
  'Keeps what the environment holds and can''t be used, tells it, and lets no entry go on that it halts. Callers hold the account locks.';
alter function private.note_refusals owner to zoe_engine;

create function private.apply_env_knobs(p_env jsonb) returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_changed integer;
begin
  if p_env is null or not (exists (select from private.env_changes(p_env)) or private.refusals_changed(p_env)) then return 0; end if;
  perform private.lock_accounts();
  perform private.set_actor('environment');
  update public.config as c set value = e.value, source = e.source
  from private.env_changes(p_env) as e
  where c.key = e.key;
  get diagnostics v_changed = row_count;
  if private.refusals_changed(p_env) then perform private.note_refusals(p_env); end if;
  return v_changed;
end
$$;
comment on function private.apply_env_knobs is
  'Brings config in line with the functions'' environment and returns how many knobs changed. What can''t be used is refused alone. Nothing changed: no write, no lock.';
alter function private.apply_env_knobs owner to zoe_engine;
