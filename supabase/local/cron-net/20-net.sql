-- Stand-in for pg_net 0.20: the extension's names, signatures, tables and privileges as on a hosted project.

create schema if not exists net;

do $$
begin
  if to_regtype('net.http_method') is null then
    create domain net.http_method as text check (value ilike 'get' or value ilike 'post' or value ilike 'delete');
    create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
    create type net.http_response as (status_code integer, headers jsonb, body text);
    create type net.http_response_result as (status net.request_status, message text, response net.http_response);
  end if;
end
$$;

create unlogged table if not exists net.http_request_queue (
  id bigserial,
  method net.http_method not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds integer not null
);

create unlogged table if not exists net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);
create index if not exists _http_response_created_idx on net._http_response (created);

create or replace function net._urlencode_string(string character varying) returns text
language sql immutable set search_path = ''
return (
  select coalesce(
    pg_catalog.string_agg(
      case when c.letter ~ '^[A-Za-z0-9._~-]$' then c.letter
           else pg_catalog.upper(pg_catalog.regexp_replace(pg_catalog.encode(pg_catalog.convert_to(c.letter, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) end,
      '' order by c.place),
    '')
  from pg_catalog.regexp_split_to_table(string, '') with ordinality as c (letter, place)
  where c.letter <> ''
);

create or replace function net._encode_url_with_params_array(url text, params_array text[]) returns text
language sql immutable set search_path = ''
return case
  when pg_catalog.cardinality(params_array) = 0 then url
  else url || case when url like '%?%' then '&' else '?' end || pg_catalog.array_to_string(params_array, '&')
end;

create or replace function net.check_worker_is_up() returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if not exists (
    select from pg_catalog.pg_stat_activity as a
    where a.application_name = 'pg_net worker' and a.datname = current_database()
  ) then
    raise exception using
      message = 'the pg_net background worker is not up',
      detail = 'the pg_net background worker is down due to an internal error and cannot process requests',
      hint = 'make sure that you didn''t modify any of pg_net internal tables';
  end if;
end
$$;
comment on function net.check_worker_is_up() is
  'raises an exception if the pg_net background worker is not up, otherwise it doesn''t return anything';

create or replace function net.wait_until_running() returns void
language plpgsql set search_path = ''
as $$
begin
  loop
    begin
      perform net.check_worker_is_up();
      return;
    exception when raise_exception then
      perform pg_catalog.pg_sleep(0.05);
      perform pg_catalog.pg_stat_clear_snapshot();
    end;
  end loop;
end
$$;
comment on function net.wait_until_running() is 'waits until the worker is running';

create or replace function net.worker_restart() returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  perform pg_catalog.pg_terminate_backend(a.pid)
  from pg_catalog.pg_stat_activity as a
  where a.application_name = 'pg_net worker' and a.datname = current_database();
  return true;
end
$$;

create or replace function net.wake() returns void
language plpgsql set search_path = ''
as $$
begin
  -- Nothing to do: the stand-in's worker looks at the queue 20 times a second and sees only what is committed.
  -- A notification would be as quick but takes a lock that puts the commits of all writers in a row.
end
$$;

create or replace function embedded.queue_request(
  p_method text, p_url text, p_params jsonb, p_headers jsonb, p_body jsonb, p_timeout integer
) returns bigint
language plpgsql set search_path = ''
as $$
declare
  v_id bigint;
begin
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (
    p_method,
    net._encode_url_with_params_array(p_url, array(
      select net._urlencode_string(e.key) || '=' || net._urlencode_string(e.value) from pg_catalog.jsonb_each_text(p_params) as e
    )),
    p_headers,
    pg_catalog.convert_to(p_body::text, 'UTF8'),
    p_timeout
  )
  returning id into v_id;
  perform net.wake();
  return v_id;
end
$$;
comment on function embedded.queue_request is 'Queues a request in the caller''s transaction; the worker sees it after the commit.';
grant execute on function embedded.queue_request to public;

create or replace function net.http_get(
  url text, params jsonb default '{}'::jsonb, headers jsonb default '{}'::jsonb, timeout_milliseconds integer default 5000
) returns bigint
language plpgsql set search_path = ''
as $$
begin
  return embedded.queue_request('GET', url, params, headers, null, timeout_milliseconds);
end
$$;

create or replace function net.http_post(
  url text, body jsonb default '{}'::jsonb, params jsonb default '{}'::jsonb,
  headers jsonb default '{"Content-Type": "application/json"}'::jsonb, timeout_milliseconds integer default 5000
) returns bigint
language plpgsql set search_path = ''
as $$
declare
  v_content_type text;
begin
  select h.value into v_content_type
  from pg_catalog.jsonb_each_text(coalesce(headers, '{}'::jsonb)) as h
  where pg_catalog.lower(h.key) = 'content-type'
  limit 1;
  if v_content_type is null then
    headers := headers || '{"Content-Type": "application/json"}'::jsonb;
  elsif v_content_type <> 'application/json' then
    raise exception 'Content-Type header must be "application/json"';
  end if;
  return embedded.queue_request('POST', url, params, headers, body, timeout_milliseconds);
end
$$;

create or replace function net.http_delete(
  url text, params jsonb default '{}'::jsonb, headers jsonb default '{}'::jsonb,
  timeout_milliseconds integer default 5000, body jsonb default null
) returns bigint
language plpgsql set search_path = ''
as $$
begin
  return embedded.queue_request('DELETE', url, params, headers, body, timeout_milliseconds);
end
$$;

create or replace function net._await_response(request_id bigint) returns boolean
language plpgsql set search_path = ''
as $$
begin
  while not exists (select from net._http_response as r where r.id = request_id) loop
    perform pg_catalog.pg_sleep(0.05);
  end loop;
  return true;
end
$$;

create or replace function net._http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result
language plpgsql set search_path = ''
as $$
declare
  v_response net._http_response;
begin
  if not async then perform net._await_response(request_id); end if;
  select * into v_response from net._http_response as r where r.id = request_id;
  if not found or v_response.error_msg is not null then
    return row('ERROR', coalesce(v_response.error_msg, 'request matching request_id not found'), null)::net.http_response_result;
  end if;
  return row('SUCCESS', 'ok', row(v_response.status_code, v_response.headers, v_response.content)::net.http_response)::net.http_response_result;
end
$$;

-- As the extension grants since 0.12; nobody but an exposed schema's absence keeps the API roles out.
grant usage on schema net to public;
grant all on all tables in schema net to public;
grant all on all sequences in schema net to public;
