-- Verifying the chain of seals: what is new since the last time, a slice of what is old every night, or all of it.

create table private.audit_checkpoints (
  one boolean primary key default true constraint audit_checkpoints_has_one_row check (one),
  seal_id bigint not null default 0,
  hash bytea not null default '\x',
  seals bigint not null default 0,
  verified_rows bigint not null default 0,
  again_after bigint not null default 0
);
comment on table private.audit_checkpoints is
  'Up to which seal the chain was verified, with that seal''s hash, so that it can be held against the chain; and how far the slice through the old seals has come.';
alter table private.audit_checkpoints enable row level security;
grant select, insert, update on private.audit_checkpoints to zoe_engine;
insert into private.audit_checkpoints default values;

create function private.first_bad_row(p_seal public.audit_seals, p_after bigint) returns jsonb
language sql stable security definer set search_path = ''
return (
  select pg_catalog.jsonb_build_object('table', (p_seal).table_name, 'row_id', b.row_id, 'seal_id', (p_seal).id, 'problem', b.problem)
  from (
    select coalesce(k.row_id, r.row_id) as row_id, case
      when r.row_id is null then 'deleted'
      when k.row_id is null then 'inserted'
      when k.mark <> pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(r.content, 'UTF8')), 1, 8) then 'changed'
    end as problem
    from (
      select u.id as row_id, pg_catalog.substr((p_seal).row_marks, 8 * u.position::integer - 7, 8) as mark
      from pg_catalog.unnest((p_seal).row_ids) with ordinality as u (id, position)
    ) as k
    full join (
      select s.row_id, s.content from private.sealed_rows as s
      where s.table_name = (p_seal).table_name and s.row_id > p_after and s.row_id <= (p_seal).row_ids[pg_catalog.cardinality((p_seal).row_ids)]
    ) as r on r.row_id = k.row_id
  ) as b
  where b.problem is not null
  order by b.row_id limit 1
);
comment on function private.first_bad_row is 'The first row of a seal that was changed, deleted, or slipped in since; null when all are as sealed.';
alter function private.first_bad_row owner to zoe_engine;

create function private.verify_seal(p_seal public.audit_seals, p_after bigint, p_previous bytea) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_digests bytea;
  v_ids bigint[];
begin
  select pg_catalog.string_agg(pg_catalog.sha256(pg_catalog.convert_to(s.content, 'UTF8')), '' order by s.row_id),
    pg_catalog.array_agg(s.row_id order by s.row_id)
  into v_digests, v_ids
  from private.sealed_rows as s
  where s.table_name = (p_seal).table_name and s.row_id > p_after and s.row_id <= (p_seal).row_ids[pg_catalog.cardinality((p_seal).row_ids)];
  if (p_seal).previous_hash = p_previous and (p_seal).hash = private.link(p_previous, (p_seal).table_name, v_ids, v_digests) then
    return null;
  end if;
  return coalesce(
    private.first_bad_row(p_seal, p_after),
    pg_catalog.jsonb_build_object('table', 'audit_seals', 'row_id', (p_seal).id, 'seal_id', (p_seal).id, 'problem', 'changed')
  );
end
$$;
comment on function private.verify_seal is 'Null when a seal still matches its rows and its predecessor, else the first thing that does not.';
alter function private.verify_seal owner to zoe_engine;

create function private.walk_seals(p_after bigint, p_most_rows bigint default null) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_seal public.audit_seals;
  v_last jsonb := pg_catalog.jsonb_build_object(
    'order_events', private.sealed_up_to('order_events', p_after), 'crypto_fills', private.sealed_up_to('crypto_fills', p_after),
    'cash_ledger', private.sealed_up_to('cash_ledger', p_after)
  );
  v_previous bytea := coalesce((select s.hash from public.audit_seals as s where s.id <= p_after order by s.id desc limit 1), '\x');
  v_seal_id bigint := p_after;
  v_seals bigint := 0;
  v_rows bigint := 0;
  v_bad jsonb;
begin
  -- A cursor: one seal's rows are in memory at a time, however long the chain.
  for v_seal in select * from public.audit_seals as s where s.id > p_after order by s.id loop
    exit when v_rows >= p_most_rows;
    v_bad := private.verify_seal(v_seal, (v_last ->> v_seal.table_name)::bigint, v_previous);
    exit when v_bad is not null;
    v_last := v_last || pg_catalog.jsonb_build_object(v_seal.table_name, v_seal.row_ids[pg_catalog.cardinality(v_seal.row_ids)]);
    v_previous := v_seal.hash;
    v_seal_id := v_seal.id;
    v_seals := v_seals + 1;
    v_rows := v_rows + pg_catalog.cardinality(v_seal.row_ids);
  end loop;
  return pg_catalog.jsonb_build_object(
    'ok', v_bad is null, 'first_bad', v_bad, 'seals', v_seals, 'verified_rows', v_rows, 'from_seal', p_after,
    'head', pg_catalog.encode(v_previous, 'hex'), 'head_seal', v_seal_id
  );
end
$$;
comment on function private.walk_seals is
  'Walks the chain of seals behind one, until so many rows were read: {ok, first_bad: {table, row_id, seal_id, problem: changed|deleted|inserted}, seals, verified_rows, from_seal, head, head_seal}.';
alter function private.walk_seals owner to zoe_engine;

create function private.describe_verdict(p jsonb) returns jsonb
language plpgsql immutable set search_path = ''
as $$
begin
  return p || pg_catalog.jsonb_build_object('message', case
    when not (p ->> 'ok')::boolean then pg_catalog.format(
      'The first row that does not match: %s %s (%s).', p #>> '{first_bad,table}', p #>> '{first_bad,row_id}', p #>> '{first_bad,problem}'
    )
    when (p ->> 'from_seal')::bigint = 0 then pg_catalog.format('%s sealed rows match.', p ->> 'verified_rows')
    else pg_catalog.format(
      '%s sealed rows match. Those up to seal %s were verified before and not read again.', p ->> 'verified_rows', p ->> 'from_seal'
    )
  end);
end
$$;
comment on function private.describe_verdict is 'A verdict with its message.';
alter function private.describe_verdict owner to zoe_engine;

create function private.verify_seals(p_full boolean) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  k private.audit_checkpoints;
  v_hash bytea;
  v_verdict jsonb;
begin
  select * into k from private.audit_checkpoints as c for update;
  select s.hash into v_hash from public.audit_seals as s where s.id = k.seal_id;
  if k.seal_id > 0 and v_hash is distinct from k.hash then
    return private.describe_verdict(pg_catalog.jsonb_build_object(
      'ok', false, 'seals', 0, 'verified_rows', 0, 'from_seal', k.seal_id, 'head', null, 'head_seal', k.seal_id,
      'first_bad', pg_catalog.jsonb_build_object('table', 'audit_seals', 'row_id', k.seal_id, 'seal_id', k.seal_id, 'problem',
        case when v_hash is null then 'deleted' else 'changed' end)
    ));
  end if;
  if p_full then k := row(true, 0, '\x', 0, 0, k.again_after); end if;
  v_verdict := private.walk_seals(k.seal_id);
  v_verdict := v_verdict || pg_catalog.jsonb_build_object(
    'seals', k.seals + (v_verdict ->> 'seals')::bigint, 'verified_rows', k.verified_rows + (v_verdict ->> 'verified_rows')::bigint
  );
  if (v_verdict ->> 'ok')::boolean then
    update private.audit_checkpoints as c
    set seal_id = (v_verdict ->> 'head_seal')::bigint, hash = pg_catalog.decode(v_verdict ->> 'head', 'hex'),
        seals = (v_verdict ->> 'seals')::bigint, verified_rows = (v_verdict ->> 'verified_rows')::bigint
    where c.one;
  end if;
  return private.describe_verdict(v_verdict);
end
$$;
comment on function private.verify_seals is
  'Holds the checkpoint against the chain and verifies what was sealed since, or the whole chain; moves the checkpoint when all is well. seals and verified_rows count what was verified before too.';
alter function private.verify_seals owner to zoe_engine;

create function private.verify_old_seals(p_most_rows bigint) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_after bigint := (select k.again_after from private.audit_checkpoints as k);
  v_verdict jsonb := private.walk_seals(v_after, p_most_rows);
begin
  -- What does not match is looked at again next time: an alert about it ends only when it is well again.
  if (v_verdict ->> 'ok')::boolean then
    update private.audit_checkpoints as k
    set again_after = case
      when exists (select from public.audit_seals as s where s.id > (v_verdict ->> 'head_seal')::bigint) then (v_verdict ->> 'head_seal')::bigint
      else 0
    end
    where k.one;
  end if;
  return private.describe_verdict(v_verdict);
end
$$;
comment on function private.verify_old_seals is 'Verifies the next slice of seals, round and round through the whole chain.';
alter function private.verify_old_seals owner to zoe_engine;

create function private.verify_audit_log(p_full boolean) returns jsonb
language plpgsql security definer set search_path = ''
as $$
begin
  if private.current_app_role() is null and not private.is_database_session() then
    raise exception 'viewer_required' using errcode = 'PT403', detail = 'The audit chain is for viewers and operators.';
  end if;
  return private.verify_seals(p_full);
end
$$;
comment on function private.verify_audit_log is 'What verify_seals finds, for viewers, operators and the SQL editor.';
grant execute on function private.verify_audit_log to authenticated;
alter function private.verify_audit_log owner to zoe_engine;

create function public.verify_audit_log("full" boolean default false) returns jsonb
language sql security invoker set search_path = ''
return private.verify_audit_log(coalesce("full", false));
comment on function public.verify_audit_log is
  'Verifies the hash chain over events, fills and ledger since the last verification, or in full; names the first row that does not match.';
grant execute on function public.verify_audit_log to authenticated;

create function private.check_audit(p_most_rows bigint default 100000) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_verdict jsonb := private.verify_seals(false);
  v_old jsonb := private.verify_old_seals(p_most_rows);
begin
  if not (v_old ->> 'ok')::boolean then v_verdict := v_old; end if;
  if (v_verdict ->> 'ok')::boolean then
    perform private.resolve_alert('audit', '', null);
  else
    perform private.open_alert('audit', '', null, 'critical', 'The audit log was tampered with', v_verdict ->> 'message',
      'Find out who could disable triggers, and compare with a backup. npm run audit -- --full shows the chain.', v_verdict, 1);
  end if;
  return v_verdict;
end
$$;
comment on function private.check_audit is
  'Verifies what is new in the chain and the next slice of what is old, and opens or resolves the alert audit. For the nightly job; it costs the same however long the chain.';
alter function private.check_audit owner to zoe_engine;
