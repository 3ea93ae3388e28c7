-- The door of the table config: one spelling per value, a sentence for everything else, whoever writes.

create function private.lock_for_config() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if tg_op in ('DELETE', 'TRUNCATE') then
    raise exception 'A knob can''t be deleted. To give one its default back: UPDATE config SET value = default_value WHERE key = ''...'';'
      using errcode = 'PT409';
  end if;
  perform private.lock_accounts();
  if current_user <> 'zoe_engine' then perform private.set_actor('sql:' || session_user); end if;
  return null;
end
$$;
comment on function private.lock_for_config is 'Takes the account rows before any knob changes, so that a kill waits for submissions and they for it, in one order.';

create function private.check_new_knob() returns trigger
language plpgsql set search_path = ''
as $$
declare
  v_knob public.config;
begin
  if current_user = 'zoe_engine' then return new; end if;
  select * into v_knob from public.config as c where c.key = new.key;
  if v_knob.key is null then
    raise exception '%', private.unknown_knob(new.key) using errcode = 'PT404';
  end if;
  v_knob.value := new.value;
  return v_knob;
end
$$;
comment on function private.check_new_knob is 'Refuses a knob nobody reads. An upsert of a known one goes on to its update.';

create function private.check_knob() returns trigger
language plpgsql set search_path = ''
as $$
declare
  v_free constant text[] := '{value,updated_at,updated_by}';
begin
  if current_user <> 'zoe_engine' then
    if pg_catalog.to_jsonb(new) - v_free <> pg_catalog.to_jsonb(old) - v_free then
      raise exception 'Only the value of a knob can be changed: UPDATE config SET value = ''...'' WHERE key = %;', pg_catalog.quote_literal(old.key)
        using errcode = 'PT409';
    end if;
    new.source := 'operator';
  end if;
  new.value := private.normalise_knob(new, new.value);
  if old.source = 'env' and private.actor() <> 'environment' then
    if new.value = old.value then return old; end if;
    raise exception '% is set to % by an environment variable of the functions, which wins. Remove the variable, then set the knob.',
      old.key, pg_catalog.quote_literal(old.value) using errcode = 'PT409';
  end if;
  if new.value = old.value and new.source = old.source then return old; end if;
  if new.source = 'operator' then new.operator_value := new.value; end if;
  new.updated_at := private.clock();
  new.updated_by := private.actor();
  return new;
end
$$;
comment on function private.check_knob is 'Validates and normalises a knob, and says who changed it when. The same value again is no change.';

create function private.after_knob_change() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.config_events (key, from_value, to_value, source, actor, ts)
  values (new.key, old.value, new.value, new.source, new.updated_by, new.updated_at);
  if new.key = 'kill_switch' and new.value = 'true' then
    perform private.cancel_for_kill_switch();
  end if;
  if new.key in ('TRADER_MODE', 'EDGE_FACTORY_MODE', 'LIVE_CONFIRM') then perform private.cancel_unarmed_entries(); end if;
  return null;
end
$$;
comment on function private.after_knob_change is 'Logs a changed knob. A kill, and a mode that changes, cancel what they must in the same transaction.';
alter function private.after_knob_change owner to zoe_engine;

create function private.check_knob_was_found() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if current_user <> 'zoe_engine' and not exists (select from changed) then
    raise exception 'No knob matched, nothing was changed. Known knobs: %.',
      (select pg_catalog.string_agg(c.key, ', ' order by c.key) from public.config as c) using errcode = 'PT404';
  end if;
  return null;
end
$$;
comment on function private.check_knob_was_found is 'A misspelt key in a WHERE must not look like success: it could be the kill switch''s.';

create trigger config__before_any before insert or update or delete or truncate on public.config
for each statement execute function private.lock_for_config();
create trigger config__before_insert before insert on public.config
for each row execute function private.check_new_knob();
create trigger config__before_update before update on public.config
for each row execute function private.check_knob();
create trigger config__after_update after update on public.config
for each row when (old.value is distinct from new.value) execute function private.after_knob_change();
create trigger config__after_update_found after update on public.config
referencing new table as changed for each statement execute function private.check_knob_was_found();
alter table public.config enable always trigger config__before_any;
alter table public.config enable always trigger config__before_insert;
alter table public.config enable always trigger config__before_update;
alter table public.config enable always trigger config__after_update;
alter table public.config enable always trigger config__after_update_found;
