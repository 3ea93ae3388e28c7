-- What an execution moves in coins and cash.

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

create function private.book_cash(p_order public.crypto_orders, p_fill public.crypto_fills, p_reason text default null) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_amount numeric := private.cash_amount(p_fill.qty * p_fill.price);
  v_paid numeric := case p_fill.side when 'buy' then -v_amount else v_amount end;
  -- A fee in coins is no cash: the position shrinks by it.
  v_fee numeric := case when p_fill.fee_qty = 0 then p_fill.fee else 0 end;
begin
  insert into public.cash_ledger (mode, kind, amount, fill_id, reason, actor, occurred_at)
  select p_fill.mode, e.kind, e.amount, p_fill.id, p_reason, private.actor(), p_fill.executed_at
  from (values ('fill', v_paid), ('fee', -v_fee)) as e (kind, amount)
  where e.amount <> 0;
  update public.accounts as a
  set cash = a.cash + v_paid - v_fee,
      day_notional = greatest(a.day_notional + case
        when p_order.purpose = 'entry' and private.day_of(greatest(p_fill.executed_at, p_order.requested_at)) = a.day then v_amount else 0
      end, 0),
      version = a.version + 1, updated_at = private.clock()
  where a.mode = p_fill.mode;
end
$$;
comment on function private.book_cash is 'Books what a fill moved in cash: ledger, account, and what entries used up of the day''s limit.';
alter function private.book_cash owner to zoe_engine;
