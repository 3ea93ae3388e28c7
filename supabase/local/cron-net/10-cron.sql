-- Stand-in for pg_cron 1.6: the extension's names, signatures, tables and privileges as on a hosted project.

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

create or replace function embedded.bring_jobs_home() returns void
language sql security definer set search_path = ''
begin atomic
  update cron.job as j set database = current_database()
  from embedded.home as h where j.database = h.database and h.database <> current_database();
  update embedded.home as h set database = current_database() where h.database <> current_database();
end;
comment on function embedded.bring_jobs_home is 'Makes the jobs of a cloned database run in the clone.';

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
  perform embedded.bring_jobs_home();
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
