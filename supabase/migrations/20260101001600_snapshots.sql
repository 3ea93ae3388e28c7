-- History for the dashboard: what cash and holdings were worth, and what the day made. All derived.

create function private.mark_price(p_symbol text) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (select pg_catalog.trim_scale(pg_catalog.round((q.bid + q.ask) / 2, 12)) from public.quotes as q where q.symbol = p_symbol);
end
$$;
comment on function private.mark_price is 'The middle of the last good quote; null when there was never one.';
alter function private.mark_price owner to zoe_engine;

create function private.value_book(p_mode text)
returns table (cash numeric, free_cash numeric, value numeric, equity numeric, unrealized_pnl numeric, holdings jsonb)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select a.cash, private.free_cash(a), h.value, a.cash + h.value, h.value - h.cost, h.holdings
    from public.accounts as a,
      lateral (
        select private.cash_amount(coalesce(pg_catalog.sum(p.qty * coalesce(private.mark_price(p.symbol), p.average_price)), 0)) as value,
          coalesce(pg_catalog.sum(p.cost_basis), 0) as cost,
          coalesce(pg_catalog.jsonb_object_agg(p.symbol, pg_catalog.trim_scale(p.qty)::text), '{}') as holdings
        from public.positions as p where p.mode = a.mode and p.qty > 0
      ) as h
    where a.mode = p_mode;
end
$$;
comment on function private.value_book is 'Cash, cash that nothing holds back, holdings at mid, equity (cash + holdings, so that reserved cash is no loss) and unrealized P&L of a mode.';
alter function private.value_book owner to zoe_engine;

create function private.move_high_water(p_mode text, p_amount numeric) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update public.accounts as a set equity_high_water = greatest(a.equity_high_water + p_amount, 0) where a.mode = p_mode;
end
$$;
comment on function private.move_high_water is 'Moves the high-water mark with money from or to outside, so that it shows as neither record nor drawdown.';
alter function private.move_high_water owner to zoe_engine;

create function private.take_snapshots(p_mode text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_book record;
begin
  if not exists (select from public.accounts as a where a.mode = p_mode and a.opened_at is not null) then return; end if;
  select * into v_book from private.value_book(p_mode);
  insert into public.crypto_cash_snapshots (mode, cash_available, buying_power, equity, source)
  select p_mode, v_book.cash, v_book.free_cash, v_book.equity, 'ledger'
  where (v_book.cash, v_book.free_cash, v_book.equity) is distinct from (
    select row(s.cash_available, s.buying_power, s.equity) from public.crypto_cash_snapshots as s
    where s.mode = p_mode order by s.taken_at desc, s.id desc limit 1
  );
  insert into public.crypto_holdings_snapshots (mode, holdings, total_crypto_value)
  select p_mode, v_book.holdings, v_book.value
  where (v_book.holdings, v_book.value) is distinct from (
    select row(s.holdings, s.total_crypto_value) from public.crypto_holdings_snapshots as s
    where s.mode = p_mode order by s.taken_at desc, s.id desc limit 1
  );
  perform private.write_pnl(p_mode, v_book.equity, v_book.unrealized_pnl);
end
$$;
comment on function private.take_snapshots is
  'Writes cash, holdings and the day''s P&L of a mode after a reconciliation or a fill; what has not changed is not written again.';
alter function private.take_snapshots owner to zoe_engine;
