-- The brokers books beside ours: what they hold, what of it is not ours, and what is off.

create table private.foreign_holdings (
  mode text not null references public.accounts (mode),
  symbol text not null,
  qty numeric not null constraint foreign_holdings_qty_positive check (qty > 0 and qty < 'Infinity'),
  since timestamptz not null default private.clock(),
  primary key (mode, symbol)
);
comment on table private.foreign_holdings is 'What the broker held when the books were opened: not ours, never traded, expected to stay.';
alter table private.foreign_holdings enable row level security;
grant select, insert, update, delete on private.foreign_holdings to zoe_engine;

create function private.open_books(p_mode text, p_cash numeric, p_holdings jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.cash_ledger (mode, kind, amount, reason, actor)
  select p_mode, 'opening', p_cash - a.cash, 'the broker''s cash when trading began', private.actor()
  from public.accounts as a where a.mode = p_mode;
  update public.accounts as a set cash = p_cash, opened_at = private.clock(), version = a.version + 1, updated_at = private.clock()
  where a.mode = p_mode;
  insert into private.foreign_holdings (mode, symbol, qty)
  select p_mode, h.key, h.value::numeric - coalesce(p.qty, 0)
  from pg_catalog.jsonb_each_text(p_holdings) as h
  left join public.positions as p on p.mode = p_mode and p.symbol = h.key
  where h.value::numeric > coalesce(p.qty, 0)
  on conflict (mode, symbol) do nothing;
end
$$;
comment on function private.open_books is 'Writes the ledger''s opening entry from the broker''s cash; what it already holds is noted as not ours.';
alter function private.open_books owner to zoe_engine;

create function private.compare_holdings(p_mode text, p_holdings jsonb)
returns table (symbol text, ours numeric, foreign_qty numeric, broker numeric, diff numeric)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select s.symbol, q.ours, q.foreign_qty, q.broker, pg_catalog.trim_scale(q.broker - q.ours - q.foreign_qty)
    from (
      select p.symbol from public.positions as p where p.mode = p_mode and p.qty > 0
      union select f.symbol from private.foreign_holdings as f where f.mode = p_mode
      union select h.key from pg_catalog.jsonb_each_text(p_holdings) as h where h.value::numeric <> 0
    ) as s,
      lateral (
        select coalesce((select p.qty from public.positions as p where p.mode = p_mode and p.symbol = s.symbol), 0) as ours,
          coalesce((select f.qty from private.foreign_holdings as f where f.mode = p_mode and f.symbol = s.symbol), 0) as foreign_qty,
          coalesce((p_holdings ->> s.symbol)::numeric, 0) as broker
      ) as q
    order by s.symbol;
end
$$;
comment on function private.compare_holdings is 'Both sides per symbol. diff: what the broker holds beyond ours and what was there before us.';
alter function private.compare_holdings owner to zoe_engine;

create function private.unknown_orders(p_mode text, p_open_orders jsonb, p_observed_at timestamptz) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select coalesce(pg_catalog.jsonb_agg(b.value || pg_catalog.jsonb_build_object('our_status', o.status) order by b.value ->> 'client_order_id'), '[]')
    from pg_catalog.jsonb_array_elements(coalesce(p_open_orders, '[]')) as b
    left join public.crypto_orders as o on o.mode = p_mode and o.id = case
      when pg_catalog.pg_input_is_valid(b.value ->> 'client_order_id', 'uuid') then (b.value ->> 'client_order_id')::uuid
    end
    where o.id is null or o.status = 'new' or o.closed_at < p_observed_at
  );
end
$$;
comment on function private.unknown_orders is 'Orders open at the broker that are not in our book, or are closed there (our_status).';
alter function private.unknown_orders owner to zoe_engine;

create function private.tell_unknown(p_mode text, p_holdings jsonb, p_orders jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.open_alert(
    'unknown_holding', c.symbol, p_mode, 'warning', 'The broker holds what is not ours',
    pg_catalog.format('%s: the broker holds %s, our books %s.', c.symbol, pg_catalog.trim_scale(c.broker), pg_catalog.trim_scale(c.ours)),
    'It is shown and never traded. Adopt the broker''s books if it should become ours.',
    pg_catalog.jsonb_build_object('broker', c.broker::text, 'ours', c.ours::text), 1
  )
  from private.compare_holdings(p_mode, p_holdings) as c
  where c.broker > c.ours and (c.foreign_qty > 0 or c.ours = 0 and c.broker > private.knob_number('RECONCILE_QTY_TOLERANCE'))
    -- Our own order may have filled and not be told yet.
    and not exists (
      select from public.crypto_orders as o
      where o.mode = p_mode and o.symbol = c.symbol and o.side = 'buy'
        and (o.unresolved or o.status in ('submitted', 'working', 'partially_filled', 'cancel_pending'))
    );
  perform private.open_alert(
    'unknown_broker_order', coalesce(u.value ->> 'client_order_id', u.value ->> 'broker_order_id', '?'), p_mode, 'critical',
    'An order at the broker is not in our book',
    pg_catalog.format('%s %s %s is open at the broker%s.', u.value ->> 'symbol', u.value ->> 'side', u.value ->> 'qty',
      coalesce(', here it is ' || (u.value ->> 'our_status'), '')),
    case
      when u.value ->> 'our_status' is not null then 'It is asked about again. If it stays open, cancel it at the broker.'
      else 'It is never touched by the engine. Cancel it at the broker if it is not yours.'
    end, u.value, 1
  )
  from pg_catalog.jsonb_array_elements(p_orders) as u;
  update public.alerts as a set resolved_at = private.clock()
  where a.resolved_at is null and a.mode = p_mode and (
    a.kind = 'unknown_holding' and not exists (
      select from private.compare_holdings(p_mode, p_holdings) as c
      where c.symbol = a.key and c.broker > c.ours and (c.foreign_qty > 0 or c.ours = 0)
    )
    or a.kind = 'unknown_broker_order' and not exists (
      select from pg_catalog.jsonb_array_elements(p_orders) as u
      where coalesce(u.value ->> 'client_order_id', u.value ->> 'broker_order_id', '?') = a.key
    )
  );
end
$$;
comment on function private.tell_unknown is 'Opens and resolves the alerts about holdings and orders at the broker that are not ours.';
alter function private.tell_unknown owner to zoe_engine;

create function private.mismatch_of(p_mode text, p_cash_diff numeric, p_holdings jsonb) returns text
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select pg_catalog.string_agg(m.reason, '; ' order by m.position, m.reason)
    from (
      select 0 as position, pg_catalog.format('cash at the broker differs by %s USD (tolerance %s)', pg_catalog.trim_scale(p_cash_diff),
        private.knob_number('RECONCILE_CASH_TOLERANCE')) as reason
      where pg_catalog.abs(p_cash_diff) > private.knob_number('RECONCILE_CASH_TOLERANCE')
      union all
      select 1, pg_catalog.format('%s at the broker differs by %s (tolerance %s)', c.symbol, c.diff, private.knob_number('RECONCILE_QTY_TOLERANCE'))
      from private.compare_holdings(p_mode, p_holdings) as c
      where pg_catalog.abs(c.diff) > private.knob_number('RECONCILE_QTY_TOLERANCE')
    ) as m
  );
end
$$;
comment on function private.mismatch_of is 'What is off beyond tolerance, in words; null when the books agree.';
alter function private.mismatch_of owner to zoe_engine;

create function private.clock_skew_tolerance() returns interval
language plpgsql immutable set search_path = ''
as $$
begin
  return interval '5 seconds';
end
$$;
comment on function private.clock_skew_tolerance is
  'How far ahead of our clock a moment told from outside may be. Twin of CLOCK_SKEW_TOLERANCE_MS in shared/market/quote.ts.';
grant execute on function private.clock_skew_tolerance to zoe_engine;

create function private.book_problem(p_book jsonb) returns text
language plpgsql stable set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  return case
    when pg_catalog.jsonb_typeof(p_book) is distinct from 'object' then 'they are no object'
    when p_book -> 'cash' is null or p_book -> 'cash' = 'null' then 'cash is missing'
    when pg_catalog.jsonb_typeof(p_book -> 'cash') not in ('string', 'number') then 'cash is no amount'
    when p_book -> 'holdings' is null or p_book -> 'holdings' = 'null' then 'holdings are missing'
    when pg_catalog.jsonb_typeof(p_book -> 'holdings') <> 'object' then 'holdings are no object of quantities by symbol'
    when exists (
      select from pg_catalog.jsonb_object_keys(p_book -> 'holdings') as h (key)
      where (private.read_amount(p_book -> 'holdings', h.key) >= 0) is not true
    ) then 'a holding is no quantity'
    when p_book -> 'open_orders' is null or p_book -> 'open_orders' = 'null' then 'open_orders are missing'
    when pg_catalog.jsonb_typeof(p_book -> 'open_orders') <> 'array' then 'open_orders are no list'
    when exists (
      select from pg_catalog.jsonb_array_elements(p_book -> 'open_orders') as o
      where coalesce(o ->> 'client_order_id', o ->> 'broker_order_id', '') = ''
    ) then 'an open order has no id'
    when p_book ->> 'observed_at' is null then 'observed_at is missing'
    when (p_book ->> 'observed_at')::timestamptz > v_now + private.clock_skew_tolerance() then pg_catalog.format(
      'observed_at is %s s ahead of the clock; %s s are let pass', extract(epoch from (p_book ->> 'observed_at')::timestamptz - v_now)::integer,
      extract(epoch from private.clock_skew_tolerance())::integer
    )
  end;
end
$$;
comment on function private.book_problem is
  'What is wrong with the form of the broker''s books: each part must be given, an empty one too, and no reading comes from the future. Null when nothing is.';
grant execute on function private.book_problem to zoe_engine;

create function private.read_book(
  p_mode text, p_book jsonb, out cash numeric, out holdings jsonb, out observed_at timestamptz, out problem text
)
language plpgsql stable set search_path = ''
as $$
begin
  if p_mode is null or p_mode not in ('paper', 'live') then
    raise exception 'reconciliation_invalid' using errcode = 'PT400', detail = pg_catalog.format('mode is %s; it is paper or live.', p_mode);
  end if;
  problem := 'the broker''s books are refused: ' || private.book_problem(p_book);
  if problem is not null then return; end if;
  cash := private.cash_amount(private.read_amount(p_book, 'cash'));
  observed_at := (p_book ->> 'observed_at')::timestamptz;
  holdings := (
    select coalesce(pg_catalog.jsonb_object_agg(h.key, pg_catalog.trim_scale(private.read_amount(p_book -> 'holdings', h.key))::text), '{}')
    from pg_catalog.jsonb_object_keys(p_book -> 'holdings') as h (key)
    where private.read_amount(p_book -> 'holdings', h.key) <> 0
  );
exception
  when data_exception or sqlstate 'PT400' then problem := 'the broker''s books are unreadable: ' || sqlerrm;
end
$$;
comment on function private.read_book is 'Reads the broker''s books from the wire; problem says what is wrong with them. Half a book is none.';
alter function private.read_book owner to zoe_engine;

create function private.confirmed_qty(p_mode text, p_symbol text) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select greatest(case
      -- What was not ours when trading began goes first: what is left is ours, as far as it reaches.
      when a.degraded then e.broker + coalesce((
        select pg_catalog.sum(case f.side when 'buy' then f.qty - f.fee_qty else -(f.qty + f.fee_qty) end) from public.crypto_fills as f
        where f.mode = p_mode and f.symbol = p_symbol and f.executed_at > e.observed_at
      ), 0)
      when e.status = 'ok' and e.broker < e.ours then p.qty - (e.ours - e.broker)
    end, 0)
    from public.accounts as a
    join public.positions as p on p.mode = a.mode and p.symbol = p_symbol
    join lateral (
      select r.status, r.observed_at, coalesce((r.broker_holdings ->> p_symbol)::numeric, 0) as broker,
        coalesce((r.local_holdings ->> p_symbol)::numeric, 0) as ours
      from public.crypto_reconciliation_events as r where r.mode = a.mode order by r.id desc limit 1
    ) as e on true
    where a.mode = p_mode and (a.degraded or e.status = 'ok' and e.broker < e.ours)
  );
end
$$;
comment on function private.confirmed_qty is
  'What the broker confirms of our holding, the cap of exits: while degraded all that is there, else ours less what its books are short of within tolerance. Null: no cap.';
alter function private.confirmed_qty owner to zoe_engine;
