-- Access: who the signed-in person is. Roles live in a table, never in claims a user could edit.

create table public.operators (
  user_id uuid primary key,
  role text not null constraint operators_role_known check (role in ('viewer', 'operator')),
  email text,
  created_at timestamptz not null default private.clock()
);
comment on table public.operators is 'Signed-in people: a viewer reads, an operator also commands.';
alter table public.operators enable row level security;

create function private.current_user_id() returns uuid
language sql stable set search_path = ''
return coalesce(
  nullif(pg_catalog.current_setting('request.jwt.claim.sub', true), ''),
  nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
)::uuid;
comment on function private.current_user_id is
  'The signed-in user, as auth.uid() reads it. Our own, because the engine''s role can''t be given usage of schema auth on a hosted project.';
grant execute on function private.current_user_id to authenticated, service_role, zoe_engine;

create function private.current_app_role() returns text
language sql stable security definer set search_path = ''
return (select o.role from public.operators as o where o.user_id = (select private.current_user_id()));
comment on function private.current_app_role is 'The caller''s row in operators: viewer, operator or null.';
grant execute on function private.current_app_role to authenticated, service_role, zoe_engine;
alter function private.current_app_role owner to zoe_engine;

create function private.is_database_session() returns boolean
language sql stable set search_path = ''
return session_user in ('postgres', 'supabase_admin')
  and pg_catalog.current_setting('role') in ('none', session_user::text)
  and coalesce(pg_catalog.current_setting('request.jwt.claims', true), '') = ''
  and coalesce(pg_catalog.current_setting('request.jwt.claim.role', true), '') = '';
comment on function private.is_database_session is
  'True for the SQL editor and psql as the database''s owner; false for everything that came through the API.';
grant execute on function private.is_database_session to authenticated, service_role, zoe_engine;

create function private.require_operator() returns text
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_user_id uuid := private.current_user_id();
  v_operator public.operators;
begin
  if private.is_database_session() then return 'sql:' || session_user; end if;
  select * into v_operator from public.operators as o where o.user_id = v_user_id;
  if v_operator.role is distinct from 'operator' then
    raise exception 'operator_required' using errcode = 'PT403', detail = pg_catalog.format(
      'This needs a signed-in operator; the caller is %s.',
      case
        when v_user_id is null then 'not signed in'
        else coalesce('a ' || v_operator.role, 'signed in but not in the table operators')
      end
    );
  end if;
  return 'operator:' || coalesce(v_operator.email, v_user_id::text);
end
$$;
comment on function private.require_operator is
  'The first line of every command: raises PT403 unless the caller is an operator or the database''s owner at the SQL editor. Returns the actor.';
grant execute on function private.require_operator to authenticated, zoe_engine;
alter function private.require_operator owner to zoe_engine;

create function private.whoami() returns jsonb
language sql stable security definer set search_path = ''
return (
  select pg_catalog.jsonb_build_object('user_id', me.user_id, 'role', o.role, 'email', o.email)
  from (select private.current_user_id() as user_id) as me
  left join public.operators as o on o.user_id = me.user_id
);
comment on function private.whoami is 'The caller: user_id, role (viewer, operator or null) and email.';
grant execute on function private.whoami to authenticated;
alter function private.whoami owner to zoe_engine;

create function public.whoami() returns jsonb
language sql stable security invoker set search_path = ''
return private.whoami();
comment on function public.whoami is 'The caller: user_id, role (viewer, operator or null) and email.';
grant execute on function public.whoami to authenticated;
