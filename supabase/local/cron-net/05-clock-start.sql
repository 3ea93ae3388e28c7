-- Where a new replay's clock begins: it is set in the very transaction that makes the clock, so that nobody ever reads the real time first.
-- Runs as supabase_admin, before the migrations, as often as one likes.

create table if not exists embedded.clock_start (
  one boolean primary key default true constraint clock_start_has_one_row check (one),
  at timestamptz not null
);
comment on table embedded.clock_start is 'What a replay''s or a simulation''s clock is to show first; empty where the real time rules.';
revoke all on embedded.clock_start from public;

create or replace function embedded.set_new_clock() returns event_trigger
language plpgsql security definer set search_path = ''
as $$
begin
  if exists (select from pg_catalog.pg_event_trigger_ddl_commands() as c where c.object_identity = 'private.replay_clock') then
    insert into private.replay_clock (anchor_clock, anchor_real, speed)
    select s.at, pg_catalog.clock_timestamp(), 0 from embedded.clock_start as s;
  end if;
end
$$;
comment on function embedded.set_new_clock is 'Sets the clock, standing still, as soon as the migrations have made its table.';

drop event trigger if exists embedded_set_new_clock;
create event trigger embedded_set_new_clock on ddl_command_end when tag in ('CREATE TABLE') execute function embedded.set_new_clock();
