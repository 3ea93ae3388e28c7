-- The account rows are the one lock that everything takes first, and the place where trading is narrowed.

create function private.day_of(p_at timestamptz) returns date
language sql immutable set search_path = ''
return (p_at at time zone 'utc')::date;
comment on function private.day_of is 'The UTC day of a moment: the day to which money that moved then belongs.';
grant execute on function private.day_of to zoe_engine;

create function private.day_begin(p_day date) returns timestamptz
language sql immutable set search_path = ''
return p_day::timestamp at time zone 'utc';
comment on function private.day_begin is 'The moment at which a UTC day begins.';
grant execute on function private.day_begin to zoe_engine;

create function private.entries_of_day(p_mode text, p_day date) returns numeric
language plpgsql stable security definer set search_path = ''
as $$
begin
  return (
    select private.cash_amount(greatest(coalesce(pg_catalog.sum(f.qty * f.price), 0), 0))
    from public.crypto_fills as f join public.crypto_orders as o on o.id = f.order_id
    where f.mode = p_mode and f.executed_at >= private.day_begin(p_day) and f.executed_at < private.day_begin(p_day + 1) and o.purpose = 'entry'
  );
end
$$;
comment on function private.entries_of_day is 'What entries filled on a UTC day that has just begun: usually nothing, or what was told of it ahead.';
alter function private.entries_of_day owner to zoe_engine;

create function private.lock_accounts() returns void
language plpgsql security definer set search_path = ''
as $$
begin
  -- A queue before the door: many who wait for the rows themselves would wake each other, and each would look at them anew.
  perform pg_catalog.pg_advisory_xact_lock('public.accounts'::regclass::oid::integer, 0);
  perform from public.accounts as a order by a.mode for no key update;
end
$$;
comment on function private.lock_accounts is
  'Takes both account rows, always in the same order. Whoever changes money, limits or the book does this before anything else.';
alter function private.lock_accounts owner to zoe_engine;

create function private.lock_account(p_mode text) returns public.accounts
language plpgsql security definer set search_path = ''
as $$
declare
  v_account public.accounts;
  v_now timestamptz;
  v_day date;
begin
  if pg_catalog.current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'The guards need a read committed transaction: any other could not see what was committed while it waited.'
      using errcode = 'PT400';
  end if;
  perform private.lock_accounts();
  v_now := private.clock();
  v_day := (v_now at time zone 'utc')::date;
  select * into v_account from public.accounts as a where a.mode = p_mode;
  -- Only a replay's clock goes back: it may start long before the database was made.
  if v_account.day < v_day or (v_account.day > v_day and private.clock_is_replayed()) then
    update public.accounts as a set day = v_day, day_notional = private.entries_of_day(p_mode, v_day), updated_at = v_now
    where a.mode = p_mode returning a.* into v_account;
  end if;
  if v_account.safe_mode and v_account.safe_mode_until <= v_now then
    perform private.leave_safe_mode(p_mode, 'clock');
    select * into v_account from public.accounts as a where a.mode = p_mode;
  end if;
  return v_account;
end
$$;
comment on function private.lock_account is
  'Locks the accounts, begins a new UTC day if midnight has passed, ends a safe mode whose time is over, and returns the account.';
alter function private.lock_account owner to zoe_engine;

create function private.enter_safe_mode(p_mode text, p_reason text, p_until timestamptz default null) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.lock_account(p_mode);
  update public.accounts as a
  set safe_mode = true, safe_mode_reason = p_reason, safe_mode_until = p_until,
      safe_mode_since = case when a.safe_mode then a.safe_mode_since else private.clock() end,
      version = a.version + 1, updated_at = private.clock()
  where a.mode = p_mode;
  perform private.cancel_halted_entries(p_mode);
end
$$;
comment on function private.enter_safe_mode is
  'Halts entries of a mode until a moment (null: until left) and cancels the working ones. Exits go on. A safe mode in force keeps its since.';
alter function private.enter_safe_mode owner to zoe_engine;

create function private.leave_safe_mode(p_mode text, p_actor text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.lock_accounts();
  update public.accounts as a
  set safe_mode = false, safe_mode_reason = null, safe_mode_since = null, safe_mode_until = null, empty_scans = 0,
      version = a.version + 1, updated_at = private.clock()
  where a.mode = p_mode and a.safe_mode;
end
$$;
comment on function private.leave_safe_mode is 'Lets entries of a mode go on. The actor is who or what ended it.';
alter function private.leave_safe_mode owner to zoe_engine;

create function private.enter_degraded(p_mode text, p_reason text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.lock_account(p_mode);
  update public.accounts as a
  set degraded = true, degraded_reason = p_reason,
      degraded_since = case when a.degraded then a.degraded_since else private.clock() end,
      version = a.version + 1, updated_at = private.clock()
  where a.mode = p_mode;
  perform private.cancel_halted_entries(p_mode);
end
$$;
comment on function private.enter_degraded is
  'Notes that our books and the broker''s disagree; with STOP_TRADING_ON_DEGRADED entries are halted and working ones canceled.';
alter function private.enter_degraded owner to zoe_engine;

create function private.leave_degraded(p_mode text, p_reason text default null) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform private.lock_accounts();
  update public.accounts as a
  set degraded = false, degraded_reason = null, degraded_since = null, version = a.version + 1, updated_at = private.clock()
  where a.mode = p_mode and a.degraded;
end
$$;
comment on function private.leave_degraded is 'Notes that a reconciliation agreed again.';
alter function private.leave_degraded owner to zoe_engine;
