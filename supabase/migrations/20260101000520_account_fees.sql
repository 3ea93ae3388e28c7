-- What an account pays in fees, and what that leaves of its cash: one home for guard, sizing, cost filter, paper exchange and screen.

create function private.worst_fee_bps(p_account public.accounts) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return greatest((p_account).maker_bps, (p_account).taker_bps);
end
$$;
comment on function private.worst_fee_bps is
  'The rate a guard counts with, in basis points: an entry may turn out a taker, whatever it was meant to be. Twin of worstFeeBps.';
grant execute on function private.worst_fee_bps to authenticated, zoe_engine;

create function private.cash_with_fee(p_notional numeric, p_fee_bps numeric) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return pg_catalog.trim_scale(p_notional * (10000 + p_fee_bps) * 0.0001);
end
$$;
comment on function private.cash_with_fee is 'What a buy of this notional costs with its fee, in USD. Twin of cashWithFee.';
grant execute on function private.cash_with_fee to authenticated, zoe_engine;

create function private.free_cash(p_account public.accounts) returns numeric
language plpgsql immutable set search_path = ''
as $$
begin
  return (p_account).cash - private.cash_with_fee((p_account).reserved_cash, private.worst_fee_bps(p_account));
end
$$;
comment on function private.free_cash is 'Cash that no open buy holds back, their fees counted, in USD. Twin of freeCash.';
grant execute on function private.free_cash to authenticated, zoe_engine;

create function private.follow_paper_fee(p_bps numeric) returns void
language sql security definer set search_path = ''
begin atomic
  update public.accounts as a
  set maker_bps = p_bps, taker_bps = p_bps, fee_source = 'knob', version = a.version + 1, updated_at = private.clock()
  where a.mode = 'paper';
end;
comment on function private.follow_paper_fee is
  'Gives the paper account the rate of PAPER_FEE_BPS, maker and taker alike, as Robinhood charges its API''s limit orders.';
alter function private.follow_paper_fee owner to zoe_engine;

create function private.take_broker_fees(p_mode text, p_book jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_maker numeric := private.parse_amount(p_book ->> 'maker_bps');
  v_taker numeric := private.parse_amount(p_book ->> 'taker_bps');
begin
  -- Half a tariff, or one that can't be true, is none.
  if p_mode <> 'live' or (v_maker between 0 and 1000 and v_taker between 0 and 1000) is not true then return; end if;
  update public.accounts as a
  set maker_bps = n.maker, taker_bps = n.taker, fee_source = 'broker', version = a.version + 1, updated_at = private.clock()
  from (
    select k.mode,
      case k.fee_source when 'operator' then greatest(v_maker, k.maker_bps) else v_maker end as maker,
      case k.fee_source when 'operator' then greatest(v_taker, k.taker_bps) else v_taker end as taker
    from public.accounts as k
  ) as n
  where n.mode = a.mode and a.mode = p_mode
    and ((a.maker_bps, a.taker_bps) <> (n.maker, n.taker) or a.fee_source = 'assumed');
  if not found then return; end if;
  perform private.record_thoughts(p_mode, 'broker', pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('type', 'fees', 'content',
    pg_catalog.format('The broker says it charges maker %s, taker %s basis points', v_maker, v_taker))));
end
$$;
comment on function private.take_broker_fees is
  'Takes the rates that a broker reports with its books (maker_bps and taker_bps, both or none); an operator''s word is only ever raised by them.';
alter function private.take_broker_fees owner to zoe_engine;

create function private.set_account_fees(p_mode text, p_maker_bps numeric, p_taker_bps numeric, p_reason text, p_broker text, p_actor text)
returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_problem text := case
    when p_mode is distinct from 'live'
      then pg_catalog.format('mode is %s: only live has fees of its own, paper follows PAPER_FEE_BPS', coalesce(p_mode, 'missing'))
    when (p_maker_bps between 0 and 1000 and p_taker_bps between 0 and 1000) is not true then pg_catalog.format(
      'maker_bps is %s and taker_bps is %s: both must be numbers from 0 to 1000, and what is not known is not 0',
      coalesce(p_maker_bps::text, 'missing'), coalesce(p_taker_bps::text, 'missing'))
    when coalesce(pg_catalog.btrim(p_reason), '') = '' then 'it needs a reason: where the rates were read'
  end;
  a public.accounts;
begin
  if v_problem is not null then
    raise exception 'fees_invalid' using errcode = 'PT400', detail = pg_catalog.format('The fees can''t be set: %s.', v_problem);
  end if;
  perform private.lock_account(p_mode);
  perform private.set_actor(p_actor);
  update public.accounts as k
  set maker_bps = p_maker_bps, taker_bps = p_taker_bps, fee_source = 'operator', version = k.version + 1, updated_at = private.clock(),
      broker = coalesce(nullif(pg_catalog.left(pg_catalog.btrim(p_broker), 100), ''), k.broker)
  where k.mode = p_mode returning k.* into a;
  perform private.record_command(p_actor, p_mode, pg_catalog.format(
    'Fees of %s at %s: maker %s, taker %s basis points: %s', p_mode, a.broker, p_maker_bps, p_taker_bps, pg_catalog.btrim(p_reason)));
  return pg_catalog.jsonb_build_object('mode', a.mode, 'broker', a.broker, 'maker_bps', pg_catalog.trim_scale(a.maker_bps)::text,
    'taker_bps', pg_catalog.trim_scale(a.taker_bps)::text, 'fee_source', a.fee_source);
end
$$;
comment on function private.set_account_fees is
  'Sets what the live account pays, in basis points, with who said so and why. Raises PT400 for paper, for a rate that is missing or out of range, and without a reason.';
alter function private.set_account_fees owner to zoe_engine;

create function private.command_account_fees(p_mode text, p_maker_bps text, p_taker_bps text, p_reason text, p_broker text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
  v_told jsonb := pg_catalog.jsonb_build_object('maker_bps', p_maker_bps, 'taker_bps', p_taker_bps);
begin
  return private.set_account_fees(
    p_mode, private.read_amount(v_told, 'maker_bps'), private.read_amount(v_told, 'taker_bps'), p_reason, p_broker, v_actor
  );
end
$$;
comment on function private.command_account_fees is 'Sets the live account''s fees for an operator.';
grant execute on function private.command_account_fees to authenticated;
alter function private.command_account_fees owner to zoe_engine;

create function public.set_account_fees(mode text, maker_bps text, taker_bps text, reason text, broker text default null) returns jsonb
language sql security invoker set search_path = ''
return private.command_account_fees(mode, maker_bps, taker_bps, reason, broker);
comment on function public.set_account_fees is
  'Operators: what the live broker charges, in basis points (40 is 0.40 %), and where that was read. Paper follows the knob PAPER_FEE_BPS.';
grant execute on function public.set_account_fees to authenticated;
