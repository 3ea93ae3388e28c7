-- The days against the book: their rows add up to fills, closures and flows. Each run reads what is new, the last days, those written
-- since the last run, and a slice of the others.

create function private.advance_day_sums() returns void
language plpgsql security definer set search_path = ''
as $$
declare
  k private.invariant_checkpoints;
begin
  select * into k from private.invariant_checkpoints as c;
  update private.invariant_checkpoints as c
  set day_sums = (
        select pg_catalog.jsonb_object_agg(a.mode, pg_catalog.jsonb_build_object(
          'fees', coalesce((k.day_sums #>> array[a.mode, 'fees'])::numeric, 0) + coalesce((
            select pg_catalog.sum(f.fee) from public.crypto_fills as f where f.mode = a.mode and f.seq > k.day_fill_seq
          ), 0),
          'realized', coalesce((k.day_sums #>> array[a.mode, 'realized'])::numeric, 0) + coalesce((
            select pg_catalog.sum(l.realized_pnl) from public.lot_closures as l where l.mode = a.mode and l.id > k.day_closure_id
          ), 0)
        ))
        from public.accounts as a
      ),
      day_fill_seq = greatest(k.day_fill_seq, (select pg_catalog.max(f.seq) from public.crypto_fills as f)),
      day_closure_id = greatest(k.day_closure_id, (select pg_catalog.max(l.id) from public.lot_closures as l))
  where c.one;
end
$$;
comment on function private.advance_day_sums is 'Adds the new fills'' fees and the new closures'' realized P&L to the running sums.';
alter function private.advance_day_sums owner to zoe_engine;

create function private.days_to_check() returns setof public.pnl_daily
language sql stable security definer set search_path = ''
begin atomic
  select d.* from public.accounts as a, lateral (
    select * from public.pnl_daily as l where l.mode = a.mode order by l.date desc limit 2
  ) as d
  union
  select d.* from public.pnl_daily as d, private.invariant_checkpoints as k where d.updated_at >= k.days_seen_at
  union
  (
    select d.* from public.pnl_daily as d
    where d.date > (select k.day_cursor from private.invariant_checkpoints as k) order by d.date, d.mode limit 10
  )
  union
  select d.* from public.pnl_daily as d join public.alerts as a
    on a.kind = 'invariant' and a.resolved_at is null and a.key = pg_catalog.format('pnl_daily %s %s', d.mode, d.date);
end;
comment on function private.days_to_check is 'The last two days, those written since the last run, those that were wrong, and the next slice of all the others.';
alter function private.days_to_check owner to zoe_engine;

create function private.find_broken_days() returns setof private.finding
language sql stable security definer set search_path = ''
begin atomic
  select private.broken(d.mode, pg_catalog.format('pnl_daily %s %s', d.mode, d.date), p.detail, pg_catalog.jsonb_build_object('date', d.date))
  from private.days_to_check() as d
  left join lateral (
    select b.date, b.equity from public.pnl_daily as b where b.mode = d.mode and b.date < d.date order by b.date desc limit 1
  ) as b on true,
    lateral (
      select case when b.date is null then '-infinity' else private.day_begin(d.date) end as first, private.day_begin(d.date + 1) as next
    ) as t,
    lateral (
      select coalesce((
          select pg_catalog.sum(f.fee) from public.crypto_fills as f where f.mode = d.mode and f.executed_at >= t.first and f.executed_at < t.next
        ), 0) as fees,
        coalesce((
          select pg_catalog.sum(c.realized_pnl) from public.lot_closures as c where c.mode = d.mode and c.closed_at >= t.first and c.closed_at < t.next
        ), 0) as realized,
        d.equity - coalesce(b.equity, 0) - private.flows_between(d.mode, coalesce(b.date + 1, '-infinity'), d.date) as made
    ) as s,
    lateral (
      select pg_catalog.concat_ws('; ',
        case when d.fees <> s.fees then pg_catalog.format('fees are %s, the day''s fills'' %s', d.fees, s.fees) end,
        case when d.realized_pnl <> s.realized then pg_catalog.format('realized P&L is %s, the day''s closures'' %s', d.realized_pnl, s.realized) end,
        case when d.daily_pnl <> s.made then pg_catalog.format('P&L is %s, equity less flows moved by %s', d.daily_pnl, s.made) end
      ) as detail
    ) as p
  where p.detail <> ''
  union all
  select private.broken(t.mode, 'pnl_daily ' || t.mode, p.detail, pg_catalog.jsonb_build_object('sums', k.day_sums -> t.mode))
  from private.invariant_checkpoints as k, (
    select d.mode, pg_catalog.max(d.date) as last, pg_catalog.sum(d.fees) as fees, pg_catalog.sum(d.realized_pnl) as realized
    from public.pnl_daily as d group by d.mode
  ) as t,
    lateral (
      select (k.day_sums #>> array[t.mode, 'fees'])::numeric - coalesce((
          select pg_catalog.sum(f.fee) from public.crypto_fills as f where f.mode = t.mode and f.executed_at >= private.day_begin(t.last + 1)
        ), 0) as fees,
        (k.day_sums #>> array[t.mode, 'realized'])::numeric - coalesce((
          select pg_catalog.sum(c.realized_pnl) from public.lot_closures as c where c.mode = t.mode and c.closed_at >= private.day_begin(t.last + 1)
        ), 0) as realized
    ) as s,
    lateral (
      select pg_catalog.concat_ws('; ',
        case when t.fees <> s.fees then pg_catalog.format('the days'' fees add up to %s, the fills'' to %s', t.fees, s.fees) end,
        case when t.realized <> s.realized then pg_catalog.format('the days'' realized P&L adds up to %s, the closures'' to %s', t.realized, s.realized) end
      ) as detail
    ) as p
  where p.detail <> '';
end;
comment on function private.find_broken_days is
  'Days against fills, closures and flows of their own time, and the sum of all days against the whole book (what is dated ahead of the last day left out).';
alter function private.find_broken_days owner to zoe_engine;

create function private.advance_day_cursor() returns void
language sql security definer set search_path = ''
begin atomic
  update private.invariant_checkpoints as k
  set days_seen_at = private.clock(),
      day_cursor = case
        -- A slice that is not full has reached the end: the next one begins anew. A day of both modes is never cut in two.
        when (select pg_catalog.count(*) from public.pnl_daily as d where d.date > k.day_cursor) <= 10 then '-infinity'
        else (
          select pg_catalog.max(s.date) - 1 from (
            select d.date from public.pnl_daily as d where d.date > k.day_cursor order by d.date, d.mode limit 10
          ) as s
        )
      end
  where k.one;
end;
comment on function private.advance_day_cursor is 'Notes which days were checked.';
alter function private.advance_day_cursor owner to zoe_engine;
