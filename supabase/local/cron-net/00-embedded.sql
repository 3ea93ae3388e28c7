-- What the stand-ins for pg_cron, pg_net and supabase_vault need beside the real names, and the grammar of cron schedules.
-- Runs as supabase_admin, before the migrations, as often as one likes.

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

revoke all on embedded.home from public;

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
