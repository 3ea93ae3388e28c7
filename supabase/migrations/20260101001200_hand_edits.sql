-- Hand edits: a cancel written in any SQL client is a real cancel; everything else is refused with what to do instead.
-- The triggers are security invoker: engine functions run as zoe_engine, everybody else is a hand.

create function private.refuse_hand_edit() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if current_user = 'zoe_engine' then return null; end if;
  raise exception '% on % is refused: the book is written by the engine only. %', tg_op, tg_table_name, tg_argv[0]
    using errcode = 'PT403';
end
$$;
comment on function private.refuse_hand_edit is 'Refuses a statement that isn''t the engine''s, with guidance.';

create function private.lock_for_hand_edit() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if current_user = 'zoe_engine' then return null; end if;
  perform private.lock_accounts();
  perform private.set_actor('sql:' || session_user);
  return null;
end
$$;
comment on function private.lock_for_hand_edit is
  'A hand''s update takes the account rows before any order''s, as everything does, and is logged under its login.';

create function private.cancel_by_hand() returns trigger
language plpgsql set search_path = ''
as $$
declare
  v_free constant text[] := '{status,cancel_reason_code,updated_at,remaining_qty}';
  v_reason text := coalesce(nullif(new.cancel_reason_code, old.cancel_reason_code), 'manual_sql');
begin
  if current_user = 'zoe_engine' then return new; end if;
  if new.status <> 'canceled' or pg_catalog.to_jsonb(new) - v_free <> pg_catalog.to_jsonb(old) - v_free then
    raise exception 'Order % can''t be changed by hand, only canceled: UPDATE crypto_orders SET status = ''canceled'' WHERE id = ''%'';',
      old.id, old.id using errcode = 'PT403', hint = 'What the broker reports is booked by apply_execution_reports; new orders come from submit_intent.';
  end if;
  if not private.is_live(old.status) then
    raise notice 'Order % is already % and stays as it is.', old.id, old.status;
    return null;
  end if;
  if old.status = 'cancel_pending' and not private.orders_the_rest(old.cancel_reason_code) then
    raise notice 'Order % is already being canceled (%).', old.id, old.cancel_reason_code;
    return null;
  end if;
  new := old;
  new.status := case old.status when 'new' then 'canceled' else 'cancel_pending' end;
  new.cancel_reason_code := case when private.orders_the_rest(v_reason) then 'manual_sql' else v_reason end;
  new.cancel_requested_at := private.clock();
  new.cancel_requested_by := private.actor();
  new.next_action_at := case old.status when 'new' then null else new.cancel_requested_at end;
  new.attempts := case old.status when 'cancel_pending' then old.attempts else 0 end;
  return new;
end
$$;
comment on function private.cancel_by_hand is
  'Turns a hand''s status = canceled into the request it means: canceled at once when never sent, else cancel_pending until the broker proves it.';

create function private.after_hand_cancel() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.end_unsent_intents(array(select n.id from new_rows as n where n.status = 'canceled'));
  if exists (select from new_rows as n where n.status = 'cancel_pending') then
    perform private.wake('reposition-tick', 'hand cancel');
  end if;
  return null;
end
$$;
comment on function private.after_hand_cancel is 'Ends the intents of orders that were never sent, and wakes the reposition tick for the others.';
alter function private.after_hand_cancel owner to zoe_engine;

create trigger crypto_orders__a_refuse before insert or delete or truncate on public.crypto_orders
for each statement execute function private.refuse_hand_edit(
  'Orders come from submit_intent(...) and are kept for ever; to cancel one: UPDATE crypto_orders SET status = ''canceled'' WHERE id = ''...'';'
);
create trigger crypto_orders__a_lock before update on public.crypto_orders
for each statement execute function private.lock_for_hand_edit();
create trigger crypto_orders__a_hand before update on public.crypto_orders
for each row execute function private.cancel_by_hand();
create trigger crypto_orders__z_hand after update on public.crypto_orders
referencing new table as new_rows for each statement when (current_user <> 'zoe_engine') execute function private.after_hand_cancel();
alter table public.crypto_orders enable always trigger crypto_orders__a_refuse;
alter table public.crypto_orders enable always trigger crypto_orders__a_lock;
alter table public.crypto_orders enable always trigger crypto_orders__a_hand;
alter table public.crypto_orders enable always trigger crypto_orders__z_hand;

do $$
declare
  v_table text;
  v_guidance text;
begin
  for v_table, v_guidance in
    values
      ('order_intents', 'Call submit_intent(...); to stop one, cancel its order.'),
      ('order_events', 'It is the log that every change of an order writes by itself.'),
      ('trade_locks', 'A lock frees itself when its engine is flat, or expires.'),
      ('crypto_fills', 'Fills come from apply_execution_reports(...).'),
      ('position_lots', 'Lots follow from fills; broker holdings are adopted with adopt_broker_books(...).'),
      ('lot_closures', 'They follow from fills.'),
      ('positions', 'Positions follow from fills; broker holdings are adopted with adopt_broker_books(...).'),
      ('cash_ledger', 'Deposits, withdrawals and adjustments: record_cash_event(...).'),
      ('accounts', 'Safe mode: set_safe_mode(...); money: record_cash_event(...); the rest follows from fills and reconciliations.'),
      ('config_events', 'It is the log that every change of a knob writes by itself.')
  loop
    execute pg_catalog.format(
      'create trigger %1$I before insert or update or delete or truncate on public.%2$I for each statement execute function private.refuse_hand_edit(%3$L)',
      v_table || '__a_refuse', v_table, v_guidance
    );
    execute pg_catalog.format('alter table public.%I enable always trigger %I', v_table, v_table || '__a_refuse');
  end loop;
end
$$;
