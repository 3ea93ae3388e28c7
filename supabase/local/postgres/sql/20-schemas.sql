-- What a hosted project's database holds before the first migration. Old projects grant everything made in `public`
-- to the API roles; ours must survive that.

create schema extensions;
create extension "uuid-ossp" with schema extensions;
create extension pgcrypto with schema extensions;
grant usage on schema extensions to postgres, anon, authenticated, service_role;
grant all on schema extensions to postgres;
grant all on all routines in schema extensions to postgres;

grant usage on schema public to postgres, anon, authenticated, service_role;
do $$
declare
  v_owner text;
  v_kind text;
begin
  foreach v_owner in array array['postgres', 'supabase_admin'] loop
    foreach v_kind in array array['tables', 'functions', 'sequences'] loop
      execute pg_catalog.format(
        'alter default privileges for role %I in schema public grant all on %s to postgres, anon, authenticated, service_role',
        v_owner,
        v_kind
      );
    end loop;
  end loop;
end
$$;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
