-- An intent as it arrives: read, checked for form, and sized to what the instrument allows.

create type private.intent_request as (
  engine text, mode text, symbol text, side text, purpose text, urgency text,
  notional numeric, qty numeric, limit_price numeric, confidence numeric,
  strategy text, reason text, metadata jsonb, idempotency_key text, payload jsonb, problem text
);
comment on type private.intent_request is 'problem: why it is malformed, null when it is not. qty: what the first order would ask for.';

create function private.canonical_payload(p private.intent_request) returns jsonb
language plpgsql immutable set search_path = ''
as $$
declare
  v_payload jsonb := (p).payload || pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'notional', (p).notional::text, 'qty', (p).qty::text, 'limit_price', (p).limit_price::text, 'confidence', (p).confidence::text
  ));
begin
  if not pg_catalog.jsonb_path_exists(v_payload, 'strict $.* ? (@ == null)') then return v_payload; end if;
  return (select pg_catalog.jsonb_object_agg(f.key, f.value) from pg_catalog.jsonb_each(v_payload) as f where f.value <> 'null');
end
$$;
comment on function private.canonical_payload is
  'The payload of a well-formed intent with amounts in one spelling and without nulls, so that 25, "25" and "25.00" are the same request.';
grant execute on function private.canonical_payload to zoe_engine;

create function private.metadata_problem(p jsonb) returns text
language plpgsql stable set search_path = ''
as $$
begin
  return case
    when p is null then null
    when pg_catalog.jsonb_typeof(p) <> 'object' then 'metadata must be an object'
    when p ->> 'urgency' not in ('passive', 'stop_loss') then 'metadata.urgency must be passive or stop_loss'
    when p ->> 'stop_price' is not null and not coalesce(private.parse_amount(p ->> 'stop_price') > 0, false)
      then 'metadata.stop_price must be a positive finite number'
    when p ->> 'target_price' is not null and not coalesce(private.parse_amount(p ->> 'target_price') > 0, false)
      then 'metadata.target_price must be a positive finite number'
    when p ->> 'exit_by' is not null and not pg_catalog.pg_input_is_valid(p ->> 'exit_by', 'timestamptz')
      then 'metadata.exit_by must be a moment in ISO 8601'
  end;
end
$$;
comment on function private.metadata_problem is 'Why metadata can''t be kept: what is copied to the position at the first fill must be readable then.';
grant execute on function private.metadata_problem to zoe_engine;

create function private.intent_problem(p jsonb) returns text
language plpgsql stable set search_path = ''
as $$
declare
  v_known constant text[] :=
    '{engine,mode,symbol,side,purpose,notional,qty,limit_price,idempotency_key,strategy,confidence,reason,metadata}';
  v_amount text := case when p ->> 'purpose' = 'entry' then 'notional' else 'qty' end;
  v_field text;
begin
  if p - v_known <> '{}' then
    return pg_catalog.format('there is no field %L', (select f from pg_catalog.jsonb_object_keys(p - v_known) as f limit 1));
  end if;
  foreach v_field in array '{engine,mode,symbol,side,purpose,idempotency_key}'::text[] loop
    if pg_catalog.jsonb_typeof(p -> v_field) is distinct from 'string' then return v_field || ' must be a text'; end if;
  end loop;
  foreach v_field in array '{strategy,reason}'::text[] loop
    if pg_catalog.jsonb_typeof(p -> v_field) not in ('string', 'null') or pg_catalog.length(p ->> v_field) > 500 then
      return v_field || ' must be a text of at most 500 characters';
    end if;
  end loop;
  return case
    when pg_catalog.length(p ->> 'idempotency_key') not between 1 and 200 then 'idempotency_key must have 1 to 200 characters'
    when p ->> 'engine' not in ('trader', 'edge_factory', 'manual') then 'engine must be trader, edge_factory or manual'
    when p ->> 'mode' not in ('paper', 'live') then 'mode must be paper or live'
    when p ->> 'purpose' not in ('entry', 'exit', 'flatten') then 'purpose must be entry, exit or flatten'
    when p ->> 'side' is distinct from case p ->> 'purpose' when 'entry' then 'buy' else 'sell' end
      then 'side must be buy for an entry and sell for an exit or flatten'
    when p ->> case v_amount when 'qty' then 'notional' else 'qty' end is not null
      then pg_catalog.format('%s is given by %s alone', p ->> 'purpose', v_amount)
    when not coalesce(private.parse_amount(p ->> v_amount) > 0, false) then v_amount || ' must be a positive finite number'
    when not coalesce(private.parse_amount(p ->> 'limit_price') > 0, false) then 'limit_price must be a positive finite number'
    when p ->> 'confidence' is not null and private.parse_amount(p ->> 'confidence') is null then 'confidence must be a finite number'
    else private.metadata_problem(nullif(p -> 'metadata', 'null'))
  end;
end
$$;
comment on function private.intent_problem is 'What is wrong with an intent''s form, as a sentence without its capital; null when nothing is.';
grant execute on function private.intent_problem to zoe_engine;

create function private.read_intent(p jsonb) returns private.intent_request
language plpgsql stable set search_path = ''
as $$
declare
  v private.intent_request;
begin
  v.problem := case
    when p is null or pg_catalog.jsonb_typeof(p) <> 'object' then 'it must be a JSON object'
    when pg_catalog.length(p::text) > 20000 then 'it is longer than 20,000 characters'
    else private.intent_problem(p)
  end;
  v.payload := p;
  v.idempotency_key := coalesce(
    case when pg_catalog.jsonb_typeof(p -> 'idempotency_key') = 'string' then nullif(pg_catalog.left(p ->> 'idempotency_key', 200), '') end,
    'malformed:' || pg_catalog.md5(coalesce(p::text, 'null'))
  );
  if pg_catalog.jsonb_typeof(p) is distinct from 'object' or pg_catalog.length(p::text) > 20000 then
    v.payload := pg_catalog.jsonb_build_object('unread', pg_catalog.left(p::text, 200));
    return v;
  end if;
  v.engine := p ->> 'engine';
  v.mode := p ->> 'mode';
  v.symbol := pg_catalog.left(p ->> 'symbol', 40);
  v.side := p ->> 'side';
  v.purpose := p ->> 'purpose';
  v.urgency := coalesce(p #>> '{metadata,urgency}', 'passive');
  if v.problem is not null then return v; end if;
  v.notional := private.parse_amount(p ->> 'notional');
  v.qty := private.parse_amount(p ->> 'qty');
  v.limit_price := private.parse_amount(p ->> 'limit_price');
  v.confidence := private.parse_amount(p ->> 'confidence');
  v.payload := private.canonical_payload(v);
  v.strategy := p ->> 'strategy';
  v.reason := p ->> 'reason';
  v.metadata := coalesce(nullif(p -> 'metadata', 'null'), '{}');
  return v;
end
$$;
comment on function private.read_intent is 'Reads an intent without ever raising: what is wrong with it is its problem.';
grant execute on function private.read_intent to zoe_engine;

create function private.size_intent(p private.intent_request) returns private.intent_request
language plpgsql stable set search_path = ''
as $$
declare
  v private.intent_request := p;
  i public.instruments;
begin
  select * into i from public.instruments as n where n.symbol = p.symbol;
  if i.symbol is null then
    v.problem := pg_catalog.format('there is no instrument %L', p.symbol);
    return v;
  end if;
  v.limit_price := pg_catalog.trim_scale(case p.side
    when 'buy' then pg_catalog.div(p.limit_price, i.price_increment)
    else pg_catalog.ceil(p.limit_price / i.price_increment)
  end * i.price_increment);
  if v.limit_price <= 0 then
    v.problem := pg_catalog.format('limit_price is below the price increment %s', i.price_increment);
    return v;
  end if;
  v.qty := pg_catalog.trim_scale(i.qty_increment * case
    when p.qty is null then pg_catalog.div(p.notional, v.limit_price * i.qty_increment) else pg_catalog.div(p.qty, i.qty_increment)
  end);
  v.problem := case
    when p.purpose = 'entry' and not i.enabled then p.symbol || ' is not on the watchlist'
    when p.purpose = 'entry' then private.too_small_to_sell(p.mode, i, v.qty, v.limit_price, p.metadata)
    when private.below_minimum(i, v.qty, v.limit_price) then pg_catalog.format(
      '%s %s at %s is below the instrument''s minimum of %s and %s USD', v.qty, p.symbol, v.limit_price,
      pg_catalog.trim_scale(i.min_qty), pg_catalog.trim_scale(i.min_notional)
    )
  end;
  return v;
end
$$;
comment on function private.size_intent is
  'Rounds price and quantity to the instrument''s increments (buy down, sell up; quantity always down) and checks its minimums; an entry must be worth a sale at its own stop.';
grant execute on function private.size_intent to zoe_engine;
