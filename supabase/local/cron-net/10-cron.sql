-- Stand-in for pg_cron 1.6: the extension's names, signatures, tables and privileges as on a hosted project.
-- Runs as supabase_admin, before the migrations, as often as one likes. What only a stand-in needs is in schema embedded.

create schema if not exists embedded;
comment on schema embedded is 'What the embedded platform''s stand-ins for pg_cron, pg_net and supabase_vault need beside the real names.';
grant usage on schema embedded to public;

create table if not exists embedded.home (
  one boolean primary key default true constraint home_has_one_row check (one),
  database text not null default current_database()
);
comment on table embedded.home is 'The database the stand-ins were set up in, so that the jobs of a cloned database follow it.';
insert into embedded.home default values on conflict do nothing;

create or replace function embedded.clock() returns timestamptz
language plpgsql stable set search_path = ''
as $$
begin
  if pg_catalog.to_regprocedure('private.clock()') is null then return pg_catalog.clock_timestamp(); end if;
  return private.clock();
end
$$;
comment on function embedded.clock is 'The one clock of the rules, which also sets the pace of cron; real time before the migrations.';

create schema if not exists cron;
create sequence if not exists cron.jobid_seq;
create sequence if not exists cron.runid_seq;

create table if not exists cron.job (
  jobid bigint primary key default nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default current_setting('port')::integer,
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
alter table cron.job enable row level security;
drop policy if exists cron_job_policy on cron.job;
create policy cron_job_policy on cron.job using (username = current_user);

create table if not exists cron.job_run_details (
  jobid bigint,
  runid bigint primary key default nextval('cron.runid_seq'),
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
alter table cron.job_run_details enable row level security;
drop policy if exists cron_job_run_details_policy on cron.job_run_details;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

create or replace function cron.job_cache_invalidate() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform pg_catalog.pg_notify('embedded_cron_job', '');
  return null;
end
$$;
comment on function cron.job_cache_invalidate() is 'invalidate job cache';
drop trigger if exists cron_job_cache_invalidate on cron.job;
create trigger cron_job_cache_invalidate after insert or update or delete or truncate on cron.job
  for each statement execute function cron.job_cache_invalidate();

create or replace function embedded.cron_number(p_text text, p_names text[], p_first integer) returns integer
language sql immutable set search_path = ''
return case
  when p_text ~ '^[0-9]{1,4}$' then p_text::integer
  else pg_catalog.array_position(p_names, pg_catalog.lower(p_text)) + p_first - 1
end;
comment on function embedded.cron_number is 'A number of a cron field, or the place of a name (jan, mon); null when it is neither.';

create or replace function embedded.cron_field_is_valid(p_field text, p_low integer, p_high integer, p_names text[] default '{}', p_first integer default 0)
returns boolean
language plpgsql immutable set search_path = ''
as $$
declare
  v_item text;
  v_parts text[];
  v_from integer;
  v_to integer;
begin
  foreach v_item in array pg_catalog.string_to_array(p_field, ',') loop
    v_parts := pg_catalog.regexp_match(v_item, '^(\*|[0-9a-zA-Z]+)(?:-([0-9a-zA-Z]+))?(?:/([0-9]{1,4}))?$');
    if v_parts is null or v_parts[3]::integer < 1 then return false; end if;
    if v_parts[1] = '*' then
      if v_parts[2] is not null then return false; end if;
    else
      v_from := embedded.cron_number(v_parts[1], p_names, p_first);
      v_to := case when v_parts[2] is null then v_from else embedded.cron_number(v_parts[2], p_names, p_first) end;
      -- As in Vixie's parser, a step follows a star or a range, never a single number.
      if v_parts[2] is null and v_parts[3] is not null then return false; end if;
      if v_from is null or v_to is null or v_from < p_low or v_to > p_high or v_from > v_to then return false; end if;
    end if;
  end loop;
  return p_field <> '' and p_field !~ '(^,|,,|,$)';
end
$$;
comment on function embedded.cron_field_is_valid is 'Whether one field of a cron schedule is well-formed and in range.';

create or replace function embedded.cron_schedule_is_valid(p_schedule text) returns boolean
language plpgsql immutable set search_path = ''
as $$
declare
  v_seconds text := (pg_catalog.regexp_match(p_schedule, '^\s*([0-9]{1,9})\s+seconds?\s*$', 'i'))[1];
  v_fields text[] := pg_catalog.regexp_split_to_array(pg_catalog.btrim(p_schedule, E' \t\n'), E'[ \t]+');
begin
  if v_seconds is not null then return v_seconds::integer between 1 and 59; end if;
  if pg_catalog.lower(pg_catalog.btrim(p_schedule))
     in ('@reboot', '@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly') then
    return true;
  end if;
  return pg_catalog.cardinality(v_fields) = 5
    and embedded.cron_field_is_valid(v_fields[1], 0, 59)
    and embedded.cron_field_is_valid(v_fields[2], 0, 23)
    and (v_fields[3] = '$' or embedded.cron_field_is_valid(v_fields[3], 1, 31))
    and embedded.cron_field_is_valid(
      v_fields[4], 1, 12, array['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'], 1)
    and embedded.cron_field_is_valid(v_fields[5], 0, 7, array['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']);
end
$$;
comment on function embedded.cron_schedule_is_valid is 'Whether pg_cron 1.6 accepts the schedule: five fields, a macro, or 1 to 59 seconds.';

create or replace function embedded.require_schedule(p_schedule text) returns void
language plpgsql immutable set search_path = ''
as $$
begin
  if not embedded.cron_schedule_is_valid(p_schedule) then
    raise exception 'invalid schedule: %', p_schedule using errcode = 'invalid_parameter_value',
      hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
  end if;
end
$$;
comment on function embedded.require_schedule is 'Raises pg_cron''s own error and hint for a schedule it would refuse.';

create or replace function embedded.require_membership(p_username text) returns void
language plpgsql stable set search_path = ''
as $$
begin
  -- The caller's role arrives as an argument, so it is believed only where the session could have taken it.
  if not pg_catalog.pg_has_role(session_user, p_username, 'member') then
    raise exception 'must be superuser to create a job for another role' using errcode = 'insufficient_privilege';
  end if;
end
$$;
comment on function embedded.require_membership is 'Refuses to act on jobs in the name of a role the session is not a member of.';

create or replace function embedded.schedule_job(
  p_name text, p_schedule text, p_command text, p_database text, p_username text, p_active boolean
) returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  v_job_id bigint;
begin
  if p_schedule is null then raise exception 'schedule can not be NULL'; end if;
  if p_command is null then raise exception 'command can not be NULL'; end if;
  perform embedded.require_membership(p_username);
  perform embedded.require_schedule(p_schedule);
  if not pg_catalog.has_database_privilege(p_username, p_database, 'connect') then
    raise exception 'User % does not have CONNECT privilege on %', p_username, p_database using errcode = 'insufficient_privilege';
  end if;
  insert into cron.job as j (schedule, command, database, username, active, jobname)
  values (p_schedule, p_command, p_database, p_username, p_active, p_name)
  on conflict on constraint jobname_username_uniq do update
    set schedule = excluded.schedule, command = excluded.command, database = excluded.database, active = excluded.active
  returning j.jobid into v_job_id;
  return v_job_id;
end
$$;
comment on function embedded.schedule_job is 'Creates a job, or changes the one of the same name and role.';

create or replace function cron.schedule(schedule text, command text) returns bigint
language sql strict set search_path = ''
as $$ select embedded.schedule_job(null, schedule, command, current_database(), current_user, true) $$;
comment on function cron.schedule(text, text) is 'schedule a pg_cron job';

create or replace function cron.schedule(job_name text, schedule text, command text) returns bigint
language plpgsql set search_path = ''
as $$
begin
  if job_name is null then raise exception 'job_name can not be NULL'; end if;
  return embedded.schedule_job(job_name, schedule, command, current_database(), current_user, true);
end
$$;
comment on function cron.schedule(text, text, text) is 'schedule a pg_cron job';

create or replace function cron.schedule_in_database(
  job_name text, schedule text, command text, database text, username text default null, active boolean default true
) returns bigint
language plpgsql set search_path = ''
as $$
begin
  if job_name is null then raise exception 'job_name can not be NULL'; end if;
  if database is null then raise exception 'database can not be NULL'; end if;
  return embedded.schedule_job(job_name, schedule, command, database, coalesce(username, current_user), active);
end
$$;
comment on function cron.schedule_in_database(text, text, text, text, text, boolean) is 'schedule a pg_cron job';
revoke execute on function cron.schedule_in_database(text, text, text, text, text, boolean) from public;

create or replace function embedded.alter_job(
  p_job_id bigint, p_schedule text, p_command text, p_database text, p_username text, p_active boolean, p_caller text
) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform embedded.require_membership(p_caller);
  if not exists (select from cron.job as j where j.jobid = p_job_id and j.username = p_caller) then
    raise exception 'Job % does not exist or you don''t own it', p_job_id using errcode = 'internal_error';
  end if;
  if p_username is not null then perform embedded.require_membership(p_username); end if;
  if p_schedule is not null then perform embedded.require_schedule(p_schedule); end if;
  update cron.job as j
  set schedule = coalesce(p_schedule, j.schedule), command = coalesce(p_command, j.command),
      database = coalesce(p_database, j.database), username = coalesce(p_username, j.username),
      active = coalesce(p_active, j.active)
  where j.jobid = p_job_id;
end
$$;
comment on function embedded.alter_job is 'Changes what is given of a job that the caller owns.';

create or replace function cron.alter_job(
  job_id bigint, schedule text default null, command text default null,
  database text default null, username text default null, active boolean default null
) returns void
language sql set search_path = ''
as $$ select embedded.alter_job(job_id, schedule, command, database, username, active, current_user) $$;
comment on function cron.alter_job(bigint, text, text, text, text, boolean)
  is 'Alter the job identified by job_id. Any option left as NULL will not be modified.';
revoke execute on function cron.alter_job(bigint, text, text, text, text, boolean) from public;

create or replace function embedded.unschedule_job(p_job_id bigint, p_name text, p_caller text) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_owner text;
begin
  perform embedded.require_membership(p_caller);
  if p_name is not null then
    delete from cron.job as j where j.jobname = p_name and j.username = p_caller;
    if not found then raise exception 'could not find valid entry for job ''%''', p_name using errcode = 'internal_error'; end if;
    return true;
  end if;
  select j.username into v_owner from cron.job as j where j.jobid = p_job_id;
  if not found then raise exception 'could not find valid entry for job %', p_job_id using errcode = 'internal_error'; end if;
  if v_owner <> p_caller and not pg_catalog.has_table_privilege(p_caller, 'cron.job', 'delete') then
    raise exception 'permission denied for table job' using errcode = 'insufficient_privilege';
  end if;
  delete from cron.job as j where j.jobid = p_job_id;
  return true;
end
$$;
comment on function embedded.unschedule_job is 'Removes a job by id or name, or raises pg_cron''s own error.';

create or replace function cron.unschedule(job_id bigint) returns boolean
language sql strict set search_path = ''
as $$ select embedded.unschedule_job(job_id, null, current_user) $$;
comment on function cron.unschedule(bigint) is 'unschedule a pg_cron job';

create or replace function cron.unschedule(job_name text) returns boolean
language sql strict set search_path = ''
as $$ select embedded.unschedule_job(null, job_name, current_user) $$;
comment on function cron.unschedule(text) is 'unschedule a pg_cron job';

-- As a hosted project leaves it: postgres runs the functions and reads the jobs, and can't write them by hand.
revoke execute on all functions in schema embedded from public;
grant execute on all functions in schema embedded to postgres with grant option;
grant usage on schema cron to postgres with grant option;
grant select on cron.job to public;
grant select on cron.job_run_details to public;
grant select on cron.job to postgres with grant option;
grant all on cron.job_run_details to postgres with grant option;
grant all on cron.jobid_seq, cron.runid_seq to postgres with grant option;
grant execute on all functions in schema cron to postgres with grant option;
