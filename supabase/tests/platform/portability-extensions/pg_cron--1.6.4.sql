-- The catalog of pg_cron 1.6 and the grants that Supabase adds when it is enabled; a job is written down and never run.

create schema cron;
create sequence cron.jobid_seq;
create sequence cron.runid_seq;
create table cron.job (
  jobid bigint primary key default pg_catalog.nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport int not null default pg_catalog.inet_server_port(),
  database text not null default pg_catalog.current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);
create table cron.job_run_details (
  jobid bigint,
  runid bigint primary key default pg_catalog.nextval('cron.runid_seq'),
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
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

-- In the extension these are C functions, which write the tables whoever calls.
create function cron.schedule(job_name text, schedule text, command text) returns bigint
language sql security definer
as $$
  insert into cron.job (jobname, schedule, command, username) values ($1, $2, $3, session_user)
  on conflict (jobname, username) do update set schedule = excluded.schedule, command = excluded.command
  returning jobid
$$;
create function cron.schedule(schedule text, command text) returns bigint
language sql security definer
as $$ insert into cron.job (schedule, command, username) values ($1, $2, session_user) returning jobid $$;
create function cron.unschedule(job_id bigint) returns boolean
language sql security definer
as $$ delete from cron.job where jobid = job_id and username = session_user returning true $$;
create function cron.unschedule(job_name text) returns boolean
language sql security definer
as $$ delete from cron.job where jobname = job_name and username = session_user returning true $$;
create function cron.job_cache_invalidate() returns trigger language plpgsql as $$ begin return null; end $$;
create function cron.alter_job(
  job_id bigint, schedule text default null, command text default null, database text default null, username text default null,
  active boolean default null
) returns void
language sql security definer
as $$
  update cron.job as j
  set schedule = coalesce($2, j.schedule), command = coalesce($3, j.command), active = coalesce($6, j.active)
  where j.jobid = $1 and j.username = session_user
$$;

grant usage on schema cron to postgres with grant option;
grant all on all functions in schema cron to postgres with grant option;
grant all on all tables in schema cron to postgres with grant option;
revoke all on table cron.job from postgres;
grant select on table cron.job to postgres with grant option;
