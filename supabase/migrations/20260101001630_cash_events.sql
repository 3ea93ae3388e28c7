-- Money from and to outside: entered by an operator or adopted with an explicit confirmation, never guessed.

create function private.record_cash_event(p_mode text, p_kind text, p_amount text, p_reason text, p_actor text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_account public.accounts;
  v_amount numeric;
begin
  if p_mode is null or p_mode not in ('paper', 'live') or p_kind is null or p_kind not in ('deposit', 'withdrawal', 'adjustment') then
    raise exception 'cash_event_invalid' using errcode = 'PT400',
      detail = pg_catalog.format('mode is %s (paper or live) and kind is %s (deposit, withdrawal or adjustment).', p_mode, p_kind);
  end if;
  v_amount := private.cash_amount(private.read_amount(pg_catalog.jsonb_build_object('amount', p_amount), 'amount'));
  if v_amount is null or v_amount = 0 or (p_kind <> 'adjustment' and v_amount < 0) or coalesce(pg_catalog.btrim(p_reason), '') = '' then
    raise exception 'cash_event_invalid' using errcode = 'PT400', detail = pg_catalog.format(
      'A %s needs a reason and an amount in USD %s; the amount is %s.', p_kind,
      case when p_kind = 'adjustment' then 'other than 0' else 'above 0' end, p_amount);
  end if;
  v_account := private.lock_account(p_mode);
  if v_account.opened_at is null then
    raise exception 'books_not_open' using errcode = 'PT409',
      detail = pg_catalog.format('The %s ledger opens with the broker''s cash at the first reconciliation; nothing can be recorded before.', p_mode);
  end if;
  v_amount := case p_kind when 'withdrawal' then -v_amount else v_amount end;
  if v_account.cash + v_amount < 0 then
    raise exception 'cash_would_be_negative' using errcode = 'PT409',
      detail = pg_catalog.format('%s of %s would leave %s USD.', p_kind, p_amount, v_account.cash + v_amount);
  end if;
  perform private.set_actor(p_actor);
  insert into public.cash_ledger (mode, kind, amount, reason, actor) values (p_mode, p_kind, v_amount, p_reason, p_actor);
  update public.accounts as a set cash = a.cash + v_amount, version = a.version + 1, updated_at = private.clock()
  where a.mode = p_mode returning a.* into v_account;
  perform private.move_high_water(p_mode, v_amount);
  perform private.take_snapshots(p_mode);
  return pg_catalog.jsonb_build_object('mode', p_mode, 'kind', p_kind, 'amount', pg_catalog.trim_scale(v_amount)::text,
    'cash', pg_catalog.trim_scale(v_account.cash)::text);
end
$$;
comment on function private.record_cash_event is
  'Books a deposit, withdrawal (amount above 0) or adjustment (signed) that happened at the broker. Answers {mode, kind, amount, cash}.';
alter function private.record_cash_event owner to zoe_engine;

create function private.adopt_lot(p_mode text, p_symbol text, p_qty numeric) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_price numeric := private.mark_price(p_symbol);
  v_is_opening boolean;
  v_lot_id bigint;
begin
  if v_price is null then
    raise exception 'no_quote' using errcode = 'PT409', detail = pg_catalog.format('%s can''t be adopted: it was never quoted.', p_symbol);
  end if;
  insert into public.positions (mode, symbol) values (p_mode, p_symbol) on conflict do nothing;
  select p.engine is null or private.dust(p.mode, p.symbol, p.qty) into v_is_opening
  from public.positions as p where p.mode = p_mode and p.symbol = p_symbol;
  insert into public.position_lots (mode, symbol, qty, remaining_qty, price, fee, remaining_fee, opened_at)
  values (p_mode, p_symbol, p_qty, p_qty, v_price, 0, 0, private.clock())
  returning id into v_lot_id;
  if v_is_opening then
    update public.positions as p
    set engine = 'manual', strategy = null, opened_at = private.clock(), opening_lot = v_lot_id, entry_price = v_price, high_water = v_price,
        stop_price = null, target_price = null, exit_by = null, trail_armed = false
    where p.mode = p_mode and p.symbol = p_symbol;
  end if;
  perform private.refresh_position(p_mode, p_symbol);
  perform private.move_high_water(p_mode, p_qty * v_price);
end
$$;
comment on function private.adopt_lot is 'Takes over a quantity the broker holds, at the middle of the last quote. Where nothing was held, or only dust, it becomes a manual position.';
alter function private.adopt_lot owner to zoe_engine;

create function private.give_up_lots(p_mode text, p_symbol text, p_qty numeric, p_at timestamptz) returns numeric
language plpgsql security definer set search_path = ''
as $$
declare
  v_lot public.position_lots;
  v_left numeric := p_qty;
  v_qty numeric;
  v_fee numeric;
  v_worth numeric := 0;
begin
  for v_lot in
    select * from public.position_lots as l where l.mode = p_mode and l.symbol = p_symbol and l.remaining_qty > 0 order by l.id
  loop
    exit when v_left <= 0;
    v_qty := least(v_left, v_lot.remaining_qty);
    v_fee := private.fee_share(v_lot.remaining_fee, v_qty, v_lot.remaining_qty);
    insert into public.lot_closures (lot_id, mode, symbol, qty, cost, proceeds, fees, buy_fee, realized_pnl, closed_at)
    values (v_lot.id, p_mode, p_symbol, v_qty, v_qty * v_lot.price, v_qty * v_lot.price + v_fee, v_fee, v_fee, 0, p_at);
    update public.position_lots as l
    set remaining_qty = l.remaining_qty - v_qty, remaining_fee = l.remaining_fee - v_fee,
        closed_at = case when l.remaining_qty = v_qty then p_at end
    where l.id = v_lot.id;
    v_worth := v_worth + v_qty * v_lot.price + v_fee;
    v_left := v_left - v_qty;
  end loop;
  return v_worth;
end
$$;
comment on function private.give_up_lots is 'Lets go of a quantity the broker no longer holds, at cost: neither gain nor loss. Returns what it had cost.';
alter function private.give_up_lots owner to zoe_engine;

create function private.adopt_difference(p_mode text, p_symbol text, p_diff numeric) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_foreign numeric := coalesce((select f.qty from private.foreign_holdings as f where f.mode = p_mode and f.symbol = p_symbol), 0);
  v_from_foreign numeric := least(v_foreign, greatest(-p_diff, 0));
begin
  -- Whatever was sold beyond the books is in the broker's figure.
  update private.uncovered_sells as u
  set qty = 0, fee = 0, given_up_qty = u.given_up_qty + u.qty, given_up_fee = u.given_up_fee + u.fee
  where u.mode = p_mode and u.symbol = p_symbol and u.qty > 0;
  if p_diff > 0 and exists (select from public.instruments as i where i.symbol = p_symbol) then
    perform private.adopt_lot(p_mode, p_symbol, p_diff);
    return;
  end if;
  if p_diff > 0 then
    insert into private.foreign_holdings as f (mode, symbol, qty) values (p_mode, p_symbol, p_diff)
    on conflict (mode, symbol) do update set qty = f.qty + excluded.qty;
    return;
  end if;
  if v_from_foreign > 0 and v_from_foreign = v_foreign then
    delete from private.foreign_holdings as f where f.mode = p_mode and f.symbol = p_symbol;
  elsif v_from_foreign > 0 then
    update private.foreign_holdings as f set qty = f.qty - v_from_foreign where f.mode = p_mode and f.symbol = p_symbol;
  end if;
  if -p_diff > v_from_foreign then
    perform private.move_high_water(p_mode, -private.give_up_lots(p_mode, p_symbol, -p_diff - v_from_foreign, private.clock()));
    perform private.refresh_position(p_mode, p_symbol);
  end if;
end
$$;
comment on function private.adopt_difference is
  'Brings one symbol in line with the broker: more becomes ours (or stays foreign when it can''t be traded); less is taken from what was never ours first.';
alter function private.adopt_difference owner to zoe_engine;

create function private.adopt_broker_books(p_mode text, p_confirm text, p_actor text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_account public.accounts;
  v_last public.crypto_reconciliation_events;
  v_cash_diff numeric;
begin
  if p_mode is null or p_mode not in ('paper', 'live') or p_confirm is distinct from 'ADOPT ' || pg_catalog.upper(p_mode) then
    raise exception 'adoption_not_confirmed' using errcode = 'PT400',
      detail = pg_catalog.format('To make our %s books equal to the broker''s, confirm with the words ADOPT %s.', p_mode, pg_catalog.upper(p_mode));
  end if;
  v_account := private.lock_account(p_mode);
  select * into v_last from public.crypto_reconciliation_events as e where e.mode = p_mode order by e.id desc limit 1;
  if v_last.id is null or v_last.last_seen_at < private.clock() - interval '5 minutes' then
    raise exception 'no_recent_reconciliation' using errcode = 'PT409', detail = 'The broker''s books were not read in the last 5 minutes; run the trader tick first.';
  end if;
  if exists (
    select from public.crypto_orders as o
    where o.mode = p_mode and (o.unresolved or o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending'))
  ) or private.not_comparable(p_mode, v_last.observed_at) is not null then
    raise exception 'orders_open' using errcode = 'PT409', detail = 'Books are adopted only while no order is open or unexplained and nothing was filled since they were read. What the broker took back of an order is corrected, not adopted: correct_order(...).';
  end if;
  perform private.set_actor(p_actor);
  v_cash_diff := v_last.broker_cash - v_account.cash;
  if v_cash_diff <> 0 then
    insert into public.cash_ledger (mode, kind, amount, reason, actor)
    values (p_mode, 'adjustment', v_cash_diff, 'adopted the broker''s books', p_actor);
    update public.accounts as a set cash = v_last.broker_cash, version = a.version + 1, updated_at = private.clock() where a.mode = p_mode;
    perform private.move_high_water(p_mode, v_cash_diff);
  end if;
  perform private.adopt_difference(p_mode, c.symbol, c.diff)
  from private.compare_holdings(p_mode, v_last.broker_holdings) as c where c.diff <> 0;
  return private.reconcile(p_mode, pg_catalog.jsonb_build_object(
    'cash', v_last.broker_cash::text, 'holdings', v_last.broker_holdings, 'open_orders', v_last.unknown_orders, 'observed_at', v_last.observed_at
  )) || pg_catalog.jsonb_build_object('cash_adjustment', pg_catalog.trim_scale(v_cash_diff)::text);
end
$$;
comment on function private.adopt_broker_books is
  'Makes our books equal to what the broker last confirmed, with an adjustment entry and lots at the mark. Needs the words ADOPT PAPER or ADOPT LIVE.';
alter function private.adopt_broker_books owner to zoe_engine;
