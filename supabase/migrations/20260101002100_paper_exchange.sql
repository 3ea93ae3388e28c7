-- The paper exchange's storage: its own book of record, apart from the engine's tables, so that reconciliation compares two real things.

create table paper_exchange.book (
  one boolean primary key default true constraint book_has_one_row check (one),
  version bigint not null default 0,
  state jsonb,
  updated_at timestamptz not null default private.clock()
);
comment on table paper_exchange.book is 'Balances, holdings and open orders of the paper exchange. version guards against two writers.';
insert into paper_exchange.book default values;

create table paper_exchange.closed_orders (
  client_order_id uuid primary key,
  doc jsonb not null,
  closed_at timestamptz not null default private.clock()
);
comment on table paper_exchange.closed_orders is 'Orders the paper exchange is done with; it still answers for them.';

alter table paper_exchange.book enable row level security;
alter table paper_exchange.closed_orders enable row level security;
-- Not for zoe_engine: the engine must not be able to write the broker's books.
revoke all on schema paper_exchange from zoe_engine;
grant usage on schema paper_exchange to service_role;
grant select, update on paper_exchange.book to service_role;
grant select, insert, update on paper_exchange.closed_orders to service_role;

create function public.paper_exchange_load(p_order_ids uuid[]) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select pg_catalog.jsonb_build_object(
    'version', b.version,
    'state', b.state,
    'closed_orders', coalesce((
      select pg_catalog.jsonb_object_agg(c.client_order_id, c.doc)
      from paper_exchange.closed_orders as c
      where c.client_order_id = any (p_order_ids)
    ), '{}')
  )
  from paper_exchange.book as b
);
comment on function public.paper_exchange_load is 'The paper exchange''s state with its version, and the closed orders that are asked for.';
grant execute on function public.paper_exchange_load to service_role;

create function public.paper_exchange_save(p_expected_version bigint, p_state jsonb, p_closed_orders jsonb) returns jsonb
language plpgsql security invoker set search_path = ''
as $$
declare
  v_version bigint;
begin
  update paper_exchange.book as b
  set state = p_state, version = b.version + 1, updated_at = private.clock()
  where b.one and b.version = p_expected_version
  returning b.version into v_version;
  if v_version is null then
    return (select pg_catalog.jsonb_build_object('saved', false, 'version', b.version) from paper_exchange.book as b);
  end if;
  insert into paper_exchange.closed_orders as c (client_order_id, doc)
  select o.key::uuid, o.value from pg_catalog.jsonb_each(coalesce(p_closed_orders, '{}')) as o order by o.key
  on conflict (client_order_id) do update set doc = excluded.doc;
  return pg_catalog.jsonb_build_object('saved', true, 'version', v_version);
end
$$;
comment on function public.paper_exchange_save is 'Saves the paper exchange''s state if nobody has since it was loaded: {saved, version}.';
grant execute on function public.paper_exchange_save to service_role;

create function private.move_paper_cash(p_amount numeric) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_reserved numeric;
  v_cash numeric;
begin
  perform private.require_operator();
  select
    (b.state ->> 'cash')::numeric,
    coalesce((
      select sum((o.value ->> 'reservedCash')::numeric) from pg_catalog.jsonb_each(b.state -> 'orders') as o
    ), 0)
  into v_cash, v_reserved
  from paper_exchange.book as b where b.one for update;
  if (v_cash + p_amount >= case when p_amount < 0 then v_reserved else 0 end) is not true then
    raise exception 'paper_cash_not_free' using errcode = 'PT409', detail = pg_catalog.format(
      'The paper exchange holds %s USD, %s of it in open orders; %s can''t be moved.', coalesce(v_cash::text, 'no'), v_reserved, p_amount);
  end if;
  update paper_exchange.book as b
  set state = pg_catalog.jsonb_set(b.state, '{cash}', pg_catalog.to_jsonb(pg_catalog.trim_scale(v_cash + p_amount)::text)),
      version = b.version + 1, updated_at = private.clock()
  where b.one;
end
$$;
comment on function private.move_paper_cash is
  'Moves an operator''s own cash in or out of the paper exchange, as a bank transfer would at a real broker. Not the engine''s to call: it asks for an operator.';
grant execute on function private.move_paper_cash to zoe_engine;
