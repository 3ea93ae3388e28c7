-- Tamper evidence: events, fills and ledger can't be changed by anyone, and a hash chain finds it if the triggers were off.

create function private.refuse_change() returns trigger
language plpgsql set search_path = ''
as $$
begin
  raise exception '% on % is refused: it is append-only, for everyone.', tg_op, tg_table_name
    using errcode = 'PT403', detail = 'What happened stays written. Correct a mistake with a new entry.';
end
$$;
comment on function private.refuse_change is 'Refuses to change or take away what is written.';

create table public.audit_seals (
  id bigint generated always as identity primary key,
  table_name text not null constraint audit_seals_table_known check (table_name in ('order_events', 'crypto_fills', 'cash_ledger')),
  row_ids bigint[] not null constraint audit_seals_not_empty check (pg_catalog.cardinality(row_ids) > 0),
  row_marks bytea not null,
  previous_hash bytea not null,
  hash bytea not null,
  sealed_at timestamptz not null default private.clock(),
  constraint audit_seals_one_mark_per_row check (pg_catalog.octet_length(row_marks) = 8 * pg_catalog.cardinality(row_ids))
);
comment on table public.audit_seals is
  'A chain: hash = sha256(previous hash, table, ids, every row''s text). row_marks: the first 8 bytes of each row''s own sha256, to name the row that was changed.';
create index audit_seals_by_table on public.audit_seals (table_name, id);
alter table public.audit_seals enable row level security;
grant select, insert on public.audit_seals to zoe_engine;
grant usage on sequence public.audit_seals_id_seq to zoe_engine;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['order_events', 'crypto_fills', 'cash_ledger', 'audit_seals'] loop
    execute pg_catalog.format(
      'create trigger %1$I before update or delete or truncate on public.%2$I for each statement execute function private.refuse_change()',
      v_table || '__append_only', v_table
    );
    execute pg_catalog.format('alter table public.%I enable always trigger %I', v_table, v_table || '__append_only');
  end loop;
end
$$;
create trigger audit_seals__a_refuse before insert on public.audit_seals
for each statement execute function private.refuse_hand_edit('Seals come from private.seal_audit(), every minute.');
alter table public.audit_seals enable always trigger audit_seals__a_refuse;

create view private.sealed_rows with (security_invoker = true) as
select 'order_events' as table_name, e.id as row_id, pg_catalog.jsonb_build_array(
  e.id, e.order_id, e.intent_group_id, e.mode, e.symbol, e.event_type, e.from_status, e.to_status, e.price, e.qty, e.filled_qty,
  e.remaining_qty, e.reason, e.actor, e.trace_id, e.metadata, extract(epoch from e.ts)
)::text as content
from public.order_events as e
union all
select 'crypto_fills', f.seq, pg_catalog.jsonb_build_array(
  f.seq, f.id, f.order_id, f.mode, f.fill_id, f.symbol, f.side, f.revision, f.qty, f.price, f.fee, f.fee_currency, f.fee_qty,
  f.late, extract(epoch from f.executed_at),
  extract(epoch from f.booked_at)
)::text
from public.crypto_fills as f
union all
select 'cash_ledger', c.id, pg_catalog.jsonb_build_array(
  c.id, c.mode, c.kind, c.amount, c.fill_id, c.reason, c.actor, extract(epoch from c.occurred_at)
)::text
from public.cash_ledger as c;
comment on view private.sealed_rows is 'Every sealed table''s rows as canonical text, the same in any time zone.';
grant select on private.sealed_rows to zoe_engine;

create function private.link(p_previous bytea, p_table text, p_ids bigint[], p_digests bytea) returns bytea
language sql immutable set search_path = ''
return pg_catalog.sha256(p_previous || pg_catalog.convert_to(p_table || p_ids::text, 'UTF8') || p_digests);
comment on function private.link is 'The hash of a seal: the previous hash, what is sealed, and each row''s digest.';
alter function private.link owner to zoe_engine;

create function private.sealed_up_to(p_table text, p_seal_id bigint) returns bigint
language plpgsql stable security definer set search_path = ''
as $$
begin
  -- By both columns, for else the plan may walk back through all the seals of the other tables.
  return coalesce((
    select case s.table_name when p_table then s.row_ids[pg_catalog.cardinality(s.row_ids)] end
    from public.audit_seals as s
    where (s.table_name, s.id) <= (p_table, p_seal_id) order by s.table_name desc, s.id desc limit 1
  ), 0);
end
$$;
comment on function private.sealed_up_to is 'The last row of a table that the seals up to one cover; 0 when none does.';
alter function private.sealed_up_to owner to zoe_engine;

create function private.seal_rows(p_table text, p_limit integer) returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_after bigint := private.sealed_up_to(p_table, 9223372036854775807);
  v_previous bytea := coalesce((select s.hash from public.audit_seals as s order by s.id desc limit 1), '\x');
  v_ids bigint[];
  v_digests bytea;
  v_marks bytea;
begin
  select pg_catalog.array_agg(r.row_id order by r.row_id), pg_catalog.string_agg(r.digest, '' order by r.row_id),
    pg_catalog.string_agg(pg_catalog.substr(r.digest, 1, 8), '' order by r.row_id)
  into v_ids, v_digests, v_marks
  from (
    select s.row_id, pg_catalog.sha256(pg_catalog.convert_to(s.content, 'UTF8')) as digest
    from private.sealed_rows as s
    where s.table_name = p_table and s.row_id > v_after
    order by s.row_id limit p_limit
  ) as r;
  if v_ids is null then return 0; end if;
  insert into public.audit_seals (table_name, row_ids, row_marks, previous_hash, hash)
  values (p_table, v_ids, v_marks, v_previous, private.link(v_previous, p_table, v_ids, v_digests));
  return pg_catalog.cardinality(v_ids);
end
$$;
comment on function private.seal_rows is 'Seals a table''s next rows. Returns how many.';
alter function private.seal_rows owner to zoe_engine;

create function private.seal_audit(p_limit integer default 10000) returns integer
language plpgsql security definer set search_path = ''
as $$
begin
  -- Whoever writes these tables holds an account's lock: with both, no row with a smaller id can still appear.
  perform private.lock_accounts();
  return private.seal_rows('order_events', p_limit) + private.seal_rows('crypto_fills', p_limit) + private.seal_rows('cash_ledger', p_limit);
end
$$;
comment on function private.seal_audit is 'Seals what was written since the last seal, at most p_limit rows a table. Returns how many rows.';
alter function private.seal_audit owner to zoe_engine;
