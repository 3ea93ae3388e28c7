-- Foundations: schemas, the engine's role, closed doors, and the one clock.

create schema private;
comment on schema private is 'Zoe''s functions and internal tables. Never exposed by the API.';
create schema paper_exchange;
comment on schema paper_exchange is 'The paper exchange''s own book of record. The engine reads it only through the broker port.';

-- The owner of every function that writes the book. Nobody logs in as it; triggers tell hand from engine by current_user.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'zoe_engine') then
    create role zoe_engine nologin bypassrls;
  end if;
end
$$;
grant zoe_engine to current_user with inherit true, set true;
grant usage, create on schema private to zoe_engine;
grant usage, create on schema paper_exchange to zoe_engine;
grant usage on schema public to zoe_engine;

-- What was there before us, so that supabase/rollback.sql can leave it behind.
create table private.found_at_start (
  kind text not null constraint found_at_start_kind_known check (kind in ('extension', 'publication', 'default_privilege', 'table', 'function')),
  name text not null,
  schema text not null default '',
  acl aclitem[],
  primary key (kind, name, schema)
);
comment on table private.found_at_start is 'Extensions, publications, default privileges and the names taken in public, as the first migration found them.';
alter table private.found_at_start enable row level security;
insert into private.found_at_start (kind, name, schema, acl)
select 'extension', e.extname, '', null::aclitem[] from pg_catalog.pg_extension as e
union all
select 'publication', p.pubname, '', null from pg_catalog.pg_publication as p
union all
select distinct 'function', p.oid::regprocedure::text, 'public', null::aclitem[] from pg_catalog.pg_proc as p where p.pronamespace = 'public'::regnamespace
union all
select 'table', c.relname, 'public', null from pg_catalog.pg_class as c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm', 'f', 'p', 'S')
union all
select 'default_privilege', d.defaclobjtype::text, coalesce(n.nspname, ''), d.defaclacl
from pg_catalog.pg_default_acl as d
left join pg_catalog.pg_namespace as n on n.oid = d.defaclnamespace
where d.defaclrole = current_user::regrole and (n.nspname is null or n.nspname = 'public');

-- Projects made before October 2026 grant everything in public to the API roles; here every grant is made by name.
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public revoke execute on functions from public, anon, authenticated, service_role;
alter default privileges revoke execute on functions from public;
grant usage on schema private to authenticated, service_role;

do $$
declare
  v_extension text;
begin
  -- The embedded platform has stand-ins of the same names instead of the extensions.
  foreach v_extension in array array['pg_cron', 'pg_net', 'supabase_vault'] loop
    if exists (select from pg_catalog.pg_available_extensions where name = v_extension and installed_version is null) then
      execute pg_catalog.format(
        'create extension %I with schema %I',
        v_extension,
        case v_extension when 'pg_cron' then 'pg_catalog' when 'pg_net' then 'extensions' else 'vault' end
      );
    end if;
  end loop;
end
$$;

create table private.replay_clock (
  one boolean primary key default true constraint replay_clock_has_one_row check (one),
  anchor_clock timestamptz not null,
  anchor_real timestamptz not null,
  speed numeric not null constraint replay_clock_speed_in_range check (speed >= 0 and speed <= 100000)
);
comment on table private.replay_clock is
  'What the clock shows at anchor_real, and how fast it runs from there. Read only where the postmaster''s cluster_name is zoe-embedded.';
alter table private.replay_clock enable row level security;
grant select, insert, update on private.replay_clock to zoe_engine;

create function private.clock_is_replayed() returns boolean
language sql stable security definer set search_path = ''
return pg_catalog.current_setting('cluster_name') = 'zoe-embedded' and exists (select from private.replay_clock);
comment on function private.clock_is_replayed is
  'True on an embedded platform that replays or simulates. cluster_name can only be set when the postmaster starts.';
grant execute on function private.clock_is_replayed to authenticated, service_role;
alter function private.clock_is_replayed owner to zoe_engine;

-- When a tick last stopped a replay's clock, in real microseconds since 1970. A sequence, because all must see a stop at once: were
-- it a row, others would read a clock that runs on until the commit, and then runs backwards.
create sequence private.clock_stops as bigint minvalue 0 start 0;
comment on sequence private.clock_stops is 'When a replay''s clock was last stopped, in real microseconds since 1970; before anchor_real it means nothing.';
grant select, update on sequence private.clock_stops to zoe_engine;

create function private.clock_stopped_at() returns timestamptz
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (select timestamptz 'epoch' + s.last_value * interval '1 microsecond' from private.clock_stops as s);
end
$$;
comment on function private.clock_stopped_at is 'The real moment at which a replay''s clock was last stopped.';
alter function private.clock_stopped_at owner to zoe_engine;

create function private.clock_at(p_real timestamptz) returns timestamptz
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select c.anchor_clock + c.speed::double precision * case
      when stopped.at <= c.anchor_real then greatest(interval '0', p_real - c.anchor_real)
      else greatest(interval '0', least(p_real, stopped.at) - c.anchor_real)
        + greatest(interval '0', p_real - stopped.at - interval '15 seconds')
    end
    from private.replay_clock as c
    cross join (select timestamptz 'epoch' + s.last_value * interval '1 microsecond' as at from private.clock_stops as s) as stopped
  );
end
$$;
comment on function private.clock_at is 'What a replay''s clock shows at a real moment; null without one. A stop lasts 15 real seconds at most.';
alter function private.clock_at owner to zoe_engine;

create function private.clock() returns timestamptz
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_is_set boolean;
begin
  if pg_catalog.current_setting('cluster_name') <> 'zoe-embedded' then return pg_catalog.clock_timestamp(); end if;
  select c.anchor_real >= pg_catalog.pg_postmaster_start_time() into v_is_set from private.replay_clock as c;
  if v_is_set is null then return pg_catalog.clock_timestamp(); end if;
  if not v_is_set then
    raise exception 'The replay''s clock isn''t set yet: the platform is starting.' using errcode = 'object_not_in_prerequisite_state';
  end if;
  return private.clock_at(pg_catalog.clock_timestamp());
end
$$;
comment on function private.clock is
  'The time every rule reads, after the lock. Real, unless an embedded platform replays: then none at all from the server''s start until the clock is set again, which would run on meanwhile and then back. Never used in an index, a generated column or a policy.';
grant execute on function private.clock to authenticated, service_role;
alter function private.clock owner to zoe_engine;

create function private.hold_clock() returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if pg_catalog.current_setting('cluster_name') <> 'zoe-embedded' then return; end if;
  perform from private.replay_clock as c where c.speed > 0 for update;
  if not found then return; end if;
  perform pg_catalog.setval(
    'private.clock_stops', pg_catalog.floor(extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::bigint
  )
  from private.replay_clock as c
  where private.clock_stopped_at() <= c.anchor_real;
end
$$;
comment on function private.hold_clock is 'Stops a replay''s clock while a tick is at work. Does nothing on real time, nor when it is stopped already.';
alter function private.hold_clock owner to zoe_engine;

create function private.release_clock() returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update private.replay_clock as c
  set anchor_clock = private.clock(), anchor_real = pg_catalog.clock_timestamp()
  where pg_catalog.current_setting('cluster_name') = 'zoe-embedded' and private.clock_stopped_at() > c.anchor_real;
end
$$;
comment on function private.release_clock is 'Lets a stopped replay clock run on.';
alter function private.release_clock owner to zoe_engine;
