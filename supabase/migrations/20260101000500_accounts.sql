-- Accounts: one row a mode. Whoever changes money, limits or the book locks this row first (for no key update).

create table public.accounts (
  mode text primary key constraint accounts_mode_known check (mode in ('paper', 'live')),
  cash numeric not null default 0 constraint accounts_cash_finite check (cash > '-Infinity' and cash < 'Infinity'),
  reserved_cash numeric not null default 0 constraint accounts_reserved_cash_not_negative check (reserved_cash >= 0 and reserved_cash < 'Infinity'),
  opened_at timestamptz,
  day date not null default (private.clock() at time zone 'utc')::date,
  day_notional numeric not null default 0 constraint accounts_day_notional_not_negative check (day_notional >= 0 and day_notional < 'Infinity'),
  safe_mode boolean not null default false,
  safe_mode_reason text,
  safe_mode_since timestamptz,
  safe_mode_until timestamptz,
  degraded boolean not null default false,
  degraded_reason text,
  degraded_since timestamptz,
  empty_scans integer not null default 0,
  equity_high_water numeric,
  version bigint not null default 0,
  updated_at timestamptz not null default private.clock(),
  constraint accounts_safe_mode_explained check (not safe_mode or (safe_mode_reason is not null and safe_mode_since is not null)),
  constraint accounts_degraded_explained check (not degraded or (degraded_reason is not null and degraded_since is not null))
);
comment on table public.accounts is
  'Cash is the ledger''s sum. day_notional is what entries filled on the UTC day; the daily figure adds what is still open.';
insert into public.accounts (mode) values ('paper'), ('live');
alter table public.accounts enable row level security;
