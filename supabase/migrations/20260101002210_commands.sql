-- What operators may do. Every command checks the caller itself, says who did it, and answers with what is true now.

create function private.record_command(p_actor text, p_mode text, p_content text) returns void
language sql security definer set search_path = ''
begin atomic
  insert into public.thoughts (mode, engine, type, content, metadata)
  values (p_mode, 'operator', 'command', p_content, pg_catalog.jsonb_build_object('actor', p_actor));
end;
comment on function private.record_command is 'Writes down who commanded what.';
alter function private.record_command owner to zoe_engine;

create function private.command_kill_switch(p_on boolean, p_reason text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
  v_knob jsonb;
begin
  if p_on is null then
    raise exception 'bad_command' using errcode = 'PT400', detail = 'on_ can''t be null: it must be true or false.';
  end if;
  perform private.set_actor(v_actor);
  v_knob := private.set_knob('kill_switch', p_on::text, v_actor);
  perform private.record_command(
    v_actor, null, pg_catalog.format('Kill switch %s: %s', case when p_on then 'on' else 'off' end, coalesce(p_reason, 'no reason given'))
  );
  return v_knob;
end
$$;
comment on function private.command_kill_switch is 'Turns the kill switch on or off for an operator.';
grant execute on function private.command_kill_switch to authenticated;
alter function private.command_kill_switch owner to zoe_engine;

create function public.set_kill_switch(on_ boolean, reason text) returns jsonb
language sql security invoker set search_path = ''
return private.command_kill_switch(on_, reason);
comment on function public.set_kill_switch is 'Operators: stops all new trading, or re-arms it.';
grant execute on function public.set_kill_switch to authenticated;

create function private.command_cancel(p_order_id uuid, p_reason text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
begin
  return private.request_cancel(p_order_id, coalesce(nullif(pg_catalog.btrim(p_reason), ''), 'operator'), v_actor);
end
$$;
comment on function private.command_cancel is 'Asks for the cancel of an order for an operator.';
grant execute on function private.command_cancel to authenticated;
alter function private.command_cancel owner to zoe_engine;

create function public.request_cancel(order_id uuid, reason text) returns jsonb
language sql security invoker set search_path = ''
return private.command_cancel(order_id, reason);
comment on function public.request_cancel is 'Operators: asks the broker to cancel an order. It is canceled when the broker says so, not before.';
grant execute on function public.request_cancel to authenticated;

create function private.command_settle_order(
  p_order_id uuid, p_filled_qty text, p_average_price text, p_fee text, p_reason text
) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
  v_told jsonb := pg_catalog.jsonb_build_object('filled_qty', p_filled_qty, 'average_price', p_average_price, 'fee', p_fee);
begin
  return private.settle_order(
    p_order_id, private.read_amount(v_told, 'filled_qty'), private.read_amount(v_told, 'average_price'), private.read_amount(v_told, 'fee'),
    p_reason, v_actor
  );
end
$$;
comment on function private.command_settle_order is 'Settles an order whose fate is unknown for an operator.';
grant execute on function private.command_settle_order to authenticated;
alter function private.command_settle_order owner to zoe_engine;

create function public.settle_order(order_id uuid, filled_qty text, average_price text, fee text, reason text) returns jsonb
language sql security invoker set search_path = ''
return private.command_settle_order(order_id, filled_qty, average_price, fee, reason);
comment on function public.settle_order is
  'Operators: an order of unknown fate is over at the broker, with this much filled in all (average price and fee in USD of all of it).';
grant execute on function public.settle_order to authenticated;

create function private.command_acknowledge(p_alert_id uuid) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
  v_alert public.alerts;
begin
  update public.alerts as a
  set acknowledged_at = coalesce(a.acknowledged_at, private.clock()), acknowledged_by = coalesce(a.acknowledged_by, v_actor),
      -- What happened once has no cause that could go away: seen is done.
      resolved_at = case
        when a.kind = any (private.order_flags()) then coalesce(a.resolved_at, private.clock())
        else a.resolved_at
      end
  where a.id = p_alert_id
  returning a.* into v_alert;
  if v_alert.id is null then
    raise exception 'unknown_alert' using errcode = 'PT404', detail = pg_catalog.format('There is no alert %s.', coalesce(p_alert_id::text, 'null'));
  end if;
  return pg_catalog.jsonb_build_object(
    'id', v_alert.id, 'acknowledged_at', private.iso(v_alert.acknowledged_at), 'acknowledged_by', v_alert.acknowledged_by,
    'resolved_at', private.iso(v_alert.resolved_at)
  );
end
$$;
comment on function private.command_acknowledge is 'Notes who has seen an alert; one about something that happened once is resolved by it.';
grant execute on function private.command_acknowledge to authenticated;
alter function private.command_acknowledge owner to zoe_engine;

create function public.acknowledge_alert(alert_id uuid) returns jsonb
language sql security invoker set search_path = ''
return private.command_acknowledge(alert_id);
comment on function public.acknowledge_alert is 'Operators: takes an alert out of the banner.';
grant execute on function public.acknowledge_alert to authenticated;

create function private.command_config(p_key text, p_value text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
begin
  perform private.set_actor(v_actor);
  return private.set_knob(p_key, p_value, v_actor);
end
$$;
comment on function private.command_config is 'Sets a knob for an operator.';
grant execute on function private.command_config to authenticated;
alter function private.command_config owner to zoe_engine;

create function public.set_config(key text, value text) returns jsonb
language sql security invoker set search_path = ''
return private.command_config(key, value);
comment on function public.set_config is 'Operators: sets a knob. An unknown key is PT404, a bad value PT400.';
grant execute on function public.set_config to authenticated;

create function private.command_run(p_name text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
  v_request bigint;
begin
  perform private.require_tick(p_name);
  v_request := private.try_call(p_name, pg_catalog.jsonb_build_object('trigger', 'manual'));
  perform private.record_command(v_actor, null, p_name || ' called by hand');
  return pg_catalog.jsonb_build_object('name', p_name, 'called', v_request is not null);
end
$$;
comment on function private.command_run is 'Calls a tick at once for an operator.';
grant execute on function private.command_run to authenticated;
alter function private.command_run owner to zoe_engine;
grant execute on function private.try_call to zoe_engine;

create function public.run_now(name text) returns jsonb
language sql security invoker set search_path = ''
return private.command_run(name);
comment on function public.run_now is 'Operators: calls a tick at once. Its run shows in dashboard_runs.';
grant execute on function public.run_now to authenticated;

create function private.command_safe_mode(p_on boolean, p_minutes integer) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
  v_mode text;
begin
  if p_on is null or (p_on and p_minutes not between 1 and 10080) then
    raise exception 'bad_command' using errcode = 'PT400', detail = pg_catalog.format(
      'on_ must be true or false and minutes from 1 to 10080, or null for no end; got %s and %s.',
      coalesce(p_on::text, 'null'), coalesce(p_minutes::text, 'null')
    );
  end if;
  perform private.set_actor(v_actor);
  foreach v_mode in array array['live', 'paper'] loop
    if p_on then
      perform private.enter_safe_mode(v_mode, 'operator', private.clock() + pg_catalog.make_interval(mins => p_minutes));
    else
      perform private.leave_safe_mode(v_mode, v_actor);
    end if;
  end loop;
  perform private.record_command(v_actor, null, pg_catalog.format(
    'Safe mode %s%s', case when p_on then 'on' else 'off' end, case when p_on then coalesce(' for ' || p_minutes || ' minutes', '') end
  ));
  return (
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'mode', a.mode, 'safe_mode', a.safe_mode, 'until', private.iso(a.safe_mode_until)
    ) order by a.mode)
    from public.accounts as a
  );
end
$$;
comment on function private.command_safe_mode is 'Begins or ends safe mode in both modes for an operator.';
grant execute on function private.command_safe_mode to authenticated;
alter function private.command_safe_mode owner to zoe_engine;

create function public.set_safe_mode(on_ boolean, minutes integer) returns jsonb
language sql security invoker set search_path = ''
return private.command_safe_mode(on_, minutes);
comment on function public.set_safe_mode is 'Operators: halts entries for some minutes (null: until ended by hand), or lets them go on. Exits always pass.';
grant execute on function public.set_safe_mode to authenticated;

create function private.command_cash_event(p_mode text, p_kind text, p_amount text, p_reason text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
  v_booked jsonb;
begin
  perform private.set_actor(v_actor);
  v_booked := private.record_cash_event(p_mode, p_kind, p_amount, p_reason, v_actor);
  -- At a real broker the operator has moved the money; on paper the record is the move. An adjustment corrects our book alone.
  if p_mode = 'paper' and p_kind <> 'adjustment' then perform private.move_paper_cash((v_booked ->> 'amount')::numeric); end if;
  return v_booked;
end
$$;
comment on function private.command_cash_event is
  'Books a deposit, withdrawal or adjustment for an operator; a deposit or withdrawal on paper moves the paper exchange''s cash with it.';
grant execute on function private.command_cash_event to authenticated;
alter function private.command_cash_event owner to zoe_engine;

create function public.record_cash_event(mode text, kind text, amount text, reason text) returns jsonb
language sql security invoker set search_path = ''
return private.command_cash_event(mode, kind, amount, reason);
comment on function public.record_cash_event is 'Operators: books a deposit, withdrawal or adjustment in the cash ledger.';
grant execute on function public.record_cash_event to authenticated;

create function private.command_adopt_books(p_mode text, p_confirm text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := private.require_operator();
begin
  perform private.set_actor(v_actor);
  return private.adopt_broker_books(p_mode, p_confirm, v_actor);
end
$$;
comment on function private.command_adopt_books is 'Takes over the broker''s books for an operator who confirms it.';
grant execute on function private.command_adopt_books to authenticated;
alter function private.command_adopt_books owner to zoe_engine;

create function public.adopt_broker_books(mode text, confirm text) returns jsonb
language sql security invoker set search_path = ''
return private.command_adopt_books(mode, confirm);
comment on function public.adopt_broker_books is 'Operators: makes our cash and holdings what the broker says, after an explicit confirmation.';
grant execute on function public.adopt_broker_books to authenticated;
