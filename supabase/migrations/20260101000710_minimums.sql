-- What is too small to be sold, and the smallest entry that can be sold again. One home for every rule about an instrument's minimums.

create function private.least_multiple(p_at_least numeric, p_per_unit numeric, p_increment numeric) returns numeric
language plpgsql immutable set search_path = ''
as $$
declare
  v_step numeric := p_per_unit * p_increment;
begin
  -- By whole division: a rounded quotient could end one step off.
  return (pg_catalog.div(p_at_least, v_step) + (pg_catalog.mod(p_at_least, v_step) > 0)::integer) * p_increment;
end
$$;
comment on function private.least_multiple is
  'The smallest multiple of the increment that makes at least p_at_least at p_per_unit each. Twin of leastMultiple.';
alter function private.least_multiple owner to zoe_engine;

create function private.below_minimum(p_instrument public.instruments, p_qty numeric, p_price numeric) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return p_qty < (p_instrument).min_qty or coalesce(p_qty * p_price < (p_instrument).min_notional, false);
end
$$;
comment on function private.below_minimum is
  'Whether a quantity is below the instrument''s minimums at a price. Where no price is known only the quantity decides: what can''t be valued is not nothing. Twin of isDust.';
grant execute on function private.below_minimum to zoe_engine;

create function private.sale_price(p_symbol text) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
begin
  return coalesce(
    (select q.bid from public.quotes as q where q.symbol = p_symbol),
    (
      select c.close from public.crypto_candles as c
      where c.symbol = p_symbol and c.timeframe = '1m' order by c.open_time desc limit 1
    )
  );
end
$$;
comment on function private.sale_price is
  'What a sale would bring per unit: the last good bid, however old; else the last mark there is, the close of the newest candle. Null when the symbol was never priced.';
alter function private.sale_price owner to zoe_engine;

create function private.dust(p_mode text, p_symbol text, p_qty numeric) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select private.below_minimum(i, p_qty, private.sale_price(i.symbol)) from public.instruments as i where i.symbol = p_symbol
  );
end
$$;
comment on function private.dust is
  'Whether a quantity is too small to be sold, and so counts as nothing held: below the instrument''s minimums at sale_price, in either mode.';
grant execute on function private.dust to authenticated, service_role;
alter function private.dust owner to zoe_engine;

create function private.is_held(p_mode text, p_symbol text) returns boolean
language plpgsql stable security definer set search_path = ''
as $$
begin
  return exists (
    select from public.positions as p
    where p.mode = p_mode and p.symbol = p_symbol and p.qty > 0 and not private.dust(p_mode, p_symbol, p.qty)
  );
end
$$;
comment on function private.is_held is 'Whether more of a symbol is held than dust.';
alter function private.is_held owner to zoe_engine;

create function private.stop_loss_price(p_bid numeric, p_increment numeric) returns numeric
language plpgsql stable set search_path = ''
as $$
begin
  return pg_catalog.trim_scale(least(
    pg_catalog.div(p_bid, p_increment) * p_increment,
    private.least_multiple(p_bid * (10000 - private.knob_number('MAX_CROSS_SPREAD_BPS')) * 0.0001, 1, p_increment)
  ));
end
$$;
comment on function private.stop_loss_price is
  'The limit at which a stop-loss sells at a bid: below it by MAX_CROSS_SPREAD_BPS, on the grid and never above it. Twin of stopLossPrice.';
grant execute on function private.stop_loss_price to zoe_engine;

create function private.own_stop(p_limit_price numeric, p_metadata jsonb) returns numeric
language plpgsql stable set search_path = ''
as $$
begin
  return least(p_limit_price, coalesce(
    private.positive_or_null(p_metadata ->> 'stop_price'), p_limit_price * (100 - private.knob_number('TRADER_STOP_PCT')) * 0.01
  ));
end
$$;
comment on function private.own_stop is
  'Where an entry would be sold at a loss: at its stop, without one TRADER_STOP_PCT below its limit, and never above what it pays.';
grant execute on function private.own_stop to zoe_engine;

create function private.least_entry_qty(p_instrument public.instruments, p_stop_price numeric, p_fee_bps numeric) returns numeric
language plpgsql stable set search_path = ''
as $$
declare
  v_exit_price numeric := private.stop_loss_price(p_stop_price, (p_instrument).price_increment);
begin
  if v_exit_price <= 0 then return null; end if;
  return private.least_multiple(
    10000 * greatest(
      private.least_multiple((p_instrument).min_notional, v_exit_price, (p_instrument).qty_increment),
      private.least_multiple((p_instrument).min_qty, 1, (p_instrument).qty_increment)
    ),
    10000 - p_fee_bps, (p_instrument).qty_increment
  );
end
$$;
comment on function private.least_entry_qty is
  'The smallest quantity that can be sold again at its own stop, with a stop-loss''s slippage, when the fee was taken out of the coins. Null: at that stop nothing can. Twin of leastEntryQty.';
grant execute on function private.least_entry_qty to zoe_engine;

create function private.too_small_to_sell(
  p_mode text, p_instrument public.instruments, p_qty numeric, p_limit_price numeric, p_metadata jsonb
) returns text
language plpgsql stable set search_path = ''
as $$
declare
  v_stop numeric := private.own_stop(p_limit_price, p_metadata);
  v_least numeric := private.least_entry_qty(p_instrument, v_stop, (select private.worst_fee_bps(a) from public.accounts as a where a.mode = p_mode));
begin
  if (p_qty >= v_least) is true then return null; end if;
  if v_least is null then
    return pg_catalog.format('its stop of %s is below the price increment %s: it could never be sold there',
      pg_catalog.trim_scale(v_stop), pg_catalog.trim_scale((p_instrument).price_increment));
  end if;
  return pg_catalog.format('%s USD is below the minimum of %s USD that could be sold again at its stop of %s, after fees',
    pg_catalog.trim_scale(p_qty * p_limit_price), pg_catalog.trim_scale(v_least * p_limit_price), pg_catalog.trim_scale(v_stop));
end
$$;
comment on function private.too_small_to_sell is
  'Why an entry is too small: what it buys could not be sold at its own stop. Names the least notional that is let in; null when it is large enough.';
grant execute on function private.too_small_to_sell to zoe_engine;
