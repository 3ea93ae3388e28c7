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
  -- Robinhood's API rate stands in for a broker's that nobody has told yet: what is unknown is never free.
  broker text not null default 'unknown',
  maker_bps numeric not null default 95 constraint accounts_maker_bps_in_range check (maker_bps between 0 and 1000),
  taker_bps numeric not null default 95 constraint accounts_taker_bps_in_range check (taker_bps between 0 and 1000),
  fee_source text not null default 'assumed'
    constraint accounts_fee_source_known check (fee_source in ('assumed', 'knob', 'broker', 'operator')),
  version bigint not null default 0,
  updated_at timestamptz not null default private.clock(),
  constraint accounts_safe_mode_explained check (not safe_mode or (safe_mode_reason is not null and safe_mode_since is not null)),
  constraint accounts_degraded_explained check (not degraded or (degraded_reason is not null and degraded_since is not null))
);
comment on table public.accounts is
  'Cash is the ledger''s sum. day_notional is what entries filled on the UTC day; the daily figure adds what is still open.';
comment on column public.accounts.fee_source is
  'Where the rates (basis points of the notional) come from: knob (paper follows PAPER_FEE_BPS), what the broker reported, what an operator said, or assumed: 95, Robinhood''s API rate, until somebody knows.';
insert into public.accounts (mode) values ('live');
insert into public.accounts (mode, broker, maker_bps, taker_bps, fee_source)
select 'paper', 'paper exchange', c.value::numeric, c.value::numeric, 'knob' from public.config as c where c.key = 'PAPER_FEE_BPS';
alter table public.accounts enable row level security;
