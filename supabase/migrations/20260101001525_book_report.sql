-- One report, booked: what it adds, and every kind of contradiction in it.

create function private.book_fee_difference(p_order public.crypto_orders, p_report private.broker_report, p_more numeric) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_currency text := private.fee_currency_of(p_report);
  v_left numeric := p_more;
  v_part numeric;
  v_fill record;
begin
  for v_fill in
    select b.fill_id, b.price, l.fee - b.fee as listed_more
    from (
      select e.fill_id, e.price, e.executed_at, case v_currency when 'USD' then e.fee else e.fee_qty end as fee
      from private.booked_executions(p_order, p_report) as e where e.is_ours and e.qty > 0
    ) as b
    left join private.listed_fills(p_order, p_report) as l on l.fill_id = b.fill_id and l.fee_currency = v_currency
    order by coalesce(l.fee - b.fee, 0) > 0 desc, b.executed_at desc, b.fill_id desc
  loop
    exit when v_left <= 0;
    v_part := case when v_fill.listed_more > 0 then least(v_left, v_fill.listed_more) else v_left end;
    perform private.book_late_fee(
      p_order, v_fill.fill_id, private.fee_in('USD', v_part, v_currency, v_fill.price), case v_currency when 'USD' then 0 else v_part end
    );
    v_left := v_left - v_part;
  end loop;
end
$$;
comment on function private.book_fee_difference is
  'Books what the cumulative fee says beyond what is booked: on the fills whose listed fee grew, the rest on the last one.';
alter function private.book_fee_difference owner to zoe_engine;

create function private.settle_fees(
  p_order public.crypto_orders, p_report private.broker_report, p_list record, p_is_old boolean
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_is_coin boolean := private.fee_currency_of(p_report) <> 'USD';
  v_booked record;
  v_known numeric;
  v_slack numeric;
  v_told numeric;
begin
  select * into v_booked from private.booked_of(p_order.id);
  v_known := case when v_is_coin then v_booked.fee_in_coins else v_booked.fee end;
  v_told := coalesce(p_report.fee, case when p_list.has_fees and not private.is_beyond(v_booked.qty, p_list.qty) then p_list.fee end);
  v_slack := private.fee_slack(v_told, case when v_is_coin then v_booked.notional / v_booked.qty else 1 end);
  if v_told - v_known > v_slack then perform private.book_fee_difference(p_order, p_report, v_told - v_known); end if;
  return pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'fee_shrank', case
      when v_known - v_told > v_slack and not p_is_old then pg_catalog.format('fee %s after %s was booked', v_told, pg_catalog.trim_scale(v_known))
    end,
    'fee_beside_list', case
      when v_told - v_known > v_slack and p_list.has_fees and not private.is_beyond(v_booked.qty, p_list.qty) and v_told - p_list.fee > v_slack
        then pg_catalog.format('fee %s, and the listed fills'' add up to %s', v_told, pg_catalog.trim_scale(p_list.fee))
    end
  ));
end
$$;
comment on function private.settle_fees is
  'Compares the cumulative fee with what is booked of the same quantity: more is booked as told late, less is never given back. Returns what is odd.';
alter function private.settle_fees owner to zoe_engine;

create function private.totals_findings(
  p_order public.crypto_orders, p_report private.broker_report, p_is_old boolean, p_was_fee numeric
) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_booked record;
begin
  select * into v_booked from private.booked_of(p_order.id);
  return pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'quantity_shrank', case
      when not p_is_old and private.is_beyond(v_booked.qty, p_report.filled_qty)
        then pg_catalog.format('filled_qty %s after %s was booked', p_report.filled_qty, v_booked.qty)
    end,
    'average_contradicts', case
      when not p_is_old and p_report.filled_qty > 0 and not private.is_beyond(v_booked.qty, p_report.filled_qty)
        and not private.is_beyond(p_report.filled_qty, v_booked.qty)
        and pg_catalog.abs(p_report.average_price * v_booked.qty - v_booked.notional) > private.price_slack(p_report.average_price) * v_booked.qty
        then pg_catalog.format('average price %s for the same quantity that is booked at %s', p_report.average_price,
          pg_catalog.trim_scale(pg_catalog.round(v_booked.notional / v_booked.qty, 10)))
    end,
    'fee_out_of_proportion', case
      when v_booked.fee > p_was_fee and private.fee_is_out_of_proportion(v_booked.fee, v_booked.notional)
        then pg_catalog.format('fee %s USD for %s USD traded', v_booked.fee, pg_catalog.trim_scale(pg_catalog.round(v_booked.notional, 8)))
    end,
    'fee_negative', case
      when v_booked.fee < p_was_fee and v_booked.fee < 0 then pg_catalog.format('fee %s: money back from the broker', v_booked.fee)
    end,
    'clock_ahead', case
      when p_report.told_at > p_report.observed_at then 'observed_at is ahead of our clock'
    end
  ));
end
$$;
comment on function private.totals_findings is 'What is odd about the cumulative figures of a report beside what is booked now. An older copy contradicts nothing.';
alter function private.totals_findings owner to zoe_engine;

create function private.book_executions(
  p_order public.crypto_orders, p_report private.broker_report, p_booked record, p_list record, p_total numeric, inout findings jsonb, out excess numeric
)
language plpgsql security definer set search_path = ''
as $$
declare
  v_rest numeric := p_total - p_booked.qty - p_list.new_qty;
  v_room numeric := p_total - p_booked.qty;
  v_price numeric := case
    when v_rest > 0 then private.rest_price(p_report.average_price, p_report.filled_qty, p_booked.notional + p_list.new_notional, v_rest)
  end;
  v_fee_left numeric := 0;
begin
  excess := 0;
  if v_rest > 0 and v_price is null then
    findings := findings || pg_catalog.jsonb_build_object('figures_impossible', pg_catalog.format(
      'filled_qty %s with average price %s cannot follow %s filled for %s', p_report.filled_qty,
      coalesce(p_report.average_price::text, 'unknown'), p_booked.qty, pg_catalog.trim_scale(p_booked.notional)));
    return;
  end if;
  if p_report.filled_qty = p_total and (v_rest > 0 or not p_list.has_fees) then
    v_fee_left := coalesce(p_report.fee, 0) - p_list.new_fee
      - case private.fee_currency_of(p_report) when 'USD' then p_booked.fee else p_booked.fee_in_coins end;
    -- A cumulative fee below what was booked before gives nothing back; one that is negative from the start is told.
    if v_fee_left < 0 and p_booked.qty + p_list.new_qty > 0 then v_fee_left := 0; end if;
  end if;
  if p_list.new_qty > 0 then
    excess := private.book_named_fills(p_order, p_report, v_room, case when v_rest = 0 then v_fee_left else 0 end);
  end if;
  if v_rest > 0 then
    excess := excess + private.book_rest(p_order, p_report, p_total, v_rest, v_price, v_fee_left);
    findings := findings || pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
      'worse_than_limit', case
        when private.beyond_limit(p_order.side, p_order.limit_price, v_price - case p_order.side when 'buy' then 1 else -1 end
          * private.price_slack(p_report.average_price) * p_report.filled_qty / v_rest)
          then pg_catalog.format('%s at %s, the limit is %s', v_rest, pg_catalog.trim_scale(v_price), p_order.limit_price)
      end,
      'totals_beyond_list', case
        when p_list.qty > 0 and private.is_beyond(p_total, p_booked.qty + p_list.new_qty)
          then pg_catalog.format('filled_qty %s, of which no list names %s', p_report.filled_qty, v_rest)
      end
    ));
  end if;
end
$$;
comment on function private.book_executions is
  'Books what is new of a report: the fills that it names, and what its cumulative figures say beyond them. Adds what is odd to the findings.';
alter function private.book_executions owner to zoe_engine;

create function private.book_report(p_order public.crypto_orders, p_report private.broker_report) returns private.report_booking
language plpgsql security definer set search_path = ''
as $$
declare
  b private.report_booking := row(p_order.filled_qty, p_order.average_price, p_order.fee, 0, '{}');
  v_is_old boolean := coalesce(p_report.observed_at < p_order.reported_at, false);
  v_was_fee numeric;
  v_booked record;
  v_list record;
  v_total numeric;
  v_done record;
begin
  select * into v_booked from private.booked_of(p_order.id);
  v_was_fee := v_booked.fee;
  select * into v_list from private.list_of(p_order, p_report, greatest(p_report.filled_qty - v_booked.qty, 0));
  b.findings := case when v_is_old then v_list.findings - 'fill_contradicts' else v_list.findings end;
  v_total := greatest(v_booked.qty, coalesce(p_report.filled_qty, v_booked.named_qty + v_list.new_qty));
  if v_list.new_qty > 0 and (private.is_beyond(v_list.qty, p_report.filled_qty) or v_list.new_qty > v_total - v_booked.qty) then
    if not v_is_old and private.is_beyond(v_list.qty, p_report.filled_qty) then
      b.findings := b.findings || pg_catalog.jsonb_build_object('list_beyond_totals', pg_catalog.format(
        'lists fills of %s with filled_qty %s', pg_catalog.trim_scale(v_list.qty), p_report.filled_qty));
    end if;
    -- The totals bound the list: fills without an id may already stand for the ones named now, and only the difference is booked.
    b.findings := b.findings - 'worse_than_limit' - 'time_implausible';
    v_list.new_qty := 0; v_list.new_notional := 0; v_list.new_fee := 0; v_list.has_fees := false; v_list.qty := 0;
  end if;
  if v_total > v_booked.qty then
    select * into v_done from private.book_executions(p_order, p_report, v_booked, v_list, v_total, b.findings);
    b.findings := v_done.findings;
    b.excess := v_done.excess;
    select * into v_booked from private.booked_of(p_order.id);
  end if;
  if v_booked.qty > 0 and not private.is_beyond(v_booked.qty, coalesce(p_report.filled_qty, v_booked.qty))
    and not private.is_beyond(coalesce(p_report.filled_qty, v_booked.qty), v_booked.qty) then
    b.findings := b.findings || private.settle_fees(p_order, p_report, v_list, v_is_old);
    select * into v_booked from private.booked_of(p_order.id);
  end if;
  b.findings := b.findings || private.totals_findings(p_order, p_report, v_is_old, v_was_fee);
  b.filled_qty := v_booked.qty;
  b.average_price := coalesce(pg_catalog.trim_scale(pg_catalog.round(v_booked.notional / nullif(v_booked.qty, 0), 18)), p_order.average_price);
  b.fee := v_booked.fee;
  return b;
end
$$;
comment on function private.book_report is
  'Books what a report adds to what is booked. Figures are cumulative and only grow; an execution is booked once; the rest is one fill named by its cumulative quantity; what contradicts is found by kind.';
alter function private.book_report owner to zoe_engine;
