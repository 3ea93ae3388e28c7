-- What the broker may tell that contradicts something, what is done with each kind, and how much of it is only rounding.

create function private.treatment_of(p_kind text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return case
    when p_kind in ('figures_impossible', 'average_contradicts', 'quantity_shrank', 'fee_shrank', 'list_beyond_totals', 'fill_contradicts')
      then 'hold'
    when p_kind in (
      'totals_beyond_list', 'fee_beside_list', 'worse_than_limit', 'fee_out_of_proportion', 'fee_negative', 'time_implausible', 'clock_ahead'
    ) then 'tell'
  end;
end
$$;
comment on function private.treatment_of is
  'hold: only what is beyond doubt is booked, and the order is unresolved with the reason. tell: it is booked as told, and a person is told. Twin of TREATMENTS.';
alter function private.treatment_of owner to zoe_engine;

create function private.treated_as(p_treatment text, p_findings jsonb) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return (
    select pg_catalog.string_agg(f.value, '; ' order by f.key) from pg_catalog.jsonb_each_text(p_findings) as f
    where private.treatment_of(f.key) = p_treatment
  );
end
$$;
comment on function private.treated_as is 'The sentences of the findings that are treated in one way; null when there are none.';
alter function private.treated_as owner to zoe_engine;

create function private.rounding_of(p_told numeric, p_most numeric) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return least(pg_catalog.power(10::numeric, -pg_catalog.scale(pg_catalog.trim_scale(p_told))), p_most);
end
$$;
comment on function private.rounding_of is
  'How far a told figure may be off because it was rounded: a unit of its last place, but never more than p_most. Twin of roundingOf.';
alter function private.rounding_of owner to zoe_engine;

create function private.price_rounding(p_price numeric) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return private.rounding_of(p_price, least(0.01, p_price * 0.005));
end
$$;
comment on function private.price_rounding is
  'How far an average price may be off because it was rounded: a cent at most, and half a percent of a coin that is cheap. Twin of priceRounding.';
alter function private.price_rounding owner to zoe_engine;

create function private.price_slack(p_price numeric) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return greatest(p_price * 0.000001, private.price_rounding(p_price));
end
$$;
comment on function private.price_slack is 'How far two averages of the same fills may differ: by rounding, or by a millionth. Twin of priceSlack.';
alter function private.price_slack owner to zoe_engine;

create function private.fee_slack(p_fee numeric, p_unit_price numeric) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return greatest(0.0001 / p_unit_price, private.rounding_of(p_fee, 0.01 / p_unit_price) * 0.999);
end
$$;
comment on function private.fee_slack is
  'How far a fee may be off: less than its rounding, at most a cent; at least a hundredth of one. p_unit_price: what one of its currency is worth. Twin of feeSlack.';
alter function private.fee_slack owner to zoe_engine;

create function private.is_beyond(p_qty numeric, p_limit numeric) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return p_qty > p_limit * 1.000001;
end
$$;
comment on function private.is_beyond is 'Whether a quantity exceeds another by more than rounding: a millionth. Twin of isBeyond.';
alter function private.is_beyond owner to zoe_engine;

create function private.is_whole(p_qty numeric, p_filled_qty numeric, p_qty_increment numeric) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return p_qty - p_filled_qty <= greatest(p_qty * 0.000001, least(p_qty_increment, p_qty * 0.001));
end
$$;
comment on function private.is_whole is
  'Whether an order that the broker calls filled is so: short by a millionth, or by one step of the grid where that is a thousandth at most. Twin of isWhole.';
alter function private.is_whole owner to zoe_engine;

create function private.rest_price(
  p_average numeric, p_total_qty numeric, p_known_notional numeric, p_rest_qty numeric
) returns numeric
language plpgsql immutable set search_path = ''
as $$
declare
  v_slack numeric := private.price_rounding(p_average) * p_total_qty / p_rest_qty;
  v_price numeric := (p_average * p_total_qty - p_known_notional) / p_rest_qty;
begin
  -- What is left of a rounded average may say nothing about the rest: then the price nearest the average that explains it.
  if v_slack > p_average * 0.01 then v_price := greatest(v_price - v_slack, least(p_average, v_price + v_slack)); end if;
  return case when v_price > 0 then pg_catalog.round(v_price, 18) end;
end
$$;
comment on function private.rest_price is
  'At what price the rest of a cumulative quantity traded, given what is known of it; null when no price can explain the average. Twin of restPrice.';
alter function private.rest_price owner to zoe_engine;

create function private.beyond_limit(p_side text, p_limit_price numeric, p_price numeric) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return case p_side when 'buy' then p_price > p_limit_price * 1.000001 else p_price < p_limit_price * 0.999999 end;
end
$$;
comment on function private.beyond_limit is 'Whether a price is worse for us than the order''s limit. Twin of isBeyondLimit.';
alter function private.beyond_limit owner to zoe_engine;

create function private.fee_is_out_of_proportion(p_fee numeric, p_notional numeric) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  -- No venue takes a twentieth; a smallest fee of a few cents on a tiny order is none.
  return p_fee > greatest(p_notional * 0.05, 0.05);
end
$$;
comment on function private.fee_is_out_of_proportion is 'Whether a fee is more than 5 % of what was traded, and more than five cents. Twin of isFeeOutOfProportion.';
alter function private.fee_is_out_of_proportion owner to zoe_engine;

create function private.clock_leeway() returns interval
language plpgsql immutable set search_path = ''
as $$
begin
  return interval '1 minute';
end
$$;
comment on function private.clock_leeway is 'How far a broker''s clock may be off before a person is told.';
alter function private.clock_leeway owner to zoe_engine;
