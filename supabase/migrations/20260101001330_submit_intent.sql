-- submit_intent: the only way an intent and its first order come to exist.

create function private.commit_durably() returns void
language plpgsql set search_path = ''
as $$
declare
  v_durable text := pg_catalog.set_config('zoe.durable', 'yes', true);
begin
  if pg_catalog.current_setting('synchronous_commit') = 'off' then
    perform pg_catalog.set_config('synchronous_commit', 'on', true);
  end if;
end
$$;
comment on function private.commit_durably is
  'Makes this transaction wait for its commit to reach the disk, whatever the session says: an order is recorded before anything is sent.';
grant execute on function private.commit_durably to zoe_engine;

create function private.deny_intent(p private.intent_request, p_denial jsonb) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  insert into public.order_intents as i (
    engine, mode, symbol, side, purpose, urgency, target_notional, target_qty, limit_price, signal_confidence, strategy, reason,
    metadata, idempotency_key, payload, status, denial_code, denial_evidence, denial_message, denial_count, trace_id
  )
  values (
    p.engine, p.mode, p.symbol, p.side, p.purpose, case when p.urgency = 'stop_loss' then 'stop_loss' else 'passive' end, p.notional,
    case when p.purpose <> 'entry' then p.qty end, p.limit_price, p.confidence, p.strategy, p.reason, coalesce(p.metadata, '{}'),
    p.idempotency_key, p.payload, 'denied', p_denial ->> 'code', p_denial -> 'evidence', p_denial ->> 'message', 1, private.trace_id()
  )
  on conflict (idempotency_key) do update
  set denial_count = i.denial_count + 1, updated_at = private.clock(),
      denial_code = case when i.status = 'denied' then excluded.denial_code end,
      denial_evidence = case when i.status = 'denied' then excluded.denial_evidence end,
      denial_message = case when i.status = 'denied' then excluded.denial_message end,
      payload = case when excluded.denial_code = 'IDEMPOTENCY_CONFLICT' or i.status <> 'denied' then i.payload else excluded.payload end;
  return pg_catalog.jsonb_build_object(
    'status', 'denied', 'code', p_denial ->> 'code', 'evidence', p_denial -> 'evidence', 'message', p_denial ->> 'message'
  );
end
$$;
comment on function private.deny_intent is 'Stores a denial under its key, counts it, and answers it. What was accepted under the key stays as it is.';
grant execute on function private.deny_intent to zoe_engine;

create function private.take_trade_lock(p private.intent_request, p_now timestamptz) returns void
language plpgsql set search_path = ''
as $$
declare
  v_ttl_seconds integer := private.knob_number('TRADE_LOCK_TTL_SECONDS');
begin
  if p.purpose <> 'entry' and exists (
    select from public.trade_locks as l
    where l.symbol = p.symbol and l.mode = p.mode and l.engine <> p.engine and private.lock_is_held(l)
  ) then
    return;
  end if;
  -- Under the account lock nobody else writes it meanwhile.
  update public.trade_locks as l
  set engine = p.engine, instance_id = p.metadata ->> 'instance_id', renewed_at = p_now, ttl_seconds = v_ttl_seconds,
      fencing_token = case when l.engine = p.engine then l.fencing_token else pg_catalog.nextval('private.fencing_tokens') end,
      locked_at = case when l.engine = p.engine then l.locked_at else p_now end
  where l.symbol = p.symbol and l.mode = p.mode;
  if found then return; end if;
  insert into public.trade_locks (symbol, mode, engine, instance_id, fencing_token, locked_at, renewed_at, ttl_seconds)
  values (
    p.symbol, p.mode, p.engine, p.metadata ->> 'instance_id', pg_catalog.nextval('private.fencing_tokens'), p_now, p_now, v_ttl_seconds
  );
end
$$;
comment on function private.take_trade_lock is
  'Takes the symbol for the engine with a fresh fencing token, or renews its own. An exit leaves the lock that another engine holds alone.';
grant execute on function private.take_trade_lock to zoe_engine;

create function private.ttl_seconds(p_purpose text) returns integer
language plpgsql stable set search_path = ''
as $$
begin
  return private.knob_number(case p_purpose when 'entry' then 'ORDER_TTL_SECONDS_ENTRY' else 'ORDER_TTL_SECONDS_EXIT' end)::integer;
end
$$;
comment on function private.ttl_seconds is 'The seconds until an order of this purpose is looked at again. Twin of ttlSeconds.';
grant execute on function private.ttl_seconds to zoe_engine;

create function private.accept_intent(p private.intent_request) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_intent_id uuid;
  v_order_id uuid;
begin
  perform private.commit_durably();
  perform private.take_trade_lock(p, v_now);
  if p.purpose <> 'entry' then
    perform private.cancel_orders(array(
      select o.id from public.crypto_orders as o
      where o.mode = p.mode and o.symbol = p.symbol and o.side = 'buy'
        and o.status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')
    ), 'exit_first', private.actor());
  end if;
  insert into public.order_intents as i (
    engine, mode, symbol, side, purpose, urgency, target_notional, target_qty, limit_price, signal_confidence, strategy, reason,
    metadata, idempotency_key, payload, status, trace_id, created_at, updated_at
  )
  values (
    p.engine, p.mode, p.symbol, p.side, p.purpose, p.urgency, p.notional, case when p.purpose <> 'entry' then p.qty end, p.limit_price,
    p.confidence, p.strategy, p.reason, p.metadata, p.idempotency_key, p.payload, 'active', private.trace_id(), v_now, v_now
  )
  on conflict (idempotency_key) do update
  set engine = excluded.engine, mode = excluded.mode, symbol = excluded.symbol, side = excluded.side, purpose = excluded.purpose,
      urgency = excluded.urgency, target_notional = excluded.target_notional, target_qty = excluded.target_qty,
      limit_price = excluded.limit_price, signal_confidence = excluded.signal_confidence, strategy = excluded.strategy,
      reason = excluded.reason, metadata = excluded.metadata, payload = excluded.payload, status = 'active', denial_code = null,
      denial_evidence = null, denial_message = null, trace_id = excluded.trace_id, updated_at = excluded.updated_at
  returning i.id into v_intent_id;
  insert into public.crypto_orders (
    intent_group_id, engine, mode, symbol, side, purpose, urgency, qty, limit_price, ttl_seconds, next_action_at, trace_id,
    requested_at, updated_at
  )
  values (
    v_intent_id, p.engine, p.mode, p.symbol, p.side, p.purpose, p.urgency, p.qty, p.limit_price,
    private.ttl_seconds(p.purpose),
    v_now, coalesce(private.trace_id(), v_intent_id::text), v_now, v_now
  )
  returning id into v_order_id;
  return pg_catalog.jsonb_build_object('status', 'accepted', 'intent_id', v_intent_id, 'order_id', v_order_id);
end
$$;
comment on function private.accept_intent is 'Creates the intent and its first order, takes the trade lock, and cancels the entry that an exit overtakes.';
grant execute on function private.accept_intent to zoe_engine;

create function private.check_intent(p private.intent_request) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_denial jsonb;
begin
  v_denial := private.check_state_guards(p.mode, p.engine, p.purpose);
  if v_denial is not null then return v_denial; end if;
  if p.purpose = 'entry' then v_denial := private.check_quote(p.symbol); end if;
  v_denial := coalesce(v_denial, private.check_lock(p));
  if v_denial is not null then return v_denial; end if;
  if p.purpose = 'entry' then
    return coalesce(private.check_symbol_orders(p), private.check_entry_money(p.mode, p.symbol, p.notional, null, 0));
  end if;
  return coalesce(private.check_exit_quantity(p.mode, p.symbol, p.qty), private.check_symbol_orders(p));
end
$$;
comment on function private.check_intent is 'Every guard after form and key, in the order of section 5.';
grant execute on function private.check_intent to zoe_engine;

create function private.alert_stale_exit(p private.intent_request, p_order_id text) returns void
language plpgsql set search_path = ''
as $$
declare
  v_denial jsonb := private.check_quote(p.symbol);
begin
  if v_denial is null then return; end if;
  perform private.open_alert(
    'stale_exit_quote', p_order_id, p.mode, 'warning', pg_catalog.format('Exit of %s without a fresh quote', p.symbol),
    v_denial ->> 'message' || ' The exit is priced from the last good one.',
    'Check the market data; the exit follows the market as soon as quotes return.', v_denial -> 'evidence'
  );
end
$$;
comment on function private.alert_stale_exit is 'Opens an alert when an exit has to be priced from an old quote.';
grant execute on function private.alert_stale_exit to zoe_engine;

create function private.submit_intent(p_intent jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_request private.intent_request;
  v_known record;
  v_denial jsonb;
  v_answer jsonb;
begin
  -- Read before the lock, for what an intent says doesn't change while one waits; what the instrument allows may.
  v_request := private.read_intent(p_intent);
  perform private.lock_account(p_intent ->> 'mode');
  if v_request.problem is null then v_request := private.size_intent(v_request); end if;
  if v_request.problem is not null then
    return private.deny_intent(v_request, private.denial('INVALID_INTENT', 'The intent is not valid: ' || v_request.problem || '.'));
  end if;
  select i.id, i.status, i.payload, i.denial_code into v_known
  from public.order_intents as i where i.idempotency_key = v_request.idempotency_key;
  if v_known.payload <> v_request.payload and coalesce(v_known.denial_code, '') <> 'INVALID_INTENT' then
    return private.deny_intent(v_request, private.denial(
      'IDEMPOTENCY_CONFLICT', pg_catalog.format('The key %L was used for another intent.', v_request.idempotency_key),
      pg_catalog.jsonb_build_object('intent_id', v_known.id)
    ));
  end if;
  if v_known.status <> 'denied' then
    return pg_catalog.jsonb_build_object('status', 'accepted', 'intent_id', v_known.id, 'order_id', (
      select o.id from public.crypto_orders as o where o.intent_group_id = v_known.id order by o.chain_position limit 1
    ));
  end if;
  v_denial := private.check_intent(v_request);
  if v_denial is not null then return private.deny_intent(v_request, v_denial); end if;
  v_answer := private.accept_intent(v_request);
  if v_request.purpose <> 'entry' then perform private.alert_stale_exit(v_request, v_answer ->> 'order_id'); end if;
  return v_answer;
end
$$;
comment on function private.submit_intent is
  'Runs every guard under the account lock and answers accepted (intent_id, order_id) or denied (code, evidence, message). Never raises for a bad intent.';
grant execute on function private.submit_intent to service_role;
alter function private.submit_intent owner to zoe_engine;

create function private.submit_manual_intent(p_intent jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_answer jsonb;
begin
  perform private.set_actor(private.require_operator());
  if p_intent ->> 'engine' is distinct from 'manual' then
    raise exception 'manual_only' using errcode = 'PT403',
      detail = 'An operator submits intents of the engine ''manual'' only; engines submit theirs with the secret key.';
  end if;
  v_answer := private.submit_intent(p_intent);
  if v_answer ->> 'status' = 'accepted' then perform private.wake('reposition-tick', 'manual intent'); end if;
  return v_answer;
end
$$;
comment on function private.submit_manual_intent is 'submit_intent for a signed-in operator: engine manual only. Raises PT403 for anybody else.';
grant execute on function private.submit_manual_intent to authenticated;
alter function private.submit_manual_intent owner to zoe_engine;

create function public.submit_intent(intent jsonb) returns jsonb
language plpgsql security invoker set search_path = ''
as $$
declare
  v_answer jsonb;
begin
  if current_user = 'authenticated' then return private.submit_manual_intent(intent); end if;
  v_answer := private.submit_intent(intent);
  -- A denial that a crash forgets did no harm: it needn't hold the account lock until the disk has it.
  if v_answer ->> 'status' = 'denied' and pg_catalog.current_setting('zoe.durable', true) is distinct from 'yes' then
    perform pg_catalog.set_config('synchronous_commit', 'off', true);
  end if;
  return v_answer;
end
$$;
comment on function public.submit_intent is
  'Submits an intent: every guard runs, and the answer is accepted or denied. The secret key for engines, an operator''s session for manual ones.';
grant execute on function public.submit_intent to service_role, authenticated;
