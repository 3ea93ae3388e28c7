-- Takes everything of Zoe's out of a database again: run as postgres, as often as one likes.
-- It deletes all trading history. The Vault secrets project_url and cron_token, and people in auth.users, stay: they are yours.

begin;

do $$
declare
  v_job record;
begin
  if pg_catalog.to_regclass('cron.job') is null then return; end if;
  for v_job in select j.jobid from cron.job as j where j.jobname like 'zoe-%' and j.username = current_user loop
    perform cron.unschedule(v_job.jobid);
  end loop;
end
$$;

-- What the first migration found is read before it goes.
create temporary table found_at_start (kind text, name text, schema text, acl aclitem[]) on commit drop;
do $$
begin
  if pg_catalog.to_regclass('private.found_at_start') is not null then
    insert into pg_temp.found_at_start select f.kind, f.name, f.schema, f.acl from private.found_at_start as f;
  end if;
end
$$;

-- Tables of ours leave the publication with their drop. A table or function that was there before us is not ours, whatever its name.
do $$
declare
  v_table text;
begin
  if not exists (select from pg_temp.found_at_start) then return; end if;
  foreach v_table in array array[
    'accounts', 'alerts', 'audit_seals', 'candidate_scans', 'cash_ledger', 'config', 'config_events', 'crypto_candles',
    'crypto_cash_snapshots', 'crypto_fills', 'crypto_holdings_snapshots', 'crypto_orders', 'crypto_reconciliation_events',
    'health_heartbeat', 'instruments', 'lot_closures', 'operators', 'order_events', 'order_intents', 'pnl_daily', 'position_lots',
    'positions', 'quotes', 'rejected_prices', 'thoughts', 'tick_runs', 'trade_locks'
  ] loop
    if exists (select from pg_temp.found_at_start as f where f.kind = 'table' and f.name = v_table) then continue; end if;
    execute pg_catalog.format('drop table if exists public.%I cascade', v_table);
  end loop;
end
$$;

do $$
declare
  v_function regprocedure;
begin
  if not exists (select from pg_temp.found_at_start) then return; end if;
  for v_function in
    select p.oid::regprocedure from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname in (
      'acknowledge_alert', 'adopt_broker_books', 'apply_execution_reports', 'begin_tick', 'commit_tick', 'correct_order', 'dashboard_alerts',
      'dashboard_config', 'dashboard_equity', 'dashboard_fills', 'dashboard_header', 'dashboard_health', 'dashboard_orders',
      'dashboard_positions', 'dashboard_prices', 'dashboard_reconciliations', 'dashboard_rejected_prices', 'dashboard_runs', 'dashboard_scan',
      'dashboard_thoughts', 'finish_tick', 'order_timeline', 'paper_exchange_load', 'paper_exchange_save', 'record_cash_event',
      'request_cancel', 'run_now', 'set_account_fees', 'set_config', 'set_kill_switch', 'set_safe_mode', 'settle_order', 'submit_intent',
      'trading_state', 'verify_audit_log', 'whoami'
    )
    and not exists (select from pg_temp.found_at_start as f where f.kind = 'function' and f.name = p.oid::regprocedure::text)
  loop
    execute pg_catalog.format('drop function %s cascade', v_function);
  end loop;
end
$$;

do $$
begin
  if not exists (select from pg_temp.found_at_start) then return; end if;
  drop schema if exists private cascade;
  drop schema if exists paper_exchange cascade;
end
$$;

-- Default privileges as they were: the migrations only took away, so what is missing is granted again.
do $$
declare
  v_grant record;
begin
  if not exists (select from pg_temp.found_at_start) then return; end if;
  if not exists (select from pg_temp.found_at_start as f where f.kind = 'default_privilege' and f.name = 'f' and f.schema = '') then
    alter default privileges grant execute on functions to public;
  end if;
  for v_grant in
    select f.schema, a.privilege_type, a.is_grantable,
      case f.name when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' end as objects,
      case when a.grantee = 0 then 'public' else pg_catalog.quote_ident(a.grantee::regrole::text) end as grantee
    from pg_temp.found_at_start as f
    cross join lateral pg_catalog.aclexplode(f.acl) as a
    where f.kind = 'default_privilege' and f.name in ('r', 'S', 'f')
  loop
    execute pg_catalog.format(
      'alter default privileges %s grant %s on %s to %s %s',
      case when v_grant.schema = '' then '' else pg_catalog.format('in schema %I', v_grant.schema) end,
      v_grant.privilege_type, v_grant.objects, v_grant.grantee, case when v_grant.is_grantable then 'with grant option' else '' end
    );
  end loop;
end
$$;

do $$
begin
  if exists (select from pg_temp.found_at_start)
    and not exists (select from pg_temp.found_at_start as f where f.kind = 'publication' and f.name = 'supabase_realtime')
    and not exists (select from pg_catalog.pg_publication_tables as t where t.pubname = 'supabase_realtime') then
    drop publication if exists supabase_realtime;
  end if;
end
$$;

-- Extensions go only if we brought them and nobody else uses them.
do $$
declare
  v_extension text;
  v_table text;
  v_is_used boolean;
begin
  if not exists (select from pg_temp.found_at_start) then return; end if;
  foreach v_extension in array array['pg_cron', 'pg_net', 'supabase_vault'] loop
    if exists (select from pg_temp.found_at_start as f where f.kind = 'extension' and f.name = v_extension) then continue; end if;
    v_table := case v_extension when 'pg_cron' then 'cron.job' when 'supabase_vault' then 'vault.secrets' end;
    -- Asked by name at the time: a table that is not there would be an error even where the question is not reached.
    if pg_catalog.to_regclass(v_table) is not null then
      execute pg_catalog.format('select exists (select from %s)', v_table) into v_is_used;
    else
      v_is_used := false;
    end if;
    if v_is_used then
      raise notice '% stays: % is not empty.', v_extension, v_table;
    else
      execute pg_catalog.format('drop extension if exists %I', v_extension);
    end if;
  end loop;
end
$$;

do $$
begin
  if not exists (select from pg_catalog.pg_roles as r where r.rolname = 'zoe_engine') then return; end if;
  drop owned by zoe_engine;
  begin
    drop role zoe_engine;
  exception when dependent_objects_still_exist then
    raise notice 'The role zoe_engine stays: another database of this cluster still uses it.';
  end;
end
$$;

-- The history of our migrations, and the CLI's tables if they are empty now.
do $$
begin
  if pg_catalog.to_regclass('supabase_migrations.schema_migrations') is null then return; end if;
  delete from supabase_migrations.schema_migrations as m where m.version between '20260101000100' and '20260101009999';
  if exists (select from supabase_migrations.schema_migrations) then return; end if;
  if pg_catalog.to_regclass('supabase_migrations.seed_files') is not null then
    if exists (select from supabase_migrations.seed_files) then return; end if;
    drop table supabase_migrations.seed_files;
  end if;
  drop table supabase_migrations.schema_migrations;
  if not exists (select from pg_catalog.pg_class as c where c.relnamespace = 'supabase_migrations'::regnamespace) then
    drop schema supabase_migrations;
  end if;
end
$$;

commit;
