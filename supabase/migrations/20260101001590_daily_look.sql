-- A look each day at closed orders that nobody ever proved: what was lost may have been filled after all.

create index crypto_orders_unproven on public.crypto_orders (closed_at)
  where status in ('canceled', 'expired', 'rejected') and next_action_at is null
    and (reject_reason = 'never_reached_broker' or not_found_at is not null or settled_at is not null);

create function private.look_daily() returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_count integer;
begin
  update public.crypto_orders as o set next_action_at = v_now
  where o.status in ('canceled', 'expired', 'rejected') and o.next_action_at is null
    and (o.reject_reason = 'never_reached_broker' or o.not_found_at is not null or o.settled_at is not null)
    and o.closed_at > v_now - interval '7 days'
    and greatest(o.closed_at, o.watch_until, o.reported_at, o.not_found_at, o.settled_at) < v_now - interval '1 day';
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function private.look_daily is
  'Has each closed order of the last seven days asked about once a day that the broker did not find in the end, or that a person settled. Returns how many.';
alter function private.look_daily owner to zoe_engine;
