-- What an execution moves in coins and cash; and a fee that is told after it was booked, as if it had been told at once.

create function private.held_change(p_fill public.crypto_fills) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return case p_fill.side when 'buy' then p_fill.qty - p_fill.fee_qty else -(p_fill.qty + p_fill.fee_qty) end;
end
$$;
comment on function private.held_change is
  'By how much a fill changes what is held: a fee in coins makes a buy bring that much less, and a sell take that much more.';
alter function private.held_change owner to zoe_engine;

create function private.base_currency(p_symbol text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return pg_catalog.split_part(p_symbol, '-', 1);
end
$$;
comment on function private.base_currency is 'The coin of a symbol: BTC of BTC-USD.';
alter function private.base_currency owner to zoe_engine;

create function private.book_cash(p_order public.crypto_orders, p_fill public.crypto_fills) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_amount numeric := private.cash_amount(p_fill.qty * p_fill.price);
  v_paid numeric := case p_fill.side when 'buy' then -v_amount else v_amount end;
  -- A fee in coins is no cash: the position shrinks by it.
  v_fee numeric := case when p_fill.fee_qty = 0 then p_fill.fee else 0 end;
begin
  insert into public.cash_ledger (mode, kind, amount, fill_id, actor, occurred_at)
  select p_fill.mode, e.kind, e.amount, p_fill.id, private.actor(), p_fill.executed_at
  from (values ('fill', v_paid), ('fee', -v_fee)) as e (kind, amount)
  where e.amount <> 0;
  update public.accounts as a
  set cash = a.cash + v_paid - v_fee,
      day_notional = a.day_notional + case
        when p_order.purpose = 'entry' and (greatest(p_fill.executed_at, p_order.requested_at) at time zone 'utc')::date >= a.day then v_amount
        else 0
      end,
      version = a.version + 1, updated_at = private.clock()
  where a.mode = p_fill.mode;
end
$$;
comment on function private.book_cash is 'Books what a fill moved in cash: ledger, account, and what entries used up of the day''s limit.';
alter function private.book_cash owner to zoe_engine;

create function private.reshare_buy_fee(p_fill_id uuid, p_more numeric) returns numeric
language plpgsql security definer set search_path = ''
as $$
declare
  v_lot public.position_lots;
  v_closure record;
  v_was_left numeric;
  v_is_left numeric;
  v_qty_left numeric;
  v_was numeric;
  v_is numeric;
  v_change numeric := 0;
begin
  select * into strict v_lot from public.position_lots as l where l.fill_id = p_fill_id;
  v_was_left := v_lot.fee;
  v_is_left := v_lot.fee + p_more;
  v_qty_left := v_lot.qty;
  for v_closure in select c.id, c.qty from public.lot_closures as c where c.lot_id = v_lot.id order by c.id loop
    v_was := private.fee_share(v_was_left, v_closure.qty, v_qty_left);
    v_is := private.fee_share(v_is_left, v_closure.qty, v_qty_left);
    update public.lot_closures as c set fees = c.fees + v_is - v_was, realized_pnl = c.realized_pnl - (v_is - v_was) where c.id = v_closure.id;
    v_change := v_change - (v_is - v_was);
    v_was_left := v_was_left - v_was;
    v_is_left := v_is_left - v_is;
    v_qty_left := v_qty_left - v_closure.qty;
  end loop;
  update public.position_lots as l
  set fee = l.fee + p_more, remaining_fee = l.remaining_fee + v_is_left - v_was_left
  where l.id = v_lot.id;
  return v_change;
end
$$;
comment on function private.reshare_buy_fee is
  'Spreads more of a buy''s fee over what was sold of its lot and what is left of it, as close_lots would have. Returns the change of the realized P&L.';
alter function private.reshare_buy_fee owner to zoe_engine;

create function private.reshare_sell_fee(p_fill public.crypto_fills, p_told numeric, p_more numeric) returns numeric
language plpgsql security definer set search_path = ''
as $$
declare
  v_closure record;
  v_was_left numeric := p_told;
  v_is_left numeric := p_told + p_more;
  v_qty_left numeric := -private.held_change(p_fill);
  v_was numeric;
  v_is numeric;
  v_change numeric := 0;
begin
  for v_closure in select c.id, c.qty from public.lot_closures as c where c.fill_id = p_fill.id order by c.id loop
    v_was := private.fee_share(v_was_left, v_closure.qty, v_qty_left);
    v_is := private.fee_share(v_is_left, v_closure.qty, v_qty_left);
    update public.lot_closures as c set fees = c.fees + v_is - v_was, realized_pnl = c.realized_pnl - (v_is - v_was) where c.id = v_closure.id;
    v_change := v_change - (v_is - v_was);
    v_was_left := v_was_left - v_was;
    v_is_left := v_is_left - v_is;
    v_qty_left := v_qty_left - v_closure.qty;
  end loop;
  update private.uncovered_sells as u set fee = u.fee + v_is_left - v_was_left where u.fill_id = p_fill.id;
  return v_change;
end
$$;
comment on function private.reshare_sell_fee is
  'Spreads more of a sell''s fee, of which p_told was told before, over the lots it ate and what is not covered yet. Returns the change of the realized P&L.';
alter function private.reshare_sell_fee owner to zoe_engine;

create function private.book_coin_fee(p_fee public.crypto_fills) returns numeric
language plpgsql security definer set search_path = ''
as $$
declare
  v_left record;
begin
  select * into v_left from private.close_lots(p_fee, p_fee.fee_qty, p_fee.fee);
  if v_left.left_qty > 0 then
    insert into private.uncovered_sells (fill_id, mode, symbol, qty, fee)
    values (p_fee.id, p_fee.mode, p_fee.symbol, v_left.left_qty, v_left.left_fee);
  end if;
  return coalesce((select pg_catalog.sum(c.realized_pnl) from public.lot_closures as c where c.fill_id = p_fee.id), 0);
end
$$;
comment on function private.book_coin_fee is
  'A fee in coins that is told late eats lots as a sell that paid for nothing but itself would. Returns the realized P&L.';
alter function private.book_coin_fee owner to zoe_engine;

create function private.book_late_fee(p_order public.crypto_orders, p_fill_id text, p_fee numeric, p_fee_qty numeric) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_fill public.crypto_fills;
  v_fee public.crypto_fills;
  v_told numeric;
  v_change numeric;
begin
  -- The newest execution that stands under this id: a correction may have booked it anew.
  select * into strict v_fill from public.crypto_fills as f
  where f.mode = p_order.mode and f.symbol = p_order.symbol and f.fill_id = p_fill_id and f.qty > 0 order by f.revision desc limit 1;
  select coalesce(pg_catalog.sum(f.fee), 0) into v_told from public.crypto_fills as f
  where f.mode = v_fill.mode and f.symbol = v_fill.symbol and f.fill_id = p_fill_id
    and f.revision >= v_fill.revision and (f.id = v_fill.id or f.qty = 0 and f.fee_qty = 0);
  insert into public.crypto_fills (
    order_id, mode, fill_id, symbol, side, revision, qty, price, fee, fee_currency, fee_qty, late, executed_at
  )
  select p_order.id, v_fill.mode, p_fill_id, v_fill.symbol, v_fill.side, pg_catalog.max(f.revision) + 1, 0, v_fill.price,
    private.cash_amount(p_fee), case when p_fee_qty = 0 then 'USD' else private.base_currency(v_fill.symbol) end,
    pg_catalog.trim_scale(p_fee_qty), private.phase(p_order.status) = 'closed', v_fill.executed_at
  from public.crypto_fills as f where f.mode = v_fill.mode and f.symbol = v_fill.symbol and f.fill_id = p_fill_id
  returning * into v_fee;
  perform private.book_cash(p_order, v_fee);
  v_change := case
    when p_fee_qty <> 0 then private.book_coin_fee(v_fee)
    when v_fill.side = 'buy' then private.reshare_buy_fee(v_fill.id, v_fee.fee)
    else private.reshare_sell_fee(v_fill, v_told, v_fee.fee)
  end;
  perform private.refresh_position(v_fill.mode, v_fill.symbol);
  update public.positions as p set fees = p.fees + v_fee.fee, realized_pnl = p.realized_pnl + v_change
  where p.mode = v_fill.mode and p.symbol = v_fill.symbol;
  perform private.note_order(p_order, 'fee_told_late', pg_catalog.format('%s more for fill %s', private.amount_text(v_fee.fee), p_fill_id));
end
$$;
comment on function private.book_late_fee is
  'Books a fee that is told after its execution: another revision of it with quantity 0, and in lots, closures and position as if it had been told at once.';
alter function private.book_late_fee owner to zoe_engine;
