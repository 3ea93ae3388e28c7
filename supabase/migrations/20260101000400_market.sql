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
-- The only index by time: with a second one the planner looks for a rare symbol through all of them.
create index candidate_scans_latest on public.candidate_scans (mode, symbol, created_at desc);

alter table public.instruments enable row level security;
alter table public.quotes enable row level security;
alter table public.crypto_candles enable row level security;
alter table public.candidate_scans enable row level security;

insert into public.instruments (symbol, price_increment, qty_increment, min_qty, min_notional) values
  ('BTC-USD', 0.01, 0.00000001, 0.00001, 1),
  ('ETH-USD', 0.01, 0.00000001, 0.0001, 1),
  ('SOL-USD', 0.01, 0.00000001, 0.001, 1),
  ('AVAX-USD', 0.01, 0.00000001, 0.01, 1),
  ('DOGE-USD', 0.00001, 0.00000001, 1, 1);

create function private.record_quotes(p_quotes jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.quotes as kept (symbol, bid, ask, bid_size, ask_size, source, observed_at, received_at)
  select distinct on (q.symbol) q.symbol, q.bid, q.ask, q.bid_size, q.ask_size, q.source, q.observed_at, private.clock()
  from pg_catalog.jsonb_to_recordset(p_quotes) as q (
    symbol text, bid numeric, ask numeric, bid_size numeric, ask_size numeric, source text, observed_at timestamptz
  )
  join public.instruments as i on i.symbol = q.symbol
  order by q.symbol, q.observed_at desc
  on conflict (symbol) do update
  set bid = excluded.bid, ask = excluded.ask, bid_size = excluded.bid_size, ask_size = excluded.ask_size,
      source = excluded.source, observed_at = excluded.observed_at, received_at = excluded.received_at
  where excluded.observed_at >= kept.observed_at;
end
$$;
comment on function private.record_quotes is 'Keeps each known symbol''s newest quote; an older one changes nothing. In symbol order, so that two ticks never deadlock.';
alter function private.record_quotes owner to zoe_engine;

create function private.record_candles(p_candles jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.crypto_candles as kept (symbol, timeframe, open_time, open, high, low, close, volume)
  select distinct on (c.symbol, c.timeframe, c.open_time)
    c.symbol, c.timeframe, c.open_time, c.open, c.high, c.low, c.close, c.volume
  from pg_catalog.jsonb_to_recordset(p_candles) as c (
    symbol text, timeframe text, open_time timestamptz, open numeric, high numeric, low numeric, close numeric, volume numeric
  )
  join public.instruments as i on i.symbol = c.symbol
  order by c.symbol, c.timeframe, c.open_time
  on conflict (symbol, timeframe, open_time) do update
  set open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume
  where (kept.open, kept.high, kept.low, kept.close, kept.volume)
    is distinct from (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume);
end
$$;
comment on function private.record_candles is 'Keeps closed candles of known symbols; the exchange''s correction of one replaces it.';
alter function private.record_candles owner to zoe_engine;

create function private.record_scans(p_run_id uuid, p_mode text, p_scans jsonb) returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_scored integer;
begin
  with written as (
    insert into public.candidate_scans (run_id, mode, symbol, score, score_breakdown, info, recommended_strategy, no_data_reason)
    select p_run_id, p_mode, s.symbol, s.score, coalesce(s.score_breakdown, '{}'), coalesce(s.info, '{}'),
      s.recommended_strategy, s.no_data_reason
    from pg_catalog.jsonb_to_recordset(p_scans) as s (
      symbol text, score numeric, score_breakdown jsonb, info jsonb, recommended_strategy text, no_data_reason text
    )
    returning score
  )
  select pg_catalog.count(w.score) into v_scored from written as w;
  return v_scored;
end
$$;
comment on function private.record_scans is 'Writes one scan, a row a symbol. Returns how many symbols could be scored.';
alter function private.record_scans owner to zoe_engine;
