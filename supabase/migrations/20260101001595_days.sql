-- The days: what each UTC day made, from ledger, fills and closures by their own times, whenever they are told.

create table private.pnl_progress (
  mode text primary key references public.accounts (mode),
  fill_seq bigint not null default 0,
  closure_id bigint not null default 0,
  ledger_id bigint not null default 0,
  lot_id bigint not null default 0
);
comment on table private.pnl_progress is 'Up to which rows the days'' figures are written: what is newer and of an earlier day was told late, and that day is written again.';
alter table private.pnl_progress enable row level security;
grant select, insert, update on private.pnl_progress to zoe_engine;
insert into private.pnl_progress (mode) values ('paper'), ('live');

create table private.closing_marks (
  date date primary key,
  marks jsonb not null
);
comment on table private.closing_marks is 'The middle of each symbol''s last good quote of a UTC day: what coins are worth at its close that are told later.';
alter table private.closing_marks enable row level security;
grant select, insert, update on private.closing_marks to zoe_engine;

create type private.day_change as (day date, symbol text, cash numeric, coins numeric, cost numeric, flow numeric, price numeric);
comment on type private.day_change is
  'What was booked into a day since the last look: cash, or coins of a symbol with their cost and the price they were booked at; and how much of it came from outside.';

create function private.flows_between(p_mode text, p_first date, p_last date) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_from timestamptz := private.day_begin(p_first);
  v_to timestamptz := private.day_begin(p_last + 1);
begin
  return (
    select coalesce(pg_catalog.sum(e.amount), 0) from public.cash_ledger as e
    where e.mode = p_mode and e.occurred_at >= v_from and e.occurred_at < v_to and e.kind in ('opening', 'deposit', 'withdrawal', 'adjustment')
  ) + (
    select coalesce(pg_catalog.sum(l.qty * l.price), 0) from public.position_lots as l
    where l.mode = p_mode and l.fill_id is null and l.opened_at >= v_from and l.opened_at < v_to
  ) - (
    select coalesce(pg_catalog.sum(c.proceeds), 0) from public.lot_closures as c
    where c.mode = p_mode and c.fill_id is null and c.closed_at >= v_from and c.closed_at < v_to
  );
end
$$;
comment on function private.flows_between is 'What came in from outside less what went out on the days from the first to the last, in USD: neither gain nor loss.';
alter function private.flows_between owner to zoe_engine;

create function private.new_changes(p_mode text) returns setof private.day_change
language plpgsql stable security definer set search_path = ''
as $$
declare
  -- Variables, not a join: so that a plan knows how little is newer.
  k private.pnl_progress;
begin
  select * into k from private.pnl_progress as g where g.mode = p_mode;
  return query
    select private.day_of(e.occurred_at), null::text, pg_catalog.sum(e.amount), 0::numeric, 0::numeric,
      coalesce(pg_catalog.sum(e.amount) filter (where e.kind in ('opening', 'deposit', 'withdrawal', 'adjustment')), 0), 0::numeric
    from public.cash_ledger as e where e.mode = p_mode and e.id > k.ledger_id
    group by 1
    union all
    select private.day_of(f.executed_at), f.symbol, 0, f.qty - f.fee_qty, (f.qty - f.fee_qty) * f.price, 0, f.price
    from public.crypto_fills as f
    where f.mode = p_mode and f.seq > k.fill_seq and f.side = 'buy'
    union all
    select private.day_of(c.closed_at), c.symbol, 0, -c.qty, -c.cost, case when c.fill_id is null then -c.proceeds else 0 end,
      case when c.qty = 0 then 0 else c.proceeds / c.qty end
    from public.lot_closures as c where c.mode = p_mode and c.id > k.closure_id
    union all
    select private.day_of(l.opened_at), l.symbol, 0, l.qty, l.qty * l.price, l.qty * l.price, l.price
    from public.position_lots as l
    where l.mode = p_mode and l.id > k.lot_id and l.fill_id is null;
end
$$;
comment on function private.new_changes is 'What was booked since the days were last written, by the day it belongs to.';
alter function private.new_changes owner to zoe_engine;

create function private.note_progress(p_mode text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update private.pnl_progress as k
  set fill_seq = greatest(k.fill_seq, (select pg_catalog.max(f.seq) from public.crypto_fills as f where f.mode = p_mode)),
      closure_id = greatest(k.closure_id, (select pg_catalog.max(c.id) from public.lot_closures as c)),
      ledger_id = greatest(k.ledger_id, (select pg_catalog.max(e.id) from public.cash_ledger as e where e.mode = p_mode)),
      lot_id = greatest(k.lot_id, (select pg_catalog.max(l.id) from public.position_lots as l))
  where k.mode = p_mode;
end
$$;
comment on function private.note_progress is 'Notes that all that is booked is in the days'' figures. Under the account''s lock no row with a smaller id can still appear.';
alter function private.note_progress owner to zoe_engine;

create function private.derive_day(p_day date, p_mode text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_before public.pnl_daily;
  v_from timestamptz;
  v_to timestamptz := private.day_begin(p_day + 1);
begin
  select * into v_before from public.pnl_daily as b where b.mode = p_mode and b.date < p_day order by b.date desc limit 1;
  v_from := case when v_before.date is null then '-infinity' else private.day_begin(p_day) end;
  update public.pnl_daily as d
  set daily_pnl = n.daily_pnl, realized_pnl = n.realized, fees = n.fees, drawdown = n.drawdown, updated_at = private.clock()
  from (
    select c.equity - coalesce(v_before.equity, 0)
        - private.flows_between(p_mode, coalesce(v_before.date + 1, '-infinity'), p_day) as daily_pnl,
      coalesce((
        select pg_catalog.sum(l.realized_pnl) from public.lot_closures as l
        where l.mode = p_mode and l.closed_at >= v_from and l.closed_at < v_to
      ), 0) as realized,
      coalesce((
        select pg_catalog.sum(f.fee) from public.crypto_fills as f where f.mode = p_mode and f.executed_at >= v_from and f.executed_at < v_to
      ), 0) as fees,
      case when c.high_water > 0 then pg_catalog.round((c.high_water - c.equity) / c.high_water, 8) else 0 end as drawdown
    from public.pnl_daily as c where c.mode = p_mode and c.date = p_day
  ) as n
  where d.mode = p_mode and d.date = p_day
    and (d.daily_pnl, d.realized_pnl, d.fees, d.drawdown) is distinct from (n.daily_pnl, n.realized, n.fees, n.drawdown);
end
$$;
comment on function private.derive_day is
  'Derives a day''s row from its closing equity: P&L is equity less that of the row before, less flows; realized and fees by the closures'' and fills'' own time. The first row has all that is older.';
alter function private.derive_day owner to zoe_engine;

create function private.fill_gaps(p_mode text, p_days date[], p_today date) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_last date := (select pg_catalog.max(d.date) from public.pnl_daily as d where d.mode = p_mode and d.date < p_today);
begin
  insert into public.pnl_daily (date, mode, equity, daily_pnl, drawdown, high_water, realized_pnl, unrealized_pnl, fees)
  select g.day, p_mode, b.equity, 0, b.drawdown, b.high_water, 0, b.unrealized_pnl, 0
  from (
    select u.day from pg_catalog.unnest(p_days) as u (day)
    union
    -- What was told ahead of a day that nobody looked at.
    select private.day_of(f.executed_at) from public.crypto_fills as f
    where f.mode = p_mode and f.executed_at >= private.day_begin(v_last + 1) and f.executed_at < private.day_begin(p_today)
    union
    select private.day_of(c.closed_at) from public.lot_closures as c
    where c.mode = p_mode and c.closed_at >= private.day_begin(v_last + 1) and c.closed_at < private.day_begin(p_today)
  ) as g,
    lateral (select * from public.pnl_daily as d where d.mode = p_mode and d.date < g.day order by d.date desc limit 1) as b
  on conflict (date, mode) do nothing;
  perform private.derive_day(d.date, p_mode) from public.pnl_daily as d where d.mode = p_mode and d.date > v_last and d.date < p_today;
end
$$;
comment on function private.fill_gaps is 'Gives days that have bookings and no row one: with the closing equity of the day before.';
alter function private.fill_gaps owner to zoe_engine;

create function private.restate_closes(p_mode text, p_changes private.day_change[], p_today date) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  update public.pnl_daily as d
  set equity = d.equity + s.equity, daily_pnl = d.daily_pnl + s.equity - s.equity_before, unrealized_pnl = d.unrealized_pnl + s.unrealized, high_water = s.high_water,
      drawdown = case when s.high_water > 0 then pg_catalog.round((s.high_water - d.equity - s.equity) / s.high_water, 8) else 0 end,
      updated_at = private.clock()
  from (
    select b.date, pg_catalog.sum(c.cash + c.value) as equity, pg_catalog.sum(c.value - c.cost) as unrealized,
      pg_catalog.lag(pg_catalog.sum(c.cash + c.value), 1, 0::numeric) over (order by b.date) as equity_before,
      greatest(b.high_water + pg_catalog.sum(c.flow), b.equity + pg_catalog.sum(c.cash + c.value)) as high_water
    from public.pnl_daily as b
    left join lateral (select m.marks from private.closing_marks as m where m.date <= b.date order by m.date desc limit 1) as m on true,
      lateral (
        select u.cash, u.cost, u.flow, private.cash_amount(u.coins * coalesce((m.marks ->> u.symbol)::numeric, u.price)) as value
        from pg_catalog.unnest(p_changes) as u where u.day <= b.date
      ) as c
    where b.mode = p_mode and b.date < p_today
    group by b.date, b.mode
  ) as s
  where d.mode = p_mode and d.date = s.date;
end
$$;
comment on function private.restate_closes is
  'Moves the closing equity of each day by what was booked into it or before and was not known then: its cash, and its coins at the mark of that close.';
alter function private.restate_closes owner to zoe_engine;

create function private.write_late_days(p_mode text, p_today date) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_first date := (select pg_catalog.min(d.date) from public.pnl_daily as d where d.mode = p_mode);
  v_changes private.day_change[];
  v_days date[];
begin
  if v_first is null or v_first >= p_today then return; end if;
  select pg_catalog.array_agg(row(greatest(n.day, v_first), n.symbol, n.cash, n.coins, n.cost, n.flow, n.price)::private.day_change),
    pg_catalog.array_agg(distinct greatest(n.day, v_first))
  into v_changes, v_days
  from private.new_changes(p_mode) as n where n.day < p_today;
  perform private.fill_gaps(p_mode, v_days, p_today);
  if v_days is null then return; end if;
  perform private.restate_closes(p_mode, v_changes, p_today);
  perform private.derive_day(u.day, p_mode) from pg_catalog.unnest(v_days) as u (day);
end
$$;
comment on function private.write_late_days is
  'Writes past days again into which something was booked since: their closes and every later one as they would have been seen had it been known.';
alter function private.write_late_days owner to zoe_engine;

create function private.write_pnl(p_mode text, p_equity numeric, p_unrealized numeric) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_today date := private.day_of(private.clock());
begin
  perform private.write_late_days(p_mode, v_today);
  perform private.note_progress(p_mode);
  update public.accounts as a set equity_high_water = greatest(a.equity_high_water, p_equity)
  where a.mode = p_mode and (a.equity_high_water is null or a.equity_high_water < p_equity);
  insert into public.pnl_daily as d (date, mode, equity, daily_pnl, drawdown, high_water, realized_pnl, unrealized_pnl, fees)
  select v_today, p_mode, p_equity, 0, 0, a.equity_high_water, 0, p_unrealized, 0 from public.accounts as a where a.mode = p_mode
  on conflict (date, mode) do update
  set equity = excluded.equity, high_water = excluded.high_water, unrealized_pnl = excluded.unrealized_pnl, updated_at = private.clock()
  where (d.equity, d.high_water, d.unrealized_pnl) is distinct from (excluded.equity, excluded.high_water, excluded.unrealized_pnl);
  -- And the next: a replay's clock may have gone back.
  perform private.derive_day(d.date, p_mode) from public.pnl_daily as d
  where d.mode = p_mode and d.date in (v_today, (select pg_catalog.min(n.date) from public.pnl_daily as n where n.mode = p_mode and n.date > v_today));
  insert into private.closing_marks as m (date, marks)
  select v_today, coalesce(pg_catalog.jsonb_object_agg(q.symbol, private.mark_price(q.symbol)::text), '{}') from public.quotes as q
  on conflict (date) do update set marks = excluded.marks where m.marks <> excluded.marks;
end
$$;
comment on function private.write_pnl is
  'Writes today''s row from equity, unrealized P&L and the high-water mark as they are now, and again the past days that were told something late.';
alter function private.write_pnl owner to zoe_engine;
