-- An exit that the broker acknowledged and no longer knows: when it is taken for gone, so that a stop can sell again.

create function private.is_listed(p_order public.crypto_orders, p_open_orders jsonb) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return exists (
    select from pg_catalog.jsonb_array_elements(p_open_orders) as l
    where l.value ->> 'client_order_id' in (p_order.id::text, p_order.broker_order_id)
      or l.value ->> 'broker_order_id' = p_order.broker_order_id
  );
end
$$;
comment on function private.is_listed is 'Whether the broker lists an order of ours as open, by either id.';
grant execute on function private.is_listed to zoe_engine;

create function private.take_for_gone(o public.crypto_orders) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_told text := pg_catalog.format(
    'not found %s times since %s, and the broker''s books list no such order and still hold the coins', o.not_found_count, private.iso(o.not_found_since)
  );
begin
  perform private.note_order(o, 'taken_for_gone', v_told);
  -- A partial fill is given up on the way a cancel goes.
  update public.crypto_orders as c set status = 'cancel_pending', cancel_reason_code = 'vanished'
  where c.id = o.id and c.status = 'partially_filled';
  update public.crypto_orders as c
  set status = 'rejected', reject_reason = 'vanished', unresolved = false, closed_at = private.clock(), attempts = 0,
      not_found_count = 0, not_found_since = null, vanished_at = null,
      watch_until = private.clock() + private.knob_interval('LATE_FILL_WATCH_SECONDS'),
      next_action_at = private.clock() + interval '5 seconds', lease_owner = null, lease_token = null, lease_expires_at = null
  where c.id = o.id;
  perform private.open_alert(
    'vanished_order', o.id::text, o.mode, 'warning', 'An exit vanished at the broker',
    pg_catalog.format('%s %s %s: %s. What is held may be sold again.', o.symbol, o.side, o.id, v_told),
    'Compare with the broker''s own record. It is still asked about; a fill that is told late is booked and the new exit shrinks.', '{}', 1
  );
end
$$;
comment on function private.take_for_gone is
  'Closes a vanished exit as proven absent (rejected, vanished), so that it holds no coins back, and watches it for late fills. Its rest is ordered by the next tick, unless somebody wanted it gone; a report that it works brings it back.';
alter function private.take_for_gone owner to zoe_engine;

create function private.free_vanished(p_mode text, p_holdings jsonb, p_open_orders jsonb, p_observed_at timestamptz) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  -- What the venue lists is there, whatever its look-up says: the counting begins anew.
  update public.crypto_orders as o set not_found_count = 0, not_found_since = null, vanished_at = null
  where o.mode = p_mode and o.not_found_count > 0
    and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending') and private.is_listed(o, p_open_orders);
  perform private.take_for_gone(o)
  from public.crypto_orders as o
  where o.mode = p_mode and o.side = 'sell' and o.vanished_at <= p_observed_at
    and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
    -- Coins that are missing may have been sold by it.
    and not exists (
      select from private.compare_holdings(p_mode, p_holdings) as c
      where c.symbol = o.symbol and c.diff < -private.knob_number('RECONCILE_QTY_TOLERANCE')
    );
end
$$;
comment on function private.free_vanished is
  'Takes an acknowledged exit for gone after five "not found" over five minutes and whole books that were read after that, list it no more and still show every coin of its symbol.';
alter function private.free_vanished owner to zoe_engine;
