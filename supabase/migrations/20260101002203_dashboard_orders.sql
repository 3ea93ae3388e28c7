-- Orders and their stories, as the dashboard reads them.

create function private.order_row(p_order public.crypto_orders, p_intent public.order_intents) returns jsonb
language sql stable set search_path = ''
return pg_catalog.jsonb_build_object(
  'id', (p_order).id, 'intent_group_id', (p_order).intent_group_id, 'parent_order_id', (p_order).parent_order_id,
  'broker_order_id', (p_order).broker_order_id, 'engine', (p_order).engine, 'symbol', (p_order).symbol, 'side', (p_order).side,
  'purpose', (p_order).purpose, 'urgency', (p_order).urgency, 'status', (p_order).status, 'unresolved', (p_order).unresolved,
  'qty', private.amount_text((p_order).qty), 'filled_qty', private.amount_text((p_order).filled_qty),
  'remaining_qty', private.amount_text((p_order).remaining_qty), 'limit_price', private.amount_text((p_order).limit_price),
  'average_price', private.amount_text((p_order).average_price), 'fee', private.amount_text((p_order).fee),
  'notional', private.amount_text(pg_catalog.round((p_order).qty * (p_order).limit_price, 8)),
  'replace_count', (p_order).replace_count, 'cancel_reason_code', (p_order).cancel_reason_code,
  'cancel_requested_by', (p_order).cancel_requested_by, 'requested_at', private.iso((p_order).requested_at),
  'closed_at', private.iso((p_order).closed_at), 'next_action_at', private.iso((p_order).next_action_at),
  'ttl_seconds', (p_order).ttl_seconds, 'strategy', (p_intent).strategy, 'reason', (p_intent).reason,
  'retry_at', private.iso(private.next_try(p_order)), 'can_be_settled', private.can_be_settled(p_order),
  'last_error', coalesce((p_order).last_error, (p_order).reject_reason)
);
comment on function private.order_row is 'An order as the dashboard shows it.';
grant execute on function private.order_row to authenticated;

create function public.dashboard_orders(p_mode text) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(private.order_row(o, i) order by l.closed, o.requested_at desc, o.id), '[]')
  from (select k.id, pg_catalog.bool_and(k.closed) as closed from (
    select o.id, false as closed from public.crypto_orders as o
    where o.mode = p_mode and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
    union all
    select o.id, false from public.crypto_orders as o
    where o.mode = p_mode and o.unresolved and o.status in ('filled', 'canceled', 'expired', 'rejected')
    union all
    select w.id, false from public.order_intents as i, lateral (select private.waiting_order(i.id) as id) as w
    where i.mode = p_mode and i.status = 'active' and w.id is not null
    union all
    (
      select o.id, true from public.crypto_orders as o
      where o.mode = p_mode and o.status in ('filled', 'canceled', 'expired', 'rejected') and not o.unresolved
      order by o.requested_at desc limit 20
    )
  ) as k group by k.id) as l
  join public.crypto_orders as o on o.id = l.id
  join public.order_intents as i on i.id = o.intent_group_id
);
comment on function public.dashboard_orders is 'Every order that is live, of unknown fate or to be tried again, then the last 20 closed ones.';
grant execute on function public.dashboard_orders to authenticated;

create function private.order_events_of(p_order_id uuid) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'id', e.id::text, 'event_type', e.event_type, 'from_status', e.from_status, 'to_status', e.to_status,
    'price', private.amount_text(e.price), 'qty', private.amount_text(e.qty), 'filled_qty', private.amount_text(e.filled_qty),
    'remaining_qty', private.amount_text(e.remaining_qty), 'reason', e.reason, 'actor', e.actor, 'trace_id', e.trace_id,
    'metadata', e.metadata, 'ts', private.iso(e.ts)
  ) order by e.id), '[]')
  from public.order_events as e
  where e.order_id = p_order_id
);
comment on function private.order_events_of is 'The story of one order, in order.';
grant execute on function private.order_events_of to authenticated;

create function private.order_executions_of(p_order_id uuid) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'fill_id', e.fill_id, 'qty', private.amount_text(e.qty), 'price', private.amount_text(e.price), 'fee', private.amount_text(e.fee),
    'revisions', e.revisions, 'executed_at', private.iso(e.executed_at)
  ) order by e.seq), '[]')
  from (
    select f.fill_id, pg_catalog.sum(f.qty) as qty, (pg_catalog.array_agg(f.price order by f.revision desc) filter (where f.qty > 0))[1] as price,
      pg_catalog.sum(f.fee) as fee, pg_catalog.count(*)::integer as revisions, pg_catalog.min(f.executed_at) as executed_at,
      pg_catalog.min(f.seq) as seq
    from public.crypto_fills as f where f.order_id = p_order_id group by f.fill_id
  ) as e
);
comment on function private.order_executions_of is 'What is booked of an order, one execution a row, all its revisions together.';
grant execute on function private.order_executions_of to authenticated;

create function public.order_timeline(intent_group_id uuid) returns jsonb
language sql stable security invoker set search_path = ''
return (
  select pg_catalog.jsonb_build_object(
    'intent', pg_catalog.jsonb_build_object(
      'id', i.id, 'engine', i.engine, 'mode', i.mode, 'symbol', i.symbol, 'side', i.side, 'purpose', i.purpose, 'urgency', i.urgency,
      'status', i.status, 'target_notional', private.amount_text(i.target_notional), 'target_qty', private.amount_text(i.target_qty),
      'limit_price', private.amount_text(i.limit_price), 'signal_confidence', private.amount_text(i.signal_confidence),
      'strategy', i.strategy, 'reason', i.reason, 'metadata', i.metadata, 'max_reached_at', private.iso(i.max_reached_at),
      'created_at', private.iso(i.created_at), 'updated_at', private.iso(i.updated_at)
    ),
    'orders', coalesce((
      select pg_catalog.jsonb_agg(
        private.order_row(o, i) || pg_catalog.jsonb_build_object(
          'events', private.order_events_of(o.id), 'executions', private.order_executions_of(o.id)
        ) order by o.replace_count, o.requested_at, o.id
      )
      from public.crypto_orders as o
      where o.intent_group_id = i.id
    ), '[]')
  )
  from public.order_intents as i
  where i.id = order_timeline.intent_group_id
);
comment on function public.order_timeline is 'An intent with its chain of orders, and every event and execution of theirs; null when there is none.';
grant execute on function public.order_timeline to authenticated;
