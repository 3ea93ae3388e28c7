-- Fills into money: lots, closures, positions, ledger and cash, in the transaction that learns of the fill.

create function private.fee_share(p_fee numeric, p_part numeric, p_whole numeric) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return case when p_part = p_whole then p_fee else pg_catalog.round(p_fee * p_part / p_whole, 8) end;
end
$$;
comment on function private.fee_share is
  'The part of a fee that belongs to p_part of p_whole, to eight places; the last part takes the rest, so that the parts add up.';
alter function private.fee_share owner to zoe_engine;

create function private.positive_or_null(p_text text) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return case
    when pg_catalog.pg_input_is_valid(p_text, 'numeric') and p_text::numeric > 0 and p_text::numeric < 'Infinity' then p_text::numeric
  end;
end
$$;
comment on function private.positive_or_null is 'Reads a positive finite amount; anything else is null. A fill must be booked whatever its intent''s metadata say.';
alter function private.positive_or_null owner to zoe_engine;

create function private.close_lots(p_fill public.crypto_fills, p_qty numeric, p_fee numeric, out left_qty numeric, out left_fee numeric)
language plpgsql security definer set search_path = ''
as $$
declare
  v_lot public.position_lots;
  v_qty numeric;
  v_buy_fee numeric;
  v_sell_fee numeric;
  v_closed_at timestamptz;
begin
  left_qty := p_qty;
  left_fee := p_fee;
  for v_lot in
    select * from public.position_lots as l
    where l.mode = p_fill.mode and l.symbol = p_fill.symbol and l.remaining_qty > 0
    order by l.id
  loop
    exit when left_qty = 0;
    v_qty := least(left_qty, v_lot.remaining_qty);
    v_sell_fee := private.fee_share(left_fee, v_qty, left_qty);
    v_buy_fee := private.fee_share(v_lot.remaining_fee, v_qty, v_lot.remaining_qty);
    v_closed_at := greatest(p_fill.executed_at, v_lot.opened_at);
    insert into public.lot_closures (lot_id, fill_id, revision, mode, symbol, qty, cost, proceeds, fees, buy_fee, realized_pnl, closed_at)
    values (
      v_lot.id, p_fill.id, (select pg_catalog.count(*) from public.lot_closures as c where c.lot_id = v_lot.id and c.fill_id = p_fill.id),
      p_fill.mode, p_fill.symbol, v_qty, v_qty * v_lot.price, v_qty * p_fill.price, v_buy_fee + v_sell_fee, v_buy_fee,
      v_qty * p_fill.price - v_qty * v_lot.price - (v_buy_fee + v_sell_fee), v_closed_at
    );
    update public.position_lots as l
    set remaining_qty = l.remaining_qty - v_qty, remaining_fee = l.remaining_fee - v_buy_fee,
        closed_at = case when l.remaining_qty = v_qty then v_closed_at end
    where l.id = v_lot.id;
    left_qty := left_qty - v_qty;
    left_fee := left_fee - v_sell_fee;
  end loop;
end
$$;
comment on function private.close_lots is
  'Eats lots first in, first out with (the rest of) a sell. Returns what the sell took beyond what is held, and the fee of that part.';
alter function private.close_lots owner to zoe_engine;

create function private.cover_sells(p_mode text, p_symbol text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_fill public.crypto_fills;
  v_sell record;
  v_left record;
begin
  for v_sell in
    select u.fill_id, u.qty, u.fee from private.uncovered_sells as u join public.crypto_fills as f on f.id = u.fill_id
    where u.mode = p_mode and u.symbol = p_symbol and u.qty > 0
    order by f.seq
  loop
    select * into v_fill from public.crypto_fills as f where f.id = v_sell.fill_id;
    -- As it is booked now: the sell may have been corrected since.
    v_fill.price := (
      select e.price from private.executions as e where e.mode = p_mode and e.symbol = p_symbol and e.fill_id = v_fill.fill_id
    );
    select * into v_left from private.close_lots(v_fill, v_sell.qty, v_sell.fee);
    delete from private.uncovered_sells as u where u.fill_id = v_sell.fill_id and v_left.left_qty + u.given_up_qty = 0;
    update private.uncovered_sells as u set qty = v_left.left_qty, fee = v_left.left_fee where u.fill_id = v_sell.fill_id;
  end loop;
end
$$;
comment on function private.cover_sells is 'Lets sells that were booked before their buy''s fill was told eat the lot it has just opened.';
alter function private.cover_sells owner to zoe_engine;

create function private.refresh_position(p_mode text, p_symbol text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update public.positions as p
  set qty = held.qty, cost_basis = held.cost, version = p.version + 1,
      average_price = pg_catalog.trim_scale(pg_catalog.round(held.cost / nullif(held.qty, 0), 10)), updated_at = private.clock(),
      engine = case when held.qty > 0 then p.engine end, strategy = case when held.qty > 0 then p.strategy end,
      opened_at = case when held.qty > 0 then p.opened_at end, entry_price = case when held.qty > 0 then p.entry_price end,
      high_water = case when held.qty > 0 then p.high_water end, stop_price = case when held.qty > 0 then p.stop_price end,
      target_price = case when held.qty > 0 then p.target_price end, exit_by = case when held.qty > 0 then p.exit_by end,
      opening_lot = case when held.qty > 0 then p.opening_lot end, trail_armed = p.trail_armed and held.qty > 0
  from (
    select pg_catalog.trim_scale(coalesce(pg_catalog.sum(l.remaining_qty), 0)) as qty,
      pg_catalog.trim_scale(coalesce(pg_catalog.sum(l.remaining_qty * l.price), 0)) as cost
    from public.position_lots as l
    where l.mode = p_mode and l.symbol = p_symbol and l.remaining_qty > 0
  ) as held
  where p.mode = p_mode and p.symbol = p_symbol;
end
$$;
comment on function private.refresh_position is 'Derives a position''s quantity and cost from its lots; the exit state goes when nothing is held.';
alter function private.refresh_position owner to zoe_engine;

create function private.take_exit_state(p_fill public.crypto_fills, p_lot_id bigint) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_intent public.order_intents;
begin
  select i.* into v_intent from public.crypto_orders as o join public.order_intents as i on i.id = o.intent_group_id
  where o.id = p_fill.order_id;
  update public.positions as p
  set engine = v_intent.engine, strategy = v_intent.strategy, opened_at = p_fill.executed_at, opening_lot = p_lot_id,
      high_water = p_fill.price, stop_price = private.positive_or_null(v_intent.metadata ->> 'stop_price'),
      target_price = private.positive_or_null(v_intent.metadata ->> 'target_price'),
      exit_by = case
        when pg_catalog.pg_input_is_valid(v_intent.metadata ->> 'exit_by', 'timestamptz') then (v_intent.metadata ->> 'exit_by')::timestamptz
      end,
      trail_armed = false
  where p.mode = p_fill.mode and p.symbol = p_fill.symbol;
end
$$;
comment on function private.take_exit_state is 'Gives a position the engine, strategy and exit state of the intent behind the fill that opened it.';
alter function private.take_exit_state owner to zoe_engine;

create function private.refresh_entry_price(p_mode text, p_symbol text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update public.positions as p
  set entry_price = coalesce((
    select pg_catalog.trim_scale(pg_catalog.round(pg_catalog.sum(l.remaining_qty * l.price) / pg_catalog.sum(l.remaining_qty), 10))
    from public.position_lots as l
    where l.mode = p_mode and l.symbol = p_symbol and l.remaining_qty > 0 and l.id >= coalesce(p.opening_lot, 0)
  ), p.entry_price)
  where p.mode = p_mode and p.symbol = p_symbol;
end
$$;
comment on function private.refresh_entry_price is
  'What a position is judged by: the average price of its lots. Dust of the position before has a cost, but nobody judges this one by it.';
alter function private.refresh_entry_price owner to zoe_engine;

create function private.add_to_position(p_order public.crypto_orders, p_fill public.crypto_fills) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_is_opening boolean;
  v_lot_id bigint;
begin
  insert into public.positions (mode, symbol) values (p_fill.mode, p_fill.symbol) on conflict do nothing;
  v_is_opening := private.opens_anew(p_order, p_fill);
  insert into public.position_lots (mode, symbol, fill_id, qty, remaining_qty, price, fee, remaining_fee, opened_at)
  values (
    p_fill.mode, p_fill.symbol, p_fill.id, private.held_change(p_fill), private.held_change(p_fill), p_fill.price, p_fill.fee, p_fill.fee,
    p_fill.executed_at
  )
  returning id into v_lot_id;
  if v_is_opening then
    perform private.end_overtaken_exits(p_fill.mode, p_fill.symbol);
    perform private.take_exit_state(p_fill, v_lot_id);
  end if;
  perform private.refresh_position(p_fill.mode, p_fill.symbol);
  perform private.refresh_entry_price(p_fill.mode, p_fill.symbol);
end
$$;
comment on function private.add_to_position is
  'Opens a lot. The fill that opens a position (dust is none) takes engine, strategy and exit state from its intent; the entry price is that of all bought since.';
alter function private.add_to_position owner to zoe_engine;

create function private.cash_amount(p_amount numeric) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return pg_catalog.trim_scale(pg_catalog.round(p_amount, 18));
end
$$;
comment on function private.cash_amount is 'Cash to eighteen places, whatever precision a broker''s prices have.';
alter function private.cash_amount owner to zoe_engine;

create function private.book_fill(
  p_order public.crypto_orders, p_fill_id text, p_qty numeric, p_price numeric, p_fee numeric, p_executed_at timestamptz, p_late boolean,
  p_fee_qty numeric default 0
) returns numeric
language plpgsql security definer set search_path = ''
as $$
declare
  v_fill public.crypto_fills;
  v_left record;
  v_excess numeric := 0;
begin
  insert into public.crypto_fills (order_id, mode, fill_id, symbol, side, qty, price, fee, fee_currency, fee_qty, late, executed_at)
  values (
    p_order.id, p_order.mode, p_fill_id, p_order.symbol, p_order.side, pg_catalog.trim_scale(p_qty), pg_catalog.trim_scale(p_price),
    private.cash_amount(p_fee), case when p_fee_qty = 0 then 'USD' else private.base_currency(p_order.symbol) end,
    pg_catalog.trim_scale(p_fee_qty), p_late, p_executed_at
  )
  on conflict (mode, symbol, fill_id, revision) do nothing
  returning * into v_fill;
  if v_fill.id is null then return null; end if;
  perform private.book_cash(p_order, v_fill);
  if p_order.side = 'buy' then
    perform private.add_to_position(p_order, v_fill);
    perform private.cover_sells(v_fill.mode, v_fill.symbol);
  else
    insert into public.positions (mode, symbol) values (v_fill.mode, v_fill.symbol) on conflict do nothing;
    select * into v_left from private.close_lots(v_fill, -private.held_change(v_fill), v_fill.fee);
    v_excess := v_left.left_qty;
    if v_excess > 0 then
      insert into private.uncovered_sells (fill_id, mode, symbol, qty, fee)
      values (v_fill.id, v_fill.mode, v_fill.symbol, v_excess, v_left.left_fee);
    end if;
  end if;
  perform private.refresh_position(v_fill.mode, v_fill.symbol);
  update public.positions as p
  set fees = p.fees + v_fill.fee,
      realized_pnl = p.realized_pnl
        + coalesce((
          select pg_catalog.sum(c.realized_pnl) from public.lot_closures as c
          where c.fill_id = v_fill.id or c.lot_id = (select l.id from public.position_lots as l where l.fill_id = v_fill.id)
        ), 0)
  where p.mode = v_fill.mode and p.symbol = v_fill.symbol;
  return v_excess;
end
$$;
comment on function private.book_fill is
  'Books one execution under the account''s lock; p_fee is in USD, p_fee_qty what was taken of it in coins. Null: it was booked already. Otherwise what a sell took beyond what is held, usually 0.';
alter function private.book_fill owner to zoe_engine;
