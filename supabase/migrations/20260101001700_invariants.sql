-- The book's own arithmetic, checked in production every minute. Each run reads what is open, what is new, and a slice of the rest.

create table private.invariant_checkpoints (
  one boolean primary key default true constraint invariant_checkpoints_has_one_row check (one),
  ledger_id bigint not null default 0,
  ledger_sums jsonb not null default '{}',
  fill_seq bigint not null default 0,
  order_cursor uuid not null default '00000000-0000-0000-0000-000000000000',
  day_sums jsonb not null default '{}',
  day_fill_seq bigint not null default 0,
  day_closure_id bigint not null default 0,
  days_seen_at timestamptz not null default '-infinity',
  day_cursor date not null default '-infinity'
);
comment on table private.invariant_checkpoints is
  'Up to which ledger row cash was summed, up to which fill orders were checked, and how far the slice through all orders has come; the same of fees and realized P&L, and of the days.';
alter table private.invariant_checkpoints enable row level security;
grant select, insert, update on private.invariant_checkpoints to zoe_engine;
insert into private.invariant_checkpoints default values;

create function private.broken(p_mode text, p_row text, p_detail text, p_evidence jsonb) returns private.finding
language sql stable set search_path = ''
return row(
  'invariant', p_row, p_mode, 'critical', 'The book contradicts itself', p_row || ': ' || p_detail,
  'Pull the kill switch, look at the row and at npm run audit, and correct the cause before trading on.', 1, p_evidence
)::private.finding;
comment on function private.broken is 'A broken invariant as a finding; its key names the row.';
alter function private.broken owner to zoe_engine;

create function private.advance_ledger_sums() returns void
language sql security definer set search_path = ''
begin atomic
  update private.invariant_checkpoints as k
  set ledger_sums = pg_catalog.jsonb_build_object(
        'live', coalesce((k.ledger_sums ->> 'live')::numeric, 0) + n.live, 'paper', coalesce((k.ledger_sums ->> 'paper')::numeric, 0) + n.paper
      ),
      ledger_id = greatest(k.ledger_id, n.last_id)
  from (
    select coalesce(pg_catalog.sum(e.amount) filter (where e.mode = 'live'), 0) as live,
      coalesce(pg_catalog.sum(e.amount) filter (where e.mode = 'paper'), 0) as paper, coalesce(pg_catalog.max(e.id), 0) as last_id
    from public.cash_ledger as e where e.id > (select c.ledger_id from private.invariant_checkpoints as c)
  ) as n
  where k.one;
end;
comment on function private.advance_ledger_sums is 'Adds the ledger''s new rows to the running sums. Under the account lock no row with a smaller id can still appear.';
alter function private.advance_ledger_sums owner to zoe_engine;

create function private.find_broken_accounts() returns setof private.finding
language sql stable security definer set search_path = ''
begin atomic
  select private.broken(a.mode, 'accounts ' || a.mode || ' cash',
    pg_catalog.format('cash is %s, the ledger''s sum %s', a.cash, coalesce((k.ledger_sums ->> a.mode)::numeric, 0)),
    pg_catalog.jsonb_build_object('cash', a.cash::text, 'ledger', k.ledger_sums ->> a.mode))
  from public.accounts as a, private.invariant_checkpoints as k
  where a.cash <> coalesce((k.ledger_sums ->> a.mode)::numeric, 0)
  union all
  select private.broken(a.mode, 'accounts ' || a.mode || ' reserved_cash',
    pg_catalog.format('reserved_cash is %s, open buys hold back %s', a.reserved_cash, r.amount),
    pg_catalog.jsonb_build_object('reserved_cash', a.reserved_cash::text, 'open_buys', r.amount::text))
  from public.accounts as a,
    lateral (
      select coalesce(pg_catalog.sum(b.amount), 0) as amount
      from (
        select o.remaining_qty * o.limit_price as amount from public.crypto_orders as o
        where o.mode = a.mode and o.side = 'buy' and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
        union all
        select o.remaining_qty * o.limit_price from public.crypto_orders as o
        where o.mode = a.mode and o.side = 'buy' and o.unresolved
          and o.status not in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
      ) as b
    ) as r
  where a.reserved_cash <> r.amount;
end;
comment on function private.find_broken_accounts is 'Cash against the ledger''s sum, reserved cash against open buys.';
alter function private.find_broken_accounts owner to zoe_engine;

create function private.find_broken_positions() returns setof private.finding
language sql stable security definer set search_path = ''
begin atomic
  select private.broken(coalesce(p.mode, l.mode), pg_catalog.format('positions %s %s', coalesce(p.mode, l.mode), coalesce(p.symbol, l.symbol)),
    pg_catalog.format('qty is %s at cost %s, its lots hold %s at cost %s', coalesce(p.qty, 0), coalesce(p.cost_basis, 0),
      coalesce(l.qty, 0), coalesce(l.cost, 0)),
    pg_catalog.jsonb_build_object('qty', p.qty::text, 'lots', l.qty::text, 'cost_basis', p.cost_basis::text, 'lots_cost', l.cost::text))
  from (select * from public.positions as h where h.qty > 0 or h.cost_basis <> 0) as p
  full join (
    select o.mode, o.symbol, pg_catalog.sum(o.remaining_qty) as qty, pg_catalog.sum(o.remaining_qty * o.price) as cost
    from public.position_lots as o where o.remaining_qty > 0 group by o.mode, o.symbol
  ) as l on l.mode = p.mode and l.symbol = p.symbol
  where coalesce(p.qty, 0) <> coalesce(l.qty, 0) or coalesce(p.cost_basis, 0) <> coalesce(l.cost, 0)
  union all
  select private.broken(l.mode, 'position_lots ' || l.id, pg_catalog.format('%s of %s remain, but %s was closed', l.remaining_qty, l.qty, c.qty),
    pg_catalog.jsonb_build_object('lot_id', l.id, 'qty', l.qty::text, 'remaining_qty', l.remaining_qty::text, 'closed', c.qty::text))
  from public.position_lots as l,
    lateral (select coalesce(pg_catalog.sum(k.qty), 0) as qty from public.lot_closures as k where k.lot_id = l.id) as c
  where l.remaining_qty > 0 and l.qty - l.remaining_qty <> c.qty;
end;
comment on function private.find_broken_positions is 'Positions against their open lots, open lots against their closures.';
alter function private.find_broken_positions owner to zoe_engine;

create function private.orders_to_check() returns setof uuid
language sql stable security definer set search_path = ''
begin atomic
  select o.id from public.crypto_orders as o where o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
  union
  select f.order_id from public.crypto_fills as f, private.invariant_checkpoints as k where f.seq > k.fill_seq
  union
  (
    select o.id from public.crypto_orders as o
    where o.id > (select k.order_cursor from private.invariant_checkpoints as k) order by o.id limit 500
  )
  union
  select pg_catalog.substr(a.key, 15)::uuid from public.alerts as a
  where a.kind = 'invariant' and a.resolved_at is null and a.key ~ '^crypto_orders [0-9a-f]{8}-[0-9a-f-]{27}$'
  union
  select o.id from public.alerts as a, lateral (
    select k.id from public.crypto_orders as k where k.intent_group_id = pg_catalog.substr(a.key, 15)::uuid order by k.chain_position limit 1
  ) as o
  where a.kind = 'invariant' and a.resolved_at is null and a.key ~ '^order_intents [0-9a-f]{8}-[0-9a-f-]{27}$';
end;
comment on function private.orders_to_check is 'Live orders, those with new fills, those that were wrong, and the next slice of all the others.';
alter function private.orders_to_check owner to zoe_engine;

create function private.find_broken_orders(p_order_ids uuid[]) returns setof private.finding
language sql stable security definer set search_path = ''
begin atomic
  select private.broken(o.mode, 'crypto_orders ' || o.id, p.detail, pg_catalog.jsonb_build_object('order_id', o.id, 'status', o.status))
  from public.crypto_orders as o
  left join public.order_intents as i on i.id = o.intent_group_id,
    lateral (
      select coalesce(pg_catalog.sum(f.qty), 0) as qty, coalesce(pg_catalog.sum(f.fee), 0) as fee,
        pg_catalog.count(*) filter (
          where coalesce(l.amount, 0) <> private.cash_amount(case f.side when 'buy' then -1 else 1 end * f.qty * f.price)
        ) as unpaid,
        pg_catalog.count(*) filter (where (f.mode, f.symbol, f.side) is distinct from (o.mode, o.symbol, o.side)) as strange,
        (select pg_catalog.count(*) from private.executions as e where e.order_id = o.id and e.qty < 0) as negative
      from public.crypto_fills as f
      left join public.cash_ledger as l on l.fill_id = f.id and l.kind = 'fill'
      where f.order_id = o.id
    ) as s,
    lateral (
      select pg_catalog.concat_ws('; ',
        case when o.filled_qty <> s.qty then pg_catalog.format('filled_qty is %s, its fills add up to %s', o.filled_qty, s.qty) end,
        case when o.fee <> s.fee then pg_catalog.format('fee is %s, its fills'' fees add up to %s', o.fee, s.fee) end,
        case when s.unpaid > 0 then pg_catalog.format('%s fills are not in the cash ledger as they should be', s.unpaid) end,
        case when s.strange > 0 then pg_catalog.format('%s fills are of another mode, symbol or side', s.strange) end,
        case when s.negative > 0 then pg_catalog.format('%s executions add up to less than nothing', s.negative) end,
        case when i.id is null then 'it has no intent'
          when (i.mode, i.symbol, i.side) is distinct from (o.mode, o.symbol, o.side) then 'its intent is for something else' end,
        case when o.status in ('filled', 'new') and o.unresolved then pg_catalog.format('it is %s and unresolved', o.status) end
      ) as detail
    ) as p
  where o.id = any (p_order_ids) and p.detail <> ''
  union all
  select private.broken(d.mode, pg_catalog.format('crypto_orders %s %s %s', d.mode, d.symbol, d.side), 'more than one live order: ' || d.ids,
    pg_catalog.jsonb_build_object('orders', d.ids))
  from (
    select o.mode, o.symbol, o.side, pg_catalog.string_agg(o.id::text, ', ' order by o.id) as ids
    from public.crypto_orders as o
    where o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
    group by o.mode, o.symbol, o.side having pg_catalog.count(*) > 1
  ) as d;
end;
comment on function private.find_broken_orders is 'Orders against their fills, ledger entries and intent; and no two live orders of a symbol and side.';
alter function private.find_broken_orders owner to zoe_engine;

create function private.find_broken_intents(p_order_ids uuid[]) returns setof private.finding
language sql stable security definer set search_path = ''
begin atomic
  select private.broken(i.mode, 'order_intents ' || i.id,
    pg_catalog.format('filled is %s for %s USD, its orders filled %s for %s USD', i.filled_qty, i.filled_notional, s.qty, s.notional),
    pg_catalog.jsonb_build_object('intent_id', i.id, 'filled_qty', i.filled_qty::text, 'orders', s.qty::text))
  from (select distinct o.intent_group_id from public.crypto_orders as o where o.id = any (p_order_ids)) as k
  join public.order_intents as i on i.id = k.intent_group_id,
    lateral (
      select coalesce(pg_catalog.sum(o.filled_qty), 0) as qty,
        coalesce(pg_catalog.sum(o.filled_qty * coalesce(o.average_price, o.limit_price)), 0) as notional
      from public.crypto_orders as o where o.intent_group_id = i.id and o.filled_qty > 0
    ) as s
  where i.filled_qty <> s.qty or i.filled_notional <> s.notional;
end;
comment on function private.find_broken_intents is 'What the intents of these orders have filled, against the chains'' orders that filled anything.';
alter function private.find_broken_intents owner to zoe_engine;

create function private.check_invariants() returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_order_ids uuid[];
  v_cursor uuid;
  v_found integer;
begin
  perform private.lock_accounts();
  perform private.advance_ledger_sums();
  perform private.advance_day_sums();
  v_order_ids := array(select private.orders_to_check());
  v_found := private.settle_alerts(array['invariant'], array(
    select p from private.find_broken_accounts() as p
    union all select p from private.find_broken_positions() as p
    union all select p from private.find_broken_orders(v_order_ids) as p
    union all select p from private.find_broken_days() as p
    union all select p from private.find_broken_intents(v_order_ids) as p
  ));
  -- A slice that is not full has reached the end: the next one begins anew.
  select o.id into v_cursor from public.crypto_orders as o
  where o.id > (select k.order_cursor from private.invariant_checkpoints as k) order by o.id offset 499 limit 1;
  update private.invariant_checkpoints as k
  set order_cursor = coalesce(v_cursor, '00000000-0000-0000-0000-000000000000'),
      fill_seq = greatest(k.fill_seq, (select pg_catalog.max(f.seq) from public.crypto_fills as f))
  where k.one;
  perform private.advance_day_cursor();
  return v_found;
end
$$;
comment on function private.check_invariants is
  'Checks the book''s own arithmetic; opens an alert that names each broken row and resolves those that are fine again. Returns how many are broken.';
alter function private.check_invariants owner to zoe_engine;
