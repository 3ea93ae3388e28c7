-- Instruments and market data.

create table public.instruments (
  symbol text primary key constraint instruments_symbol_form check (symbol ~ '^[A-Z0-9]{2,10}-USD$'),
  price_increment numeric not null constraint instruments_price_increment_positive check (price_increment > 0 and price_increment < 'Infinity'),
  qty_increment numeric not null constraint instruments_qty_increment_positive check (qty_increment > 0 and qty_increment < 'Infinity'),
  min_qty numeric not null constraint instruments_min_qty_positive check (min_qty > 0 and min_qty < 'Infinity'),
  min_notional numeric not null constraint instruments_min_notional_positive check (min_notional > 0 and min_notional < 'Infinity'),
  enabled boolean not null default true,
  updated_at timestamptz not null default private.clock()
);
comment on table public.instruments is 'What can be traded, its increments and minimums; enabled is the watchlist.';

create table public.quotes (
  symbol text primary key references public.instruments (symbol),
  bid numeric not null constraint quotes_bid_positive check (bid > 0 and bid < 'Infinity'),
  ask numeric not null constraint quotes_ask_positive check (ask > 0 and ask < 'Infinity'),
  bid_size numeric,
  ask_size numeric,
  source text not null,
  observed_at timestamptz not null,
  received_at timestamptz not null default private.clock()
);
comment on table public.quotes is 'The last good quote of each symbol. observed_at is the market''s own time.';

create table public.crypto_candles (
  symbol text not null references public.instruments (symbol),
  timeframe text not null constraint crypto_candles_timeframe_known check (timeframe in ('1m', '5m', '15m', '1h', '4h', '1d')),
  open_time timestamptz not null,
  open numeric not null,
  high numeric not null,
  low numeric not null,
  close numeric not null,
  volume numeric not null,
  primary key (symbol, timeframe, open_time),
  constraint crypto_candles_prices_positive check (low > 0 and high < 'Infinity' and open between low and high and close between low and high),
  constraint crypto_candles_volume_not_negative check (volume >= 0 and volume < 'Infinity')
);
comment on table public.crypto_candles is 'Closed candles only.';

create table public.candidate_scans (
  id bigint generated always as identity primary key,
  run_id uuid,
  mode text not null constraint candidate_scans_mode_known check (mode in ('paper', 'live')),
  symbol text not null,
  score numeric,
  score_breakdown jsonb not null default '{}',
  info jsonb not null default '{}',
  recommended_strategy text,
  no_data_reason text,
  created_at timestamptz not null default private.clock(),
  constraint candidate_scans_scored_or_explained check ((score is null) = (no_data_reason is not null)),
  constraint candidate_scans_score_in_range check (score between 0 and 100)
);
comment on table public.candidate_scans is 'One row a symbol a scan. Prices (bid, ask, mid, spread_pct as text) are in info. A symbol that could not be scored says why.';
create index candidate_scans_latest on public.candidate_scans (mode, symbol, created_at desc);
create index candidate_scans_age on public.candidate_scans (created_at);

alter table public.instruments enable row level security;
alter table public.quotes enable row level security;
alter table public.crypto_candles enable row level security;
alter table public.candidate_scans enable row level security;
