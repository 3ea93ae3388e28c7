-- A further revision of an execution that is booked; and a fee that is told late, as if it had been told at once.

create function private.revise_fill(p_fill public.crypto_fills, p_order public.crypto_orders, p_reason text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_fill public.crypto_fills;
begin
  insert into public.crypto_fills (
    order_id, mode, fill_id, symbol, side, revision, qty, price, fee, fee_currency, fee_qty, late, executed_at
  )
  select p_fill.order_id, p_fill.mode, p_fill.fill_id, p_fill.symbol, p_fill.side, pg_catalog.max(f.revision) + 1, p_fill.qty, p_fill.price,
    private.cash_amount(p_fill.fee), p_fill.fee_currency, p_fill.fee_qty, p_fill.late, p_fill.executed_at
  from public.crypto_fills as f where f.mode = p_fill.mode and f.symbol = p_fill.symbol and f.fill_id = p_fill.fill_id
  returning * into v_fill;
  perform private.book_cash(p_order, v_fill, p_reason);
  update public.positions as p set fees = p.fees + v_fill.fee where p.mode = v_fill.mode and p.symbol = v_fill.symbol;
end
$$;
comment on function private.revise_fill is 'Books one more revision of an execution: the row, the ledger, the account. Lots are folded anew afterwards.';
alter function private.revise_fill owner to zoe_engine;

create function private.book_late_fee(p_order public.crypto_orders, p_fill_id text, p_fee numeric, p_fee_qty numeric) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_fill public.crypto_fills;
begin
  -- The newest execution that stands under this id: a correction may have booked it anew.
  select * into strict v_fill from public.crypto_fills as f
  where f.mode = p_order.mode and f.symbol = p_order.symbol and f.fill_id = p_fill_id and f.qty > 0 order by f.revision desc limit 1;
  v_fill.qty := 0;
  v_fill.fee := p_fee;
  v_fill.fee_qty := pg_catalog.trim_scale(p_fee_qty);
  v_fill.fee_currency := case when p_fee_qty = 0 then 'USD' else private.base_currency(v_fill.symbol) end;
  v_fill.late := private.phase(p_order.status) = 'closed';
  perform private.revise_fill(v_fill, p_order, null);
  perform private.refold_lots(v_fill.mode, v_fill.symbol, (
    select pg_catalog.min(f.seq) from public.crypto_fills as f
    where f.mode = v_fill.mode and f.symbol = v_fill.symbol and f.fill_id = p_fill_id
  ));
  perform private.note_order(p_order, 'fee_told_late', pg_catalog.format('%s more for fill %s', private.amount_text(p_fee), p_fill_id));
end
$$;
comment on function private.book_late_fee is
  'Books a fee that is told after its execution: another revision of it with quantity 0, and in lots, closures and position as if it had been told at once.';
alter function private.book_late_fee owner to zoe_engine;
