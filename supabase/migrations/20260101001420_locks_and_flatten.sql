-- What follows from the book: locks that free themselves, the kill switch that sells, and whether a tick has work.

grant delete on public.trade_locks to zoe_engine;

create function private.free_flat_lock(p_mode text, p_symbol text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  delete from public.trade_locks as l
  where l.mode = p_mode and l.symbol = p_symbol
    and not private.is_held(p_mode, p_symbol)
    and not exists (
      select from public.crypto_orders as o
      where o.mode = p_mode and o.symbol = p_symbol
        and (o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending') or o.unresolved)
    );
end
$$;
comment on function private.free_flat_lock is 'Frees a symbol when nothing is held, live or unresolved there.';
alter function private.free_flat_lock owner to zoe_engine;

create function private.free_lock_after_sale() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.free_flat_lock(new.mode, new.symbol);
  return null;
end
$$;
comment on function private.free_lock_after_sale is 'A sold position or a finished sell may leave its symbol flat.';
alter function private.free_lock_after_sale owner to zoe_engine;

create trigger crypto_orders__free_lock after update on public.crypto_orders
for each row when (
  new.side = 'sell' and new.status in ('filled', 'canceled', 'expired', 'rejected')
  and (old.status <> new.status or old.unresolved <> new.unresolved)
) execute function private.free_lock_after_sale();
create trigger positions__free_lock after update on public.positions
for each row when (new.qty < old.qty) execute function private.free_lock_after_sale();
alter table public.crypto_orders enable always trigger crypto_orders__free_lock;
alter table public.positions enable always trigger positions__free_lock;

create function private.flatten_candidates() returns table (mode text, symbol text, qty numeric, price numeric)
language plpgsql stable security definer set search_path = ''
as $$
begin
  if not (private.knob_boolean('kill_switch') and private.knob_boolean('KILL_SWITCH_FLATTEN')) then return; end if;
  return query
  select p.mode, p.symbol, w.qty, w.price
  from public.positions as p
  join public.quotes as q on q.symbol = p.symbol
  join public.instruments as n on n.symbol = p.symbol
  cross join lateral (
    select c.qty,
      -- As low as a stop-loss goes, but no lower than the broker lets such a quantity be sold.
      greatest(
        private.stop_loss_price(q.bid, n.price_increment), private.least_multiple(n.min_notional, nullif(c.qty, 0), n.price_increment)
      ) as price
    from (select least(p.qty, private.confirmed_qty(p.mode, p.symbol)) as qty) as c
  ) as w
  where p.qty > 0 and not private.dust(p.mode, p.symbol, w.qty)
    and private.check_state_guards(p.mode, 'manual', 'flatten') is null
    -- A sale that the broker refused goes on by itself, with back-off.
    and not exists (
      select from public.order_intents as i
      where i.mode = p.mode and i.symbol = p.symbol and i.status = 'active' and i.purpose = 'flatten'
    )
    and not exists (
      select from public.crypto_orders as b
      where b.mode = p.mode and b.side = 'buy'
        and (b.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending') or b.unresolved)
    )
    and not exists (
      select from public.crypto_orders as o
      where o.mode = p.mode and o.symbol = p.symbol
        and (o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending') or o.unresolved)
    )
  order by p.mode, p.symbol;
end
$$;
comment on function private.flatten_candidates is
  'What a kill with KILL_SWITCH_FLATTEN sells now: held (while degraded: and confirmed), nothing on its way there, every entry of the mode canceled, and no denial to expect.';
alter function private.flatten_candidates owner to zoe_engine;

create function private.flatten_when_quiet() returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_intent jsonb;
  v_count integer := 0;
begin
  for v_intent in
    select pg_catalog.jsonb_build_object(
      'engine', 'manual', 'mode', f.mode, 'symbol', f.symbol, 'side', 'sell', 'purpose', 'flatten', 'qty', f.qty::text,
      'limit_price', f.price::text, 'reason', 'kill switch', 'metadata', '{"urgency": "stop_loss"}'::jsonb
    )
    from private.flatten_candidates() as f
  loop
    v_intent := private.submit_intent(v_intent || pg_catalog.jsonb_build_object('idempotency_key', pg_catalog.format(
      'flatten:%s:%s:%s:%s', v_intent ->> 'mode', v_intent ->> 'symbol', pg_catalog.md5(v_intent::text), (
        select count(*) from public.order_intents as i
        where i.mode = v_intent ->> 'mode' and i.symbol = v_intent ->> 'symbol' and i.purpose = 'flatten' and i.status <> 'denied'
      )
    )));
    v_count := v_count + (v_intent ->> 'status' = 'accepted')::integer;
  end loop;
  return v_count;
end
$$;
comment on function private.flatten_when_quiet is 'Submits the sells of a kill with KILL_SWITCH_FLATTEN once everything else is canceled; returns how many.';
alter function private.flatten_when_quiet owner to zoe_engine;

create function private.work_is_due() returns boolean
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  -- Ordered, so that the index of timers is read and never the table.
  perform from public.crypto_orders as o
  where o.next_action_at <= v_now and (o.lease_expires_at is null or o.lease_expires_at <= v_now)
  order by o.next_action_at limit 1;
  if found then return true; end if;
  if exists (select from private.orphan_intents()) then return true; end if;
  return exists (select from private.flatten_candidates());
end
$$;
comment on function private.work_is_due is
  'Whether the reposition tick has something to do: an order due, an active intent without one, or a position to flatten.';
grant execute on function private.work_is_due to service_role;
alter function private.work_is_due owner to zoe_engine;
