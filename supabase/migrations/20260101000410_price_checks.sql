-- What is remembered of each symbol's price, and the prices that could not be believed when they were seen.

create table private.price_memory (
  symbol text primary key references public.instruments (symbol),
  recent numeric[] not null,
  seen_at timestamptz,
  pending_side text constraint price_memory_side_known check (pending_side in ('above', 'below', 'torn')),
  pending_value numeric,
  pending_at timestamptz,
  constraint price_memory_recent_bounded check (pg_catalog.cardinality(recent) <= 10),
  constraint price_memory_pending_whole check (pg_catalog.num_nonnulls(pending_side, pending_value, pending_at) in (0, 3))
);
comment on table private.price_memory is
  'The last ten confirmed prices of each symbol and the one that waits to be confirmed: every tick judges by the same, and no restart forgets.';

create table public.rejected_prices (
  id bigint generated always as identity primary key,
  symbol text not null references public.instruments (symbol),
  kind text not null constraint rejected_prices_kind_known check (kind in ('quote', 'trade', 'candle')),
  source text not null,
  price numeric not null constraint rejected_prices_price_positive check (price > 0 and price < 'Infinity'),
  low numeric not null,
  high numeric not null,
  median numeric not null,
  observed_at timestamptz not null,
  recorded_at timestamptz not null default private.clock(),
  confirmed_at timestamptz,
  constraint rejected_prices_once unique (symbol, kind, observed_at)
);
comment on table public.rejected_prices is
  'Prices more than BAD_PRICE_PCT from the median of the last ten: nothing was done by them. confirmed_at: the next observation, which confirmed that the market had moved. low and high are a quote''s bid and ask.';
create index rejected_prices_recent on public.rejected_prices (observed_at desc);

alter table private.price_memory enable row level security;
alter table public.rejected_prices enable row level security;

create function private.record_price_memory(p_memory jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into private.price_memory as kept (symbol, recent, seen_at, pending_side, pending_value, pending_at)
  select m.symbol, m.recent, m.seen_at, m.pending_side, m.pending_value, m.pending_at
  from pg_catalog.jsonb_to_recordset(p_memory) as m (
    symbol text, recent numeric[], seen_at timestamptz, pending_side text, pending_value numeric, pending_at timestamptz
  )
  join public.instruments as i on i.symbol = m.symbol
  order by m.symbol
  on conflict (symbol) do update
  set recent = excluded.recent, seen_at = excluded.seen_at, pending_side = excluded.pending_side,
      pending_value = excluded.pending_value, pending_at = excluded.pending_at
  -- Of two ticks at once the one that saw later knows better.
  where coalesce(excluded.seen_at, '-infinity') >= coalesce(kept.seen_at, '-infinity');
end
$$;
comment on function private.record_price_memory is 'Keeps what a tick remembers of each symbol''s price; an older one changes nothing.';
alter function private.record_price_memory owner to zoe_engine;

create function private.record_rejected_prices(p_rejected jsonb, p_confirmed jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.rejected_prices as kept (symbol, kind, source, price, low, high, median, observed_at, confirmed_at)
  select r.symbol, r.kind, r.source, r.price, r.low, r.high, r.median, r.observed_at, r.confirmed_at
  from pg_catalog.jsonb_to_recordset(coalesce(p_rejected, '[]')) as r (
    symbol text, kind text, source text, price numeric, low numeric, high numeric, median numeric, observed_at timestamptz,
    confirmed_at timestamptz
  )
  join public.instruments as i on i.symbol = r.symbol
  order by r.symbol, r.kind, r.observed_at
  on conflict (symbol, kind, observed_at) do update
  set confirmed_at = excluded.confirmed_at
  where kept.confirmed_at is null and excluded.confirmed_at is not null;
  update public.rejected_prices as r
  set confirmed_at = c.confirmed_at
  from pg_catalog.jsonb_to_recordset(coalesce(p_confirmed, '[]')) as c (symbol text, observed_at timestamptz, confirmed_at timestamptz)
  where r.kind = 'quote' and r.symbol = c.symbol and r.observed_at = c.observed_at and r.confirmed_at is null;
end
$$;
comment on function private.record_rejected_prices is 'Writes down each price that was not believed, once, and which of them the next observation confirmed.';
alter function private.record_rejected_prices owner to zoe_engine;

create function private.price_memory_work() returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
begin
  return coalesce((
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'symbol', m.symbol, 'recent', pg_catalog.to_jsonb(m.recent::text[]), 'seen_at', private.iso(m.seen_at),
      'pending_side', m.pending_side, 'pending_value', m.pending_value::text, 'pending_at', private.iso(m.pending_at)
    ) order by m.symbol)
    from private.price_memory as m
  ), '[]');
end
$$;
comment on function private.price_memory_work is 'What is remembered of each symbol''s price, as a tick reads it.';
alter function private.price_memory_work owner to zoe_engine;
