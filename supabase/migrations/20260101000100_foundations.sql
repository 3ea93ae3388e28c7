-- Foundations: schemas, the engine's role, closed doors, and the one clock.

create schema if not exists private;
comment on schema private is 'Zoe''s functions and internal tables. Never exposed by the API.';
create schema if not exists paper_exchange;
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
  kind text not null constraint found_at_start_kind_known check (kind in ('extension', 'publication', 'default_privilege')),
  name text not null,
  schema text not null default '',
  acl aclitem[],
  primary key (kind, name, schema)
);
comment on table private.found_at_start is 'Extensions, the Realtime publication and default privileges as the first migration found them.';
alter table private.found_at_start enable row level security;
insert into private.found_at_start (kind, name, schema, acl)
select 'extension', e.extname, '', null::aclitem[] from pg_catalog.pg_extension as e
union all
select 'publication', p.pubname, '', null from pg_catalog.pg_publication as p
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

create function private.clock() returns timestamptz
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_clock timestamptz;
begin
  if pg_catalog.current_setting('cluster_name') = 'zoe-embedded' then
    select c.anchor_clock + greatest(interval '0', pg_catalog.clock_timestamp() - c.anchor_real) * c.speed::double precision
    into v_clock from private.replay_clock as c;
  end if;
  return coalesce(v_clock, pg_catalog.clock_timestamp());
end
$$;
comment on function private.clock is
  'The time every rule reads, after the lock. Real, unless an embedded platform replays. Never used in an index, a generated column or a policy.';
grant execute on function private.clock to authenticated, service_role;
alter function private.clock owner to zoe_engine;

create function private.hold_clock(p_at_most interval) returns void
language sql security definer set search_path = ''
begin atomic
  update private.replay_clock as c
  set anchor_clock = private.clock(),
      anchor_real = greatest(c.anchor_real, pg_catalog.clock_timestamp() + p_at_most)
  where pg_catalog.current_setting('cluster_name') = 'zoe-embedded' and c.speed > 0;
end;
comment on function private.hold_clock is 'Stops a replay''s clock while a tick is at work, for p_at_most of real time. Does nothing on real time.';
alter function private.hold_clock owner to zoe_engine;

create function private.release_clock() returns void
language sql security definer set search_path = ''
begin atomic
  update private.replay_clock as c
  set anchor_clock = private.clock(), anchor_real = pg_catalog.clock_timestamp()
  where pg_catalog.current_setting('cluster_name') = 'zoe-embedded' and c.anchor_real > pg_catalog.clock_timestamp();
end;
comment on function private.release_clock is 'Lets a held replay clock run on.';
alter function private.release_clock owner to zoe_engine;
