-- Money: fills, FIFO lots, positions, and the cash ledger they are folded into.

create table public.crypto_fills (
  id uuid primary key default gen_random_uuid(),
  seq bigint generated always as identity constraint crypto_fills_seq_unique unique,
  order_id uuid not null references public.crypto_orders (id),
  mode text not null constraint crypto_fills_mode_known check (mode in ('paper', 'live')),
  fill_id text not null,
  symbol text not null,
  side text not null constraint crypto_fills_side_known check (side in ('buy', 'sell')),
  revision integer not null default 0 constraint crypto_fills_revision_not_negative check (revision >= 0),
  qty numeric not null,
  price numeric not null constraint crypto_fills_price_positive check (price > 0 and price < 'Infinity'),
  fee numeric not null default 0 constraint crypto_fills_fee_finite check (fee > '-Infinity' and fee < 'Infinity'),
  fee_currency text not null default 'USD',
  fee_qty numeric not null default 0 constraint crypto_fills_fee_qty_finite check (fee_qty > '-Infinity' and fee_qty < 'Infinity'),
  late boolean not null default false,
  executed_at timestamptz not null,
  booked_at timestamptz not null default private.clock(),
  constraint crypto_fills_once_per_symbol unique (mode, symbol, fill_id, revision),
  constraint crypto_fills_qty_positive check (qty > '-Infinity' and qty < 'Infinity' and (qty > 0 or revision > 0))
);
comment on table public.crypto_fills is 'One execution at the broker. late: it arrived after the order was thought final. seq is the order of booking. What was learned later of an execution (a correction, a fee) is another revision of the same fill_id; its revisions add up.';
comment on column public.crypto_fills.fee is 'In USD, whatever it was paid in; a fee in coins at the price of the execution.';
comment on column public.crypto_fills.fee_qty is 'The part of the fee that was taken in the base currency, in coins: a buy brings that much less, a sell takes that much more.';
create index crypto_fills_by_order on public.crypto_fills (order_id);
create index crypto_fills_recent on public.crypto_fills (mode, executed_at desc);
create index crypto_fills_booked on public.crypto_fills (mode, seq);

create table public.position_lots (
  id bigint generated always as identity primary key,
  mode text not null,
  symbol text not null,
  fill_id uuid unique references public.crypto_fills (id),
  qty numeric not null constraint position_lots_qty_not_negative check (qty >= 0 and qty < 'Infinity'),
  remaining_qty numeric not null,
  price numeric not null,
  fee numeric not null,
  remaining_fee numeric not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  constraint position_lots_remaining_within check (remaining_qty >= 0 and remaining_qty <= qty),
  constraint position_lots_closed_when_empty check ((remaining_qty = 0) = (closed_at is not null))
);
comment on table public.position_lots is 'A lot is opened by a buy and eaten first in, first out by sells. remaining_fee: the part of the buy''s fee no sell has used up. Without a fill it was adopted from the broker. A lot of nothing is that of a buy that was taken back.';
create index position_lots_adopted on public.position_lots (mode, opened_at) where fill_id is null;
create index position_lots_open on public.position_lots (mode, symbol, id) where remaining_qty > 0;

create table public.lot_closures (
  id bigint generated always as identity primary key,
  lot_id bigint not null references public.position_lots (id),
  fill_id uuid references public.crypto_fills (id),
  revision integer not null default 0 constraint lot_closures_revision_not_negative check (revision >= 0),
  mode text not null,
  symbol text not null,
  qty numeric not null constraint lot_closures_qty_positive check (qty > '-Infinity' and qty < 'Infinity' and (qty > 0 or revision > 0)),
  cost numeric not null,
  proceeds numeric not null,
  fees numeric not null,
  buy_fee numeric not null default 0,
  realized_pnl numeric not null,
  closed_at timestamptz not null,
  constraint lot_closures_once unique (lot_id, fill_id, revision),
  constraint lot_closures_pnl_adds_up check (realized_pnl = proceeds - cost - fees)
);
comment on table public.lot_closures is 'Realized P&L per lot and sell fill, net of both sides'' fees. Without a fill the broker''s books were adopted, at cost. A correction takes closures back with negative ones and writes them anew, as further revisions: they add up.';
comment on column public.lot_closures.buy_fee is 'The part of fees that was the buy''s.';
create index lot_closures_by_fill on public.lot_closures (fill_id);
create index lot_closures_adopted on public.lot_closures (mode, closed_at) where fill_id is null;
create index lot_closures_recent on public.lot_closures (mode, closed_at desc);

create table private.uncovered_sells (
  fill_id uuid primary key references public.crypto_fills (id),
  mode text not null,
  symbol text not null,
  qty numeric not null constraint uncovered_sells_qty_not_negative check (qty >= 0 and qty < 'Infinity'),
  fee numeric not null,
  given_up_qty numeric not null default 0 constraint uncovered_sells_given_up_not_negative check (given_up_qty >= 0 and given_up_qty < 'Infinity'),
  given_up_fee numeric not null default 0,
  constraint uncovered_sells_not_empty check (qty + given_up_qty > 0)
);
comment on table private.uncovered_sells is
  'What a sell took beyond what was held when it was booked: the buy''s fill is told later than the sell''s, and covers it then. given_up: what no buy will cover any more, because the broker''s books were adopted.';
create index uncovered_sells_by_symbol on private.uncovered_sells (mode, symbol);
alter table private.uncovered_sells enable row level security;
grant select, insert, update, delete on private.uncovered_sells to zoe_engine;

create table public.positions (
  mode text not null,
  symbol text not null references public.instruments (symbol),
  engine text,
  qty numeric not null default 0 constraint positions_qty_not_negative check (qty >= 0 and qty < 'Infinity'),
  cost_basis numeric not null default 0,
  average_price numeric,
  realized_pnl numeric not null default 0,
  fees numeric not null default 0,
  opened_at timestamptz,
  strategy text,
  entry_price numeric,
  high_water numeric,
  stop_price numeric,
  target_price numeric,
  trail_armed boolean not null default false,
  exit_by timestamptz,
  opening_lot bigint,
  candles_seen_until timestamptz,
  updated_at timestamptz not null default private.clock(),
  version bigint not null default 0,
  primary key (mode, symbol)
);
comment on table public.positions is
  'What is held, with the exit state that must survive a restart. average_price is the cost of all of it; entry_price is what its exits are judged by: only what was bought since it was opened.';
comment on column public.positions.opening_lot is 'The lot with which the position was opened; an older one that is still open is dust of the position before.';
create index positions_held on public.positions (mode) where qty > 0;

create table public.cash_ledger (
  id bigint generated always as identity primary key,
  mode text not null constraint cash_ledger_mode_known check (mode in ('paper', 'live')),
  kind text not null constraint cash_ledger_kind_known check (kind in ('opening', 'deposit', 'withdrawal', 'fill', 'fee', 'adjustment')),
  amount numeric not null constraint cash_ledger_amount_finite check (amount > '-Infinity' and amount < 'Infinity'),
  fill_id uuid references public.crypto_fills (id),
  reason text,
  actor text not null,
  occurred_at timestamptz not null default private.clock(),
  constraint cash_ledger_fill_named check ((kind in ('fill', 'fee')) = (fill_id is not null)),
  constraint cash_ledger_fill_once unique (fill_id, kind)
);
comment on table public.cash_ledger is 'Append-only. An account''s cash is the sum of its rows; positive is money in.';
create unique index cash_ledger_one_opening on public.cash_ledger (mode) where kind = 'opening';
create index cash_ledger_by_mode on public.cash_ledger (mode, id);
create index cash_ledger_flows on public.cash_ledger (mode, occurred_at) where kind in ('opening', 'deposit', 'withdrawal', 'adjustment');

alter table public.crypto_fills enable row level security;
alter table public.position_lots enable row level security;
alter table public.lot_closures enable row level security;
alter table public.positions enable row level security;
alter table public.cash_ledger enable row level security;
