-- The order book of record: why (intents), what (orders), and what happened (events).

create table public.order_intents (
  id uuid primary key default gen_random_uuid(),
  engine text,
  mode text,
  symbol text,
  side text,
  purpose text,
  urgency text not null default 'passive' constraint order_intents_urgency_known check (urgency in ('passive', 'stop_loss')),
  target_notional numeric,
  target_qty numeric,
  limit_price numeric,
  signal_confidence numeric,
  strategy text,
  reason text,
  metadata jsonb not null default '{}',
  idempotency_key text not null unique,
  payload jsonb not null,
  status text not null constraint order_intents_status_known
    check (status in ('active', 'filled', 'partially_filled', 'exhausted', 'canceled', 'denied', 'failed')),
  denial_code text,
  denial_evidence jsonb,
  denial_message text,
  denial_count integer not null default 0,
  max_reached_at timestamptz,
  trace_id text,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  constraint order_intents_denial_explained check ((status = 'denied') = (denial_code is not null)),
  constraint order_intents_complete check (
    status = 'denied'
    or (
      engine in ('trader', 'edge_factory', 'manual') and mode in ('paper', 'live') and symbol is not null
      and side in ('buy', 'sell') and purpose in ('entry', 'exit', 'flatten')
      and limit_price > 0 and limit_price < 'Infinity'
    )
  ),
  constraint order_intents_amount_finite check (
    status = 'denied'
    or (purpose = 'entry' and side = 'buy' and target_notional > 0 and target_notional < 'Infinity')
    or (purpose in ('exit', 'flatten') and side = 'sell' and target_qty > 0 and target_qty < 'Infinity')
  )
);
comment on table public.order_intents is 'The why behind an order chain. A denial keeps its code, evidence and count; an accepted intent is never denied later.';
create index order_intents_active on public.order_intents (mode, symbol) where status = 'active';
create index order_intents_created on public.order_intents (created_at);

create table public.crypto_orders (
  id uuid primary key default gen_random_uuid(),
  intent_group_id uuid not null references public.order_intents (id),
  parent_order_id uuid unique references public.crypto_orders (id),
  broker_order_id text,
  engine text not null,
  mode text not null constraint crypto_orders_mode_known check (mode in ('paper', 'live')),
  symbol text not null references public.instruments (symbol),
  side text not null constraint crypto_orders_side_known check (side in ('buy', 'sell')),
  purpose text not null constraint crypto_orders_purpose_known check (purpose in ('entry', 'exit', 'flatten')),
  urgency text not null default 'passive' constraint crypto_orders_urgency_known check (urgency in ('passive', 'stop_loss')),
  order_type text not null default 'limit' constraint crypto_orders_type_known check (order_type = 'limit'),
  status text not null default 'new' constraint crypto_orders_status_known check (
    status in ('new', 'submitted', 'working', 'partially_filled', 'filled', 'cancel_pending', 'canceled', 'expired', 'rejected')
  ),
  unresolved boolean not null default false,
  qty numeric not null constraint crypto_orders_qty_positive check (qty > 0 and qty < 'Infinity'),
  limit_price numeric not null constraint crypto_orders_limit_price_positive check (limit_price > 0 and limit_price < 'Infinity'),
  filled_qty numeric not null default 0 constraint crypto_orders_filled_qty_finite check (filled_qty >= 0 and filled_qty < 'Infinity'),
  remaining_qty numeric generated always as (greatest(qty - filled_qty, 0)) stored,
  average_price numeric constraint crypto_orders_average_price_positive check (average_price > 0 and average_price < 'Infinity'),
  fee numeric not null default 0 constraint crypto_orders_fee_finite check (fee > '-Infinity' and fee < 'Infinity'),
  replace_count integer not null default 0 constraint crypto_orders_replace_count_not_negative check (replace_count >= 0),
  cancel_reason_code text,
  cancel_requested_at timestamptz,
  cancel_requested_by text,
  reject_reason text,
  ttl_seconds integer not null constraint crypto_orders_ttl_positive check (ttl_seconds > 0),
  next_action_at timestamptz,
  attempts integer not null default 0,
  not_found_count integer not null default 0,
  not_found_since timestamptz,
  vanished_at timestamptz,
  watch_until timestamptz,
  lease_owner uuid,
  lease_token bigint,
  lease_expires_at timestamptz,
  claimed_for text constraint crypto_orders_claimed_for_known check (claimed_for in ('send', 'query', 'cancel')),
  last_error text,
  trace_id text,
  requested_at timestamptz not null default private.clock(),
  submitted_at timestamptz,
  acknowledged_at timestamptz,
  closed_at timestamptz,
  updated_at timestamptz not null default private.clock(),
  version bigint not null default 0,
  constraint crypto_orders_side_fits_purpose check ((purpose = 'entry') = (side = 'buy')),
  constraint crypto_orders_new_is_untouched check (status <> 'new' or (filled_qty = 0 and broker_order_id is null)),
  constraint crypto_orders_filled_is_full check (status <> 'filled' or filled_qty >= qty),
  constraint crypto_orders_cancel_explained check (status <> 'cancel_pending' or cancel_reason_code is not null),
  constraint crypto_orders_lease_whole check ((lease_owner is null) = (lease_token is null) and (lease_owner is null) = (lease_expires_at is null))
);
comment on table public.crypto_orders is 'id is the client_order_id sent to the broker, committed before anything goes on the wire.';
create index crypto_orders_live on public.crypto_orders (mode, symbol)
  where status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending');
create unique index crypto_orders_one_live_per_purpose on public.crypto_orders (mode, symbol, side)
  where status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending');
create index crypto_orders_due on public.crypto_orders (next_action_at) where next_action_at is not null;
create index crypto_orders_unresolved on public.crypto_orders (mode, symbol) where unresolved;
create index crypto_orders_by_intent on public.crypto_orders (intent_group_id);
create index crypto_orders_recent on public.crypto_orders (mode, requested_at desc);
create index crypto_orders_rejected on public.crypto_orders (mode, closed_at desc) where status = 'rejected';

create table public.order_events (
  id bigint generated always as identity primary key,
  order_id uuid not null references public.crypto_orders (id),
  intent_group_id uuid not null,
  mode text not null,
  symbol text not null,
  event_type text not null,
  from_status text,
  to_status text,
  price numeric,
  qty numeric,
  filled_qty numeric,
  remaining_qty numeric,
  reason text,
  actor text not null,
  trace_id text,
  metadata jsonb not null default '{}',
  ts timestamptz not null default private.clock()
);
comment on table public.order_events is 'Append-only. Written by a trigger on every change of an order, whoever makes it.';
create index order_events_by_order on public.order_events (order_id, id);
create index order_events_by_intent on public.order_events (intent_group_id, id);

create table public.trade_locks (
  symbol text not null,
  mode text not null constraint trade_locks_mode_known check (mode in ('paper', 'live')),
  engine text not null constraint trade_locks_engine_known check (engine in ('trader', 'edge_factory', 'manual')),
  instance_id text,
  fencing_token bigint not null,
  locked_at timestamptz not null default private.clock(),
  renewed_at timestamptz not null default private.clock(),
  ttl_seconds integer not null constraint trade_locks_ttl_positive check (ttl_seconds > 0),
  primary key (symbol, mode)
);
comment on table public.trade_locks is 'Which engine holds a symbol. Never expires while that engine has a position, a live order or an unresolved order there.';
create sequence private.fencing_tokens;

alter table public.order_intents enable row level security;
alter table public.crypto_orders enable row level security;
alter table public.order_events enable row level security;
alter table public.trade_locks enable row level security;
