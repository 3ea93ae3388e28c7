-- The engine's role writes the book; nobody else does, service_role included.

grant select, insert, update on all tables in schema public to zoe_engine;
grant select, insert, update, delete on all tables in schema private to zoe_engine;
revoke all on private.found_at_start from zoe_engine;
grant usage on all sequences in schema public to zoe_engine;
grant usage on all sequences in schema private to zoe_engine;
