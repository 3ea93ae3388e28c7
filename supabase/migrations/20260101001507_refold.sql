-- Lots folded anew: what they would be had the executions been told as they are booked now. For corrections of what was told wrongly.

create view private.executions with (security_invoker = true) as
select f.mode, f.symbol, f.fill_id, f.order_id, f.side, pg_catalog.min(f.seq) as seq, pg_catalog.max(f.revision) as revision,
  pg_catalog.trim_scale(pg_catalog.sum(f.qty)) as qty,
  (pg_catalog.array_agg(f.price order by f.revision desc) filter (where f.qty > 0))[1] as price,
  pg_catalog.trim_scale(pg_catalog.sum(f.fee)) as fee, pg_catalog.sum(f.fee_qty) as fee_qty,
  pg_catalog.trim_scale(pg_catalog.sum(f.qty) + case f.side when 'buy' then -pg_catalog.sum(f.fee_qty) else pg_catalog.sum(f.fee_qty) end) as held_qty,
  pg_catalog.min(f.executed_at) as executed_at
from public.crypto_fills as f
group by f.mode, f.symbol, f.fill_id, f.order_id, f.side;
comment on view private.executions is
  'What is booked of each execution, all its revisions together. held_qty: the coins a buy brought, or a sell took, with a fee in coins.';
grant select on private.executions to zoe_engine;

create type private.lot_event as (kind text, at timestamptz, seq bigint, lot_id bigint, qty numeric);
comment on type private.lot_event is 'What opened or ate lots: buy, sell, adopted, given_up.';

create function private.lot_events(p_mode text, p_symbol text, p_seq bigint, p_at timestamptz) returns setof private.lot_event
language plpgsql stable security definer set search_path = ''
as $$
begin
  return query
    select e.kind, e.at, e.seq, e.lot_id, e.qty
    from (
      select f.side as kind, f.booked_at as at, f.seq, null::bigint as lot_id, null::numeric as qty
      from public.crypto_fills as f
      where f.mode = p_mode and f.symbol = p_symbol and f.revision = 0 and f.seq >= p_seq
      union all
      select 'adopted', l.opened_at, null, l.id, l.qty from public.position_lots as l
      where l.mode = p_mode and l.symbol = p_symbol and l.fill_id is null and l.opened_at >= p_at
      union all
      select 'given_up', c.closed_at, null, null, pg_catalog.sum(c.qty) from public.lot_closures as c
      where c.mode = p_mode and c.symbol = p_symbol and c.fill_id is null and c.closed_at >= p_at
      group by c.closed_at having pg_catalog.sum(c.qty) > 0
    ) as e
    order by e.at, e.seq nulls last, e.lot_id nulls last;
end
$$;
comment on function private.lot_events is 'What happened to a symbol''s lots from one execution on, in the order of booking; books are adopted after the fills of the same moment.';
alter function private.lot_events owner to zoe_engine;

create function private.take_back_closures(p_mode text, p_symbol text, p_seq bigint, p_at timestamptz) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.lot_closures (
    lot_id, fill_id, revision, mode, symbol, qty, cost, proceeds, fees, buy_fee, realized_pnl, closed_at
  )
  select c.lot_id, c.fill_id, pg_catalog.max(c.revision) + 1, p_mode, p_symbol, -pg_catalog.sum(c.qty), -pg_catalog.sum(c.cost),
    -pg_catalog.sum(c.proceeds), -pg_catalog.sum(c.fees), -pg_catalog.sum(c.buy_fee), -pg_catalog.sum(c.realized_pnl), c.closed_at
  from public.lot_closures as c
  join public.position_lots as l on l.id = c.lot_id
  left join public.crypto_fills as b on b.id = l.fill_id
  left join public.crypto_fills as s on s.id = c.fill_id
  where c.mode = p_mode and c.symbol = p_symbol
    and (b.seq >= p_seq or s.seq >= p_seq or b.id is null and l.opened_at >= p_at or s.id is null and c.closed_at >= p_at)
  group by c.lot_id, c.fill_id, c.closed_at
  having pg_catalog.sum(c.qty) <> 0 or pg_catalog.sum(c.fees) <> 0;
end
$$;
comment on function private.take_back_closures is 'Takes back, with negative rows of the same times, every closure that one execution or a later event made or made possible.';
alter function private.take_back_closures owner to zoe_engine;

create function private.rewind_lots(p_mode text, p_symbol text, p_seq bigint, p_at timestamptz) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update public.position_lots as l
  set remaining_qty = r.qty, remaining_fee = r.fee, closed_at = case when r.qty = 0 then coalesce(l.closed_at, l.opened_at) end
  from (
    select k.id, case when k.is_later then 0 else k.qty - k.closed end as qty, case when k.is_later then 0 else k.fee - k.used end as fee
    from (
      select o.id, o.qty, o.fee, b.seq >= p_seq or b.id is null and o.opened_at >= p_at as is_later,
        coalesce(c.closed, 0) as closed, coalesce(c.used, 0) as used
      from public.position_lots as o
      left join public.crypto_fills as b on b.id = o.fill_id
      left join lateral (
        select pg_catalog.sum(n.qty) as closed, pg_catalog.sum(n.buy_fee) as used from public.lot_closures as n where n.lot_id = o.id
      ) as c on true
      where o.mode = p_mode and o.symbol = p_symbol
    ) as k
  ) as r
  where l.id = r.id and (l.remaining_qty, l.remaining_fee) is distinct from (r.qty, r.fee);
end
$$;
comment on function private.rewind_lots is 'Puts a symbol''s lots back to what they were before an execution; those that were opened later are empty.';
alter function private.rewind_lots owner to zoe_engine;

create function private.rewind_uncovered(p_mode text, p_symbol text, p_seq bigint) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  delete from private.uncovered_sells as u where u.mode = p_mode and u.symbol = p_symbol and u.given_up_qty = 0;
  update private.uncovered_sells as u set qty = 0, fee = 0 where u.mode = p_mode and u.symbol = p_symbol;
  insert into private.uncovered_sells (fill_id, mode, symbol, qty, fee)
  select f.id, p_mode, p_symbol, e.held_qty - c.closed, e.fee - c.used
  from private.executions as e
  join public.crypto_fills as f on f.mode = e.mode and f.symbol = e.symbol and f.fill_id = e.fill_id and f.revision = 0
  left join private.uncovered_sells as u on u.fill_id = f.id,
    lateral (
      select coalesce(pg_catalog.sum(n.qty), 0) + coalesce(u.given_up_qty, 0) as closed,
        coalesce(pg_catalog.sum(n.fees - n.buy_fee), 0) + coalesce(u.given_up_fee, 0) as used
      from public.lot_closures as n where n.fill_id = f.id
    ) as c
  where e.mode = p_mode and e.symbol = p_symbol and e.side = 'sell' and e.seq < p_seq and e.held_qty > c.closed
  on conflict (fill_id) do update set qty = excluded.qty, fee = excluded.fee;
end
$$;
comment on function private.rewind_uncovered is 'Puts back what sells had taken beyond the lots before an execution; what was given up stays given up.';
alter function private.rewind_uncovered owner to zoe_engine;

create function private.replay_buy(p_fill public.crypto_fills, p_execution private.executions) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update public.position_lots as l
  set qty = p_execution.held_qty, remaining_qty = p_execution.held_qty, price = coalesce(p_execution.price, l.price),
      fee = p_execution.fee, remaining_fee = p_execution.fee,
      closed_at = case when p_execution.held_qty = 0 then l.opened_at end
  where l.fill_id = p_fill.id;
  perform private.cover_sells(p_fill.mode, p_fill.symbol);
end
$$;
comment on function private.replay_buy is 'Fills the lot of a buy anew, and lets sells that were booked before it eat it.';
alter function private.replay_buy owner to zoe_engine;

create function private.replay_sell(p_fill public.crypto_fills, p_execution private.executions) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_given_up record;
  v_left record;
begin
  delete from private.uncovered_sells as u where u.fill_id = p_fill.id and p_execution.held_qty = 0;
  update private.uncovered_sells as u
  set given_up_qty = least(u.given_up_qty, p_execution.held_qty), given_up_fee = least(u.given_up_fee, p_execution.fee)
  where u.fill_id = p_fill.id;
  select coalesce(pg_catalog.sum(u.given_up_qty), 0) as qty, coalesce(pg_catalog.sum(u.given_up_fee), 0) as fee into v_given_up
  from private.uncovered_sells as u where u.fill_id = p_fill.id;
  if p_execution.held_qty = v_given_up.qty then return; end if;
  p_fill.price := p_execution.price;
  select * into v_left from private.close_lots(p_fill, p_execution.held_qty - v_given_up.qty, p_execution.fee - v_given_up.fee);
  if v_left.left_qty > 0 then
    insert into private.uncovered_sells (fill_id, mode, symbol, qty, fee)
    values (p_fill.id, p_fill.mode, p_fill.symbol, v_left.left_qty, v_left.left_fee)
    on conflict (fill_id) do update set qty = excluded.qty, fee = excluded.fee;
  end if;
end
$$;
comment on function private.replay_sell is 'Lets a sell eat lots anew, but for what was given up of it when the broker''s books were adopted.';
alter function private.replay_sell owner to zoe_engine;

create function private.replay_lot_event(p_mode text, p_symbol text, p_event private.lot_event) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_fill public.crypto_fills;
  v_execution private.executions;
begin
  if p_event.kind = 'adopted' then
    update public.position_lots as l set remaining_qty = l.qty, remaining_fee = l.fee, closed_at = null where l.id = p_event.lot_id;
  elsif p_event.kind = 'given_up' then
    perform private.give_up_lots(p_mode, p_symbol, p_event.qty, p_event.at);
  else
    select * into v_fill from public.crypto_fills as f where f.seq = p_event.seq;
    select * into v_execution from private.executions as e
    where e.mode = p_mode and e.symbol = p_symbol and e.fill_id = v_fill.fill_id and e.order_id = v_fill.order_id;
    if p_event.kind = 'buy' then
      perform private.replay_buy(v_fill, v_execution);
      if v_execution.held_qty > 0 then perform private.refresh_entry_price(p_mode, p_symbol); end if;
    else
      perform private.replay_sell(v_fill, v_execution);
    end if;
  end if;
end
$$;
comment on function private.replay_lot_event is 'Lets one event happen to the lots again, with the figures that are booked now.';
alter function private.replay_lot_event owner to zoe_engine;

create function private.give_back_exit_state(p_mode text, p_symbol text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_lot_id bigint;
  v_fill public.crypto_fills;
begin
  if not exists (select from public.positions as p where p.mode = p_mode and p.symbol = p_symbol and p.qty > 0 and p.engine is null) then
    return;
  end if;
  v_lot_id := private.opening_lot_of(p_mode, p_symbol);
  select f.* into v_fill from public.position_lots as l join public.crypto_fills as f on f.id = l.fill_id where l.id = v_lot_id;
  perform private.take_exit_state(v_fill, v_lot_id);
  perform private.refresh_entry_price(p_mode, p_symbol);
  update public.positions as p
  set engine = coalesce(p.engine, 'manual'), opened_at = coalesce(p.opened_at, private.clock()),
      high_water = coalesce(p.high_water, p.average_price), entry_price = coalesce(p.entry_price, p.average_price)
  where p.mode = p_mode and p.symbol = p_symbol;
end
$$;
comment on function private.give_back_exit_state is
  'A position that was thought sold is held after all: engine, strategy, stop and target are again those of the order that bought it.';
alter function private.give_back_exit_state owner to zoe_engine;

create function private.refold_lots(p_mode text, p_symbol text, p_seq bigint) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_at timestamptz := (select f.booked_at from public.crypto_fills as f where f.seq = p_seq);
  v_events private.lot_event[] := array(select e from private.lot_events(p_mode, p_symbol, p_seq, v_at) as e);
  v_event private.lot_event;
  v_last_closure bigint := (select pg_catalog.max(c.id) from public.lot_closures as c);
begin
  perform private.take_back_closures(p_mode, p_symbol, p_seq, v_at);
  perform private.rewind_lots(p_mode, p_symbol, p_seq, v_at);
  perform private.rewind_uncovered(p_mode, p_symbol, p_seq);
  foreach v_event in array v_events loop
    perform private.replay_lot_event(p_mode, p_symbol, v_event);
  end loop;
  perform private.refresh_position(p_mode, p_symbol);
  perform private.give_back_exit_state(p_mode, p_symbol);
  update public.positions as p
  set realized_pnl = p.realized_pnl + coalesce((
    select pg_catalog.sum(c.realized_pnl) from public.lot_closures as c
    where c.id > coalesce(v_last_closure, 0) and c.mode = p_mode and c.symbol = p_symbol
  ), 0)
  where p.mode = p_mode and p.symbol = p_symbol;
end
$$;
comment on function private.refold_lots is
  'Brings lots, closures, uncovered sells and position of a symbol to what they would be had the executions from seq on been told as they are booked now. Closures are never changed: they are taken back and written anew.';
alter function private.refold_lots owner to zoe_engine;
