-- What is held and has a price that is not confirmed is said while it lasts.

create function private.tell_unconfirmed_prices() returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.settle_alerts(array['unconfirmed_price'], array(
    select row(
      'unconfirmed_price', p.symbol, p.mode, 'warning', pg_catalog.format('The price of %s is not confirmed', p.symbol),
      pg_catalog.format(
        'At %s it was about %s, far from the prices before. Nothing is sold, bought, trailed or valued by it.',
        private.say_time(m.pending_at), pg_catalog.trim_scale(m.pending_value)
      ),
      'None at first: the next observation confirms it, and is acted on, or shows that it was false. Look at the market if it lasts.',
      1, pg_catalog.jsonb_build_object('price', m.pending_value::text, 'side', m.pending_side)
    )::private.finding
    from private.price_memory as m
    join public.positions as p on p.symbol = m.symbol
    where m.pending_at is not null and p.qty > 0
  ));
end
$$;
comment on function private.tell_unconfirmed_prices is 'Opens an alert for each symbol held whose price waits to be confirmed, and resolves it once the next observation has told. Callers hold the account locks.';
alter function private.tell_unconfirmed_prices owner to zoe_engine;
