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
