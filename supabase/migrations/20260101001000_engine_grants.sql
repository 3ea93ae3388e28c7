-- The engine's role writes the book; nobody else does, service_role included.

revoke all on all tables in schema public from anon, authenticated, service_role;
revoke all on all sequences in schema public from anon, authenticated, service_role;
grant select, insert, update on all tables in schema public to zoe_engine;
grant select, insert, update, delete on all tables in schema private to zoe_engine;
grant usage on all sequences in schema public to zoe_engine;
grant usage on all sequences in schema private to zoe_engine;
