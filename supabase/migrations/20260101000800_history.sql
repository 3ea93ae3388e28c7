-- History for the dashboard: snapshots, reconciliations, daily P&L.

create table public.crypto_cash_snapshots (
  id bigint generated always as identity primary key,
  mode text not null,
  cash_available numeric not null,
  buying_power numeric not null,
  equity numeric not null,
  source text not null,
  taken_at timestamptz not null default private.clock()
);
comment on table public.crypto_cash_snapshots is 'Cash, free cash and equity (cash + holdings at mid) after each reconciliation and fill.';
create index crypto_cash_snapshots_recent on public.crypto_cash_snapshots (mode, taken_at desc);

create table public.crypto_holdings_snapshots (
  id bigint generated always as identity primary key,
  mode text not null,
  holdings jsonb not null,
  total_crypto_value numeric not null,
  taken_at timestamptz not null default private.clock()
);
comment on table public.crypto_holdings_snapshots is 'Quantities held by symbol (text) and their value at mid.';
create index crypto_holdings_snapshots_recent on public.crypto_holdings_snapshots (mode, taken_at desc);

create table public.crypto_reconciliation_events (
  id bigint generated always as identity primary key,
  mode text not null,
  local_cash numeric not null,
  broker_cash numeric not null,
  cash_diff numeric not null,
  local_holdings jsonb not null,
  broker_holdings jsonb not null,
  holdings_diff jsonb not null,
  unknown_orders jsonb not null default '[]',
  cash_tolerance numeric not null,
  qty_tolerance numeric not null,
  status text not null constraint crypto_reconciliation_events_status_known check (status in ('ok', 'suspect', 'degraded')),
  reason text,
  facts_hash text not null,
  observed_at timestamptz not null,
  mismatch_since timestamptz,
  taken_at timestamptz not null default private.clock(),
  last_seen_at timestamptz not null default private.clock()
);
comment on table public.crypto_reconciliation_events is 'Our books against the broker''s. The same facts seen again only refresh last_seen_at. observed_at: when the broker''s were read.';
create index crypto_reconciliation_events_recent on public.crypto_reconciliation_events (mode, id desc);

create table public.pnl_daily (
  date date not null,
  mode text not null,
  equity numeric not null,
  daily_pnl numeric not null,
  drawdown numeric not null,
  high_water numeric,
  realized_pnl numeric not null,
  unrealized_pnl numeric not null,
  fees numeric not null,
  updated_at timestamptz not null default private.clock(),
  primary key (date, mode)
);
comment on table public.pnl_daily is 'Derived from ledger, fills and closures by their own times (the first day has all that is older), and from marks; never hand-kept.';
comment on column public.pnl_daily.high_water is 'The highest equity so far, less flows: what drawdown is measured from.';

alter table public.crypto_cash_snapshots enable row level security;
alter table public.crypto_holdings_snapshots enable row level security;
alter table public.crypto_reconciliation_events enable row level security;
alter table public.pnl_daily enable row level security;
