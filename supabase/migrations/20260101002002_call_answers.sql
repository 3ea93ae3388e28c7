-- What the functions answer to the calls: a wrong token and a missing function are answers too.

create function private.without_secrets(p_text text) returns text
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_text text := p_text;
  v_secret text;
begin
  for v_secret in
    select s.decrypted_secret from vault.decrypted_secrets as s where s.name <> 'project_url' and s.decrypted_secret <> ''
    order by pg_catalog.length(s.decrypted_secret) desc
  loop
    v_text := pg_catalog.replace(v_text, v_secret, '[redacted]');
  end loop;
  return v_text;
end
$$;
comment on function private.without_secrets is 'A text from outside with every secret of the Vault cut out. Owned by postgres, who may read the Vault.';

create function private.answer_to(p_request bigint, out is_taken boolean, out said text)
language plpgsql stable security definer set search_path = ''
as $$
declare
  r record;
begin
  select a.status_code, a.content, a.error_msg into r from net._http_response as a where a.id = p_request;
  if not found then return; end if;
  is_taken := coalesce(r.status_code between 200 and 299, false);
  said := pg_catalog.rtrim(case
    when r.status_code is null then 'with nothing: ' || coalesce(r.error_msg, 'no reason given')
    else r.status_code || ': ' || coalesce(pg_catalog.split_part(pg_catalog.btrim(r.content, E' \t\r\n'), E'\n', 1), '')
  end, E': \r');
  said := pg_catalog.left(private.without_secrets(said), 200);
exception when others then
  raise warning 'the answers to the calls can''t be read: %', sqlerrm;
  is_taken := null;
  said := null;
end
$$;
comment on function private.answer_to is
  'Whether a call was taken (a status of 200 to 299), and its status with the first line of its answer; nulls while there is none. Owned by postgres, who may use net.';
grant execute on function private.answer_to to zoe_engine;

create function private.note_answer(p_name text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  d private.tick_dispatches;
  v_answer record;
begin
  select * into d from private.tick_dispatches as k where k.name = p_name;
  if d.request_id is null and d.refusals = 0 then return; end if;
  -- A run has begun since, whoever called it: the function is reached, and its answer no longer matters.
  if exists (select from public.tick_runs as r where r.name = p_name and r.started_at >= d.dispatched_at) then
    update private.tick_dispatches as k set request_id = null, refusals = 0, answer = null where k.name = p_name;
    return;
  end if;
  select * into v_answer from private.answer_to(d.request_id);
  if v_answer.said is null then return; end if;
  update private.tick_dispatches as k
  set request_id = null, answer = v_answer.said, refusals = case when v_answer.is_taken then 0 else k.refusals + 1 end
  where k.name = p_name;
end
$$;
comment on function private.note_answer is
  'Notes what the last call of a tick was answered, once; a refused one makes the next wait longer. A run that begins wipes it out.';
alter function private.note_answer owner to zoe_engine;
