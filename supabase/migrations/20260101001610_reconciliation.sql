-- The truth check: our books against the broker's own.

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
  where c.broker > c.ours and (c.foreign_qty > 0 or c.ours = 0 and c.broker > private.knob_number('RECONCILE_QTY_TOLERANCE'));
  perform private.open_alert(
    'unknown_broker_order', coalesce(u.value ->> 'client_order_id', u.value ->> 'broker_order_id', '?'), p_mode, 'critical',
    'An order at the broker is not in our book',
    pg_catalog.format('%s %s %s is open at the broker%s.', u.value ->> 'symbol', u.value ->> 'side', u.value ->> 'qty',
      coalesce(', here it is ' || (u.value ->> 'our_status'), '')),
    'It is never touched by the engine. Cancel it at the broker if it is not yours.', u.value, 1
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

create function private.read_book(p_mode text, p_book jsonb, out cash numeric, out holdings jsonb, out observed_at timestamptz, out problem text)
language plpgsql stable set search_path = ''
as $$
begin
  if p_mode is null or p_mode not in ('paper', 'live') then
    raise exception 'reconciliation_invalid' using errcode = 'PT400', detail = pg_catalog.format('mode is %s; it is paper or live.', p_mode);
  end if;
  cash := private.cash_amount(private.read_amount(p_book, 'cash'));
  observed_at := (p_book ->> 'observed_at')::timestamptz;
  holdings := (
    select coalesce(pg_catalog.jsonb_object_agg(h.key, pg_catalog.trim_scale(private.read_amount(p_book -> 'holdings', h.key))::text), '{}')
    from pg_catalog.jsonb_object_keys(coalesce(p_book -> 'holdings', '{}')) as h (key)
    where private.read_amount(p_book -> 'holdings', h.key) <> 0
  );
  problem := case when cash is null then 'the broker''s cash is missing' when observed_at is null then 'observed_at is missing' end;
exception
  when data_exception or sqlstate 'PT400' then problem := 'the broker''s books are unreadable: ' || sqlerrm;
end
$$;
comment on function private.read_book is 'Reads the broker''s books from the wire; problem says what is wrong with them.';
alter function private.read_book owner to zoe_engine;

create function private.not_comparable(p_mode text, p_observed_at timestamptz) returns text
language plpgsql stable security definer set search_path = ''
as $$
begin
  return case
    when p_observed_at < (
      select e.observed_at from public.crypto_reconciliation_events as e where e.mode = p_mode order by e.id desc limit 1
    ) then 'newer books of the broker were compared already'
    when exists (
      select from public.crypto_fills as f
      where f.mode = p_mode and f.executed_at > p_observed_at and f.booked_at > p_observed_at - interval '1 minute'
    ) then 'a fill came after the broker''s books were read'
  end;
end
$$;
comment on function private.not_comparable is 'Why the broker''s books, as old as they are, prove nothing about ours; null when they do.';
alter function private.not_comparable owner to zoe_engine;

create function private.judge_mismatch(p_mode text, p_last public.crypto_reconciliation_events, out since timestamptz, out status text)
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_last_fill timestamptz := (
    select f.booked_at from public.crypto_fills as f where f.mode = p_mode order by f.seq desc limit 1
  );
begin
  since := coalesce(p_last.mismatch_since, v_now);
  if p_last.status = 'degraded' then
    status := 'degraded';
    return;
  end if;
  if v_last_fill >= since then since := v_now; end if;
  status := case when v_now - since >= interval '10 seconds' then 'degraded' else 'suspect' end;
end
$$;
comment on function private.judge_mismatch is
  'A mismatch is suspect at first, degraded when it is seen again at least 10 s later with no fill in between, until the books agree.';
alter function private.judge_mismatch owner to zoe_engine;

create function private.note_reconciliation(
  p_mode text, p_book record, p_local_cash numeric, p_unknown jsonb, p_status text, p_reason text, p_since timestamptz,
  p_last public.crypto_reconciliation_events
) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  e public.crypto_reconciliation_events;
begin
  e.mode := p_mode;
  e.local_cash := p_local_cash;
  e.broker_cash := p_book.cash;
  e.cash_diff := p_book.cash - p_local_cash;
  e.broker_holdings := p_book.holdings;
  select coalesce(pg_catalog.jsonb_object_agg(c.symbol, pg_catalog.trim_scale(c.ours)::text) filter (where c.ours <> 0), '{}'),
    coalesce(pg_catalog.jsonb_object_agg(c.symbol, c.diff::text) filter (where c.diff <> 0), '{}')
  into e.local_holdings, e.holdings_diff
  from private.compare_holdings(p_mode, p_book.holdings) as c;
  e.unknown_orders := p_unknown;
  e.cash_tolerance := private.knob_number('RECONCILE_CASH_TOLERANCE');
  e.qty_tolerance := private.knob_number('RECONCILE_QTY_TOLERANCE');
  e.status := p_status;
  e.reason := p_reason;
  e.facts_hash := pg_catalog.md5(pg_catalog.jsonb_build_array(
    pg_catalog.trim_scale(e.local_cash), pg_catalog.trim_scale(e.broker_cash), e.local_holdings, e.broker_holdings, e.holdings_diff,
    e.unknown_orders, pg_catalog.trim_scale(e.cash_tolerance), pg_catalog.trim_scale(e.qty_tolerance), e.status
  )::text);
  if p_last.facts_hash = e.facts_hash then
    update public.crypto_reconciliation_events as r
    set last_seen_at = private.clock(), observed_at = p_book.observed_at, mismatch_since = p_since
    where r.id = p_last.id;
    return;
  end if;
  insert into public.crypto_reconciliation_events (
    mode, local_cash, broker_cash, cash_diff, local_holdings, broker_holdings, holdings_diff, unknown_orders, cash_tolerance, qty_tolerance,
    status, reason, facts_hash, observed_at, mismatch_since
  )
  values (
    e.mode, e.local_cash, e.broker_cash, e.cash_diff, e.local_holdings, e.broker_holdings, e.holdings_diff, e.unknown_orders,
    e.cash_tolerance, e.qty_tolerance, e.status, e.reason, e.facts_hash, p_book.observed_at, p_since
  );
end
$$;
comment on function private.note_reconciliation is 'Writes both sides, the differences and the verdict; the same facts again only refresh last_seen_at.';
alter function private.note_reconciliation owner to zoe_engine;

create function private.reconcile(p_mode text, p_book jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_book record;
  v_account public.accounts;
  v_last public.crypto_reconciliation_events;
  v_unknown jsonb;
  v_reason text;
  v_skip text;
  v_verdict record;
begin
  select * into v_book from private.read_book(p_mode, p_book);
  v_account := private.lock_account(p_mode);
  v_skip := coalesce(v_book.problem, private.not_comparable(p_mode, v_book.observed_at));
  if v_skip is not null then
    if v_book.problem is not null then
      perform private.note_health('reconciliation', p_mode, false, 'error', null, pg_catalog.jsonb_build_object('detail', v_skip));
    end if;
    return pg_catalog.jsonb_build_object('mode', p_mode, 'status', 'skipped', 'reason', v_skip);
  end if;
  if v_account.opened_at is null then
    perform private.open_books(p_mode, v_book.cash, v_book.holdings);
    select * into v_account from public.accounts as a where a.mode = p_mode;
  end if;
  select * into v_last from public.crypto_reconciliation_events as e where e.mode = p_mode order by e.id desc limit 1;
  v_unknown := private.unknown_orders(p_mode, p_book -> 'open_orders', v_book.observed_at);
  v_reason := private.mismatch_of(p_mode, v_book.cash - v_account.cash, v_book.holdings);
  if v_reason is null then
    select null::timestamptz as since, 'ok' as status into v_verdict;
  else
    select * into v_verdict from private.judge_mismatch(p_mode, v_last);
  end if;
  perform private.note_reconciliation(p_mode, v_book, v_account.cash, v_unknown, v_verdict.status, v_reason, v_verdict.since, v_last);
  perform private.follow_verdict(v_account, v_verdict.status, v_reason, p_book, v_book.observed_at);
  perform private.tell_unknown(p_mode, v_book.holdings, v_unknown);
  perform private.take_snapshots(p_mode);
  return pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('mode', p_mode, 'status', v_verdict.status, 'reason', v_reason));
end
$$;
comment on function private.reconcile is
  'Compares the broker''s books {cash, holdings, open_orders, observed_at} with ours. Answers {mode, status: ok|suspect|degraded|skipped, reason}; the first one opens the ledger.';
alter function private.reconcile owner to zoe_engine;

create function private.follow_verdict(
  p_account public.accounts, p_status text, p_reason text, p_book jsonb, p_observed_at timestamptz
) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.note_health('reconciliation', p_account.mode, p_status = 'ok',
    case p_status when 'ok' then 'ok' when 'suspect' then 'warning' else 'error' end, null,
    pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('detail', p_reason)));
  if p_status = 'ok' then
    if p_account.degraded then perform private.leave_degraded(p_account.mode, 'the books agree'); end if;
    -- Closed orders whose last reports made no sense are explained once the books agree and the watch is over.
    update public.crypto_orders as o set unresolved = false, next_action_at = null
    where o.mode = p_account.mode and o.unresolved and o.status in ('canceled', 'expired') and o.watch_until <= private.clock();
    return;
  end if;
  if p_status = 'degraded' and (not p_account.degraded or p_account.degraded_reason is distinct from p_reason) then
    perform private.enter_degraded(p_account.mode, p_reason);
  end if;
  -- Something is off: ask at once about orders that should be open at the broker and are not listed there.
  update public.crypto_orders as o set next_action_at = private.clock()
  where o.mode = p_account.mode and o.status in ('working', 'partially_filled') and o.acknowledged_at < p_observed_at
    and o.next_action_at > private.clock() and pg_catalog.jsonb_typeof(p_book -> 'open_orders') = 'array'
    and not (p_book -> 'open_orders') @> pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('client_order_id', o.id));
end
$$;
comment on function private.follow_verdict is 'What a verdict brings about: health, degraded entered or left, and a look at orders the broker no longer lists.';
alter function private.follow_verdict owner to zoe_engine;

create function private.confirmed_qty(p_mode text, p_symbol text) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select greatest(
      coalesce((e.broker_holdings ->> p_symbol)::numeric, 0)
      - coalesce((select f.qty from private.foreign_holdings as f where f.mode = p_mode and f.symbol = p_symbol), 0)
      + coalesce((
        select pg_catalog.sum(case f.side when 'buy' then f.qty else -f.qty end) from public.crypto_fills as f
        where f.mode = p_mode and f.symbol = p_symbol and f.executed_at > e.observed_at
      ), 0), 0)
    from public.accounts as a
    join lateral (
      select r.broker_holdings, r.observed_at from public.crypto_reconciliation_events as r where r.mode = a.mode order by r.id desc limit 1
    ) as e on true
    where a.mode = p_mode and a.degraded
  );
end
$$;
comment on function private.confirmed_qty is 'While degraded: what the broker confirms of our holding, the cap of exits. Null: no cap.';
alter function private.confirmed_qty owner to zoe_engine;
