-- What accounts and positions say of themselves: cash that is not there, and coins that can't be sold.

create function private.find_negative_cash() returns setof private.finding
language plpgsql stable security definer set search_path = ''
as $$
begin
  return query
    select 'negative_cash', '', a.mode, case when a.cash < 0 then 'critical' else 'warning' end,
      case when a.cash < 0 then 'Cash is below zero' else 'Open buys need more cash than there is' end,
      pg_catalog.format('Cash is %s USD; open buys hold back %s USD and their fees: %s USD are free.',
        pg_catalog.round(a.cash, 2), pg_catalog.round(a.reserved_cash, 2), pg_catalog.round(private.free_cash(a), 2)),
      'Compare fills and fees with the broker''s own record; a deposit that was made is recorded in Settings. No entry is let in meanwhile; exits go on.',
      1, pg_catalog.jsonb_build_object('cash', a.cash::text, 'reserved_cash', a.reserved_cash::text, 'free_cash', private.free_cash(a)::text)
    from public.accounts as a
    where least(a.cash, private.free_cash(a)) < 0;
end
$$;
comment on function private.find_negative_cash is 'Accounts that have spent, or promised to open buys with their fees, more than they have.';
alter function private.find_negative_cash owner to zoe_engine;

create function private.find_unsellable() returns setof private.finding
language plpgsql stable security definer set search_path = ''
as $$
begin
  return query
    select 'unsellable', p.symbol, p.mode, 'info', 'Too little to be sold: ' || p.symbol,
      pg_catalog.format('%s %s, worth %s USD, is below what the broker lets be sold (%s and %s USD).',
        pg_catalog.trim_scale(p.qty), p.symbol, coalesce(pg_catalog.round(p.qty * s.price, 2)::text, 'an unknown number of'),
        pg_catalog.trim_scale(i.min_qty), pg_catalog.trim_scale(i.min_notional)),
      'Nothing has to be done: it stays in the books, is sold together with the next position in the symbol, and this ends when it is worth enough or bought over.',
      1, pg_catalog.jsonb_build_object('qty', p.qty::text, 'price', s.price::text)
    from public.positions as p
    join public.instruments as i on i.symbol = p.symbol,
      lateral (
        select private.sale_price(p.symbol) as price,
          exists (
            select from public.alerts as a
            where a.kind = 'unsellable' and a.key = p.symbol and a.mode = p.mode and a.resolved_at is null
          ) as is_told
      ) as s
    where p.qty > 0
      -- A price that hovers at the minimum must not tell it over and over, and a crumb under a cent is nobody's concern.
      and private.below_minimum(i, p.qty, case when s.is_told then s.price / 1.05 else s.price end)
      and coalesce(p.qty * s.price >= 0.01, true)
      and not exists (
        select from public.crypto_orders as o
        where o.mode = p.mode and o.symbol = p.symbol
          and (o.unresolved or o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending'))
      );
end
$$;
comment on function private.find_unsellable is
  'Positions that are dust by a cent or more, while nothing is on its way in their symbol. Once told, until worth 5 % more than the minimum.';
alter function private.find_unsellable owner to zoe_engine;
