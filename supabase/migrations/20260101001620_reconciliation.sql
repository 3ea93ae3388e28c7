-- The truth check: our books against the brokers own, on every trader tick and after fills.

create function private.not_comparable(p_mode text, p_observed_at timestamptz) returns text
language plpgsql stable security definer set search_path = ''
as $$
begin
  return case
    when p_observed_at < (
      select least(e.observed_at, e.last_seen_at) from public.crypto_reconciliation_events as e
      where e.mode = p_mode order by e.id desc limit 1
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

create function private.look_again(p_mode text, p_holdings jsonb, p_unknown jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_pause interval := private.knob_interval('LATE_FILL_WATCH_SECONDS');
  v_symbols text[] := array(
    select c.symbol from private.compare_holdings(p_mode, p_holdings) as c
    where pg_catalog.abs(c.diff) > private.knob_number('RECONCILE_QTY_TOLERANCE')
  );
  v_ids text[] := array(
    select u.value ->> 'client_order_id' from pg_catalog.jsonb_array_elements(p_unknown) as u where u.value ->> 'our_status' is not null
  );
begin
  if v_symbols = '{}' and v_ids = '{}' then return; end if;
  update public.crypto_orders as o set next_action_at = v_now
  where o.id in (
    select r.id
    from (
      select c.* from public.crypto_orders as c
      where c.mode = p_mode and c.requested_at > v_now - interval '1 day' order by c.requested_at desc limit 500
    ) as r
    where r.status in ('canceled', 'expired', 'rejected') and r.next_action_at is null
      and greatest(r.watch_until, r.reported_at, r.not_found_at) < v_now - v_pause
      and (r.symbol = any (v_symbols) or r.id::text = any (v_ids))
    order by r.requested_at desc limit 50
  );
end
$$;
comment on function private.look_again is
  'When holdings are off, or the broker lists an order that is closed here: the day''s closed orders concerned are asked about once more, each after as long a pause as its watch was.';
alter function private.look_again owner to zoe_engine;

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
      perform private.open_alert(
        'books_refused', '', p_mode, 'warning', 'The broker''s books can''t be used', 'Nothing was compared: ' || v_skip || '.',
        'Look at what the broker answers. Half a book is never read as an empty one.', '{}', 1
      );
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
  perform private.look_again(p_mode, v_book.holdings, v_unknown);
  perform private.free_vanished(p_mode, v_book.holdings, p_book -> 'open_orders', v_book.observed_at);
  perform private.resolve_alert('books_refused', '', p_mode);
  perform private.tell_unknown(p_mode, v_book.holdings, v_unknown);
  perform private.take_snapshots(p_mode);
  return pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('mode', p_mode, 'status', v_verdict.status, 'reason', v_reason));
end
$$;
comment on function private.reconcile is
  'Compares the broker''s books {cash, holdings, open_orders, observed_at} with ours. Answers {mode, status: ok|suspect|degraded|skipped, reason}; the first one opens the ledger.';
alter function private.reconcile owner to zoe_engine;
