-- Legal transitions, and the log that every change of an order writes.

create table private.order_transitions (
  from_status text not null,
  to_status text not null,
  primary key (from_status, to_status)
);
comment on table private.order_transitions is 'The twin of TRANSITIONS in shared/orders/status.ts; a test keeps them equal.';
alter table private.order_transitions enable row level security;
insert into private.order_transitions (from_status, to_status)
select t.from_status, s.to_status
from (values
  ('new', '{submitted,canceled}'),
  ('submitted', '{working,partially_filled,filled,cancel_pending,canceled,expired,rejected}'),
  ('working', '{partially_filled,filled,cancel_pending,canceled,expired,rejected}'),
  ('partially_filled', '{partially_filled,filled,cancel_pending,canceled,expired}'),
  ('cancel_pending', '{canceled,filled,expired,rejected,working,partially_filled}'),
  ('canceled', '{filled}'),
  ('expired', '{filled}'),
  ('rejected', '{filled,working,partially_filled}')
) as t (from_status, to_statuses)
cross join lateral pg_catalog.unnest(t.to_statuses::text[]) as s (to_status);
grant select on private.order_transitions to zoe_engine;

create function private.is_live(p_status text) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return p_status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending');
end
$$;
comment on function private.is_live is 'Whether an order of this status may still trade. Queries spell the list out, so that partial indexes serve them.';
grant execute on function private.is_live to authenticated, service_role, zoe_engine;

create function private.set_actor(p_actor text, p_trace_id text default null) returns void
language plpgsql set search_path = ''
as $$
begin
  perform pg_catalog.set_config('zoe.actor', p_actor, true);
  if p_trace_id is not null then perform pg_catalog.set_config('zoe.trace_id', p_trace_id, true); end if;
end
$$;
comment on function private.set_actor is 'Says who acts until this transaction ends; the log reads it. Engine functions call it before they write.';
grant execute on function private.set_actor to zoe_engine;

create function private.actor() returns text
language plpgsql stable set search_path = ''
as $$
begin
  return coalesce(nullif(pg_catalog.current_setting('zoe.actor', true), ''), 'sql:' || session_user);
end
$$;
comment on function private.actor is 'Who acts in this transaction.';
grant execute on function private.actor to authenticated, service_role, zoe_engine;

create function private.trace_id() returns text
language plpgsql stable set search_path = ''
as $$
begin
  return nullif(pg_catalog.current_setting('zoe.trace_id', true), '');
end
$$;
comment on function private.trace_id is 'The trace this transaction belongs to, or null.';
grant execute on function private.trace_id to authenticated, service_role, zoe_engine;

create function private.check_new_order() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if new.status <> 'new' or new.filled_qty <> 0 then
    raise exception 'An order begins as new and unfilled, not as %.', new.status using errcode = 'PT409';
  end if;
  return new;
end
$$;
comment on function private.check_new_order is 'Nothing enters the book but a new order.';

create function private.check_order_change() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if (new.id, new.intent_group_id, new.engine, new.mode, new.symbol, new.side, new.purpose, new.limit_price, new.requested_at)
      is distinct from
      (old.id, old.intent_group_id, old.engine, old.mode, old.symbol, old.side, old.purpose, old.limit_price, old.requested_at)
    or new.parent_order_id is distinct from old.parent_order_id
    or (new.qty <> old.qty and (old.status <> 'new' or new.qty > old.qty))
    or (new.broker_order_id is distinct from old.broker_order_id and old.broker_order_id is not null)
  then
    raise exception 'Order % can''t change what it is; only a new one can shrink.', old.id using errcode = 'PT409';
  end if;
  if new.filled_qty < old.filled_qty then
    raise exception 'Order % can''t be less filled than before (% -> %).', old.id, old.filled_qty, new.filled_qty using errcode = 'PT409';
  end if;
  if new.status <> old.status and (
    not exists (select from private.order_transitions as t where t.from_status = old.status and t.to_status = new.status)
    or (old.status = 'rejected' and new.status <> 'filled' and (old.reject_reason in ('never_reached_broker', 'vanished')) is not true)
  ) then
    raise exception 'Order % can''t go from % to %.', old.id, old.status, new.status using errcode = 'PT409';
  end if;
  new.version := old.version + 1;
  new.updated_at := private.clock();
  new.closed_at := case when not private.is_live(new.status) then coalesce(new.closed_at, new.updated_at) end;
  return new;
end
$$;
comment on function private.check_order_change is
  'Refuses what section 4 doesn''t allow: other transitions, another identity, a shrinking fill. Counts the version.';

create function private.log_new_orders() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.order_events (
    order_id, intent_group_id, mode, symbol, event_type, to_status, price, qty, filled_qty, remaining_qty, reason, actor, trace_id, ts
  )
  select
    n.id, n.intent_group_id, n.mode, n.symbol, 'created', n.status, n.limit_price, n.qty, n.filled_qty, n.remaining_qty,
    case when n.parent_order_id is null then n.purpose else 'replaces ' || n.parent_order_id end,
    private.actor(), coalesce(private.trace_id(), n.trace_id), n.updated_at
  from new_rows as n;
  update public.accounts as a
  set reserved_cash = pg_catalog.trim_scale(a.reserved_cash + d.amount), version = a.version + 1, updated_at = private.clock()
  from (
    select n.mode, coalesce(sum(n.remaining_qty * n.limit_price) filter (where n.side = 'buy'), 0) as amount
    from new_rows as n group by n.mode
  ) as d
  where a.mode = d.mode;
  return null;
end
$$;
comment on function private.log_new_orders is 'Logs orders as they are created, reserves the cash of buys, and counts the account''s version.';
alter function private.log_new_orders owner to zoe_engine;

create function private.log_order_changes() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.order_events (
    order_id, intent_group_id, mode, symbol, event_type, from_status, to_status, price, qty, filled_qty, remaining_qty, reason, actor,
    trace_id, ts
  )
  select
    n.id, n.intent_group_id, n.mode, n.symbol, e.event_type, o.status, n.status, coalesce(n.average_price, n.limit_price), n.qty,
    n.filled_qty, n.remaining_qty,
    case
      when n.status in ('canceled', 'cancel_pending', 'expired') then n.cancel_reason_code
      when n.status = 'rejected' then n.reject_reason
    end,
    private.actor(), coalesce(private.trace_id(), n.trace_id), n.updated_at
  from new_rows as n
  join old_rows as o using (id)
  cross join lateral (select case
    when o.status <> n.status then n.status
    when o.filled_qty <> n.filled_qty then 'fill'
    when o.cancel_reason_code is distinct from n.cancel_reason_code then 'cancel_reason'
    when o.replace_count <> n.replace_count then 'attempt'
    when o.qty <> n.qty then 'shrunk'
    when o.urgency <> n.urgency then 'escalated'
    when o.unresolved and not n.unresolved then 'resolved'
    when n.unresolved and not o.unresolved then 'unresolved'
  end as event_type) as e
  where e.event_type is not null
  order by n.requested_at, n.id;
  update public.accounts as a
  set reserved_cash = pg_catalog.trim_scale(a.reserved_cash + d.amount)
  from (
    select n.mode, sum(
      case when n.unresolved or n.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
        then n.remaining_qty * n.limit_price else 0 end
      - case when o.unresolved or o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
        then o.remaining_qty * o.limit_price else 0 end
    ) as amount
    from new_rows as n join old_rows as o using (id)
    where n.side = 'buy'
    group by n.mode
  ) as d
  where a.mode = d.mode and d.amount <> 0;
  return null;
end
$$;
comment on function private.log_order_changes is
  'Logs every transition, whoever makes it, and gives back or takes what a live or unresolved buy may spend (without fees).';
alter function private.log_order_changes owner to zoe_engine;

create trigger crypto_orders__check_new before insert on public.crypto_orders
for each row execute function private.check_new_order();
create trigger crypto_orders__check_update before update on public.crypto_orders
for each row execute function private.check_order_change();
create trigger crypto_orders__log_insert after insert on public.crypto_orders
referencing new table as new_rows for each statement execute function private.log_new_orders();
create trigger crypto_orders__log_update after update on public.crypto_orders
referencing new table as new_rows old table as old_rows for each statement execute function private.log_order_changes();
alter table public.crypto_orders enable always trigger crypto_orders__check_new;
alter table public.crypto_orders enable always trigger crypto_orders__check_update;
alter table public.crypto_orders enable always trigger crypto_orders__log_insert;
alter table public.crypto_orders enable always trigger crypto_orders__log_update;
