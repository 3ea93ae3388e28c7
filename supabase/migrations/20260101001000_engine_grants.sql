-- The engine's role writes the book; nobody else does, service_role included. Other people's tables in public are none of its business.

do $$
declare
  v_relation pg_catalog.pg_class;
begin
  for v_relation in
    select c.* from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'S')
      and not exists (select from private.found_at_start as f where f.kind = 'table' and f.name = c.relname)
  loop
    execute pg_catalog.format(
      'grant %s on public.%I to zoe_engine',
      case v_relation.relkind when 'S' then 'usage' else 'select, insert, update' end, v_relation.relname
    );
  end loop;
end
$$;
grant select, insert, update, delete on all tables in schema private to zoe_engine;
revoke all on private.found_at_start from zoe_engine;
grant usage on all sequences in schema private to zoe_engine;
