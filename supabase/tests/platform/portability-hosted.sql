-- What else a hosted project has: other services' schemas, and event triggers that meddle with what is created.

create schema vault;
create extension supabase_vault with schema vault;
create schema graphql_public;
create function graphql_public.graphql("operationName" text default null, query text default null) returns jsonb language sql as $$ select null::jsonb $$;
grant usage on schema graphql_public to postgres, anon, authenticated, service_role;
create schema storage authorization supabase_storage_admin;
create table storage.objects (id uuid primary key, name text);
create schema realtime;
grant usage on schema realtime to postgres;

create function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql
as $$ begin perform pg_catalog.pg_notify('pgrst', 'reload schema'); end $$;
create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();

-- Newer projects offer this one: every new table in public gets row level security.
create function extensions.rls_auto_enable() returns event_trigger language plpgsql security definer set search_path = pg_catalog
as $$
declare
  v_table regclass;
begin
  for v_table in
    select objid::regclass from pg_event_trigger_ddl_commands()
    where command_tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') and object_type = 'table' and schema_name = 'public'
  loop
    execute format('alter table %s enable row level security', v_table);
  end loop;
end
$$;
create event trigger ensure_rls on ddl_command_end when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
execute function extensions.rls_auto_enable();
