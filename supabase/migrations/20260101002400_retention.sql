-- Retention: what is history goes after its days; orders, intents, events, fills and ledger stay for ever.

grant delete on
  public.crypto_candles, public.candidate_scans, public.tick_runs, public.thoughts, public.crypto_cash_snapshots,
  public.crypto_holdings_snapshots, public.crypto_reconciliation_events, public.alerts, public.rejected_prices
to zoe_engine;

create function private.kept_since(p_knob text) returns timestamptz
language plpgsql stable set search_path = ''
as $$
begin
  return private.clock() - pg_catalog.make_interval(days => private.knob_number(p_knob)::integer);
end
$$;
comment on function private.kept_since is 'Rows from before this moment are deleted; the knob counts days.';
grant execute on function private.kept_since to zoe_engine;

create function private.thin_snapshots() returns void
language sql security definer set search_path = ''
begin atomic
  delete from public.crypto_cash_snapshots as s
  where s.taken_at < private.clock() - interval '7 days'
    and exists (
      select from public.crypto_cash_snapshots as later
      where later.mode = s.mode and later.taken_at > s.taken_at
        and later.taken_at < pg_catalog.date_bin('15 minutes', s.taken_at, 'epoch') + interval '15 minutes'
    );
  delete from public.crypto_holdings_snapshots as s
  where s.taken_at < private.clock() - interval '7 days'
    and exists (
      select from public.crypto_holdings_snapshots as later
      where later.mode = s.mode and later.taken_at > s.taken_at
        and later.taken_at < pg_catalog.date_bin('15 minutes', s.taken_at, 'epoch') + interval '15 minutes'
    );
end;
comment on function private.thin_snapshots is 'After a week, of each quarter of an hour the last snapshot is kept: enough for every chart.';
alter function private.thin_snapshots owner to zoe_engine;

create function private.thin_scans() returns void
language sql security definer set search_path = ''
begin atomic
  delete from public.candidate_scans as s
  where s.created_at < private.clock() - interval '1 day'
    and exists (
      select from public.candidate_scans as later
      where later.mode = s.mode and later.symbol = s.symbol and later.created_at > s.created_at
        and later.created_at < pg_catalog.date_bin('15 minutes', s.created_at, 'epoch') + interval '15 minutes'
    );
end;
comment on function private.thin_scans is
  'After a day, of each quarter of an hour a symbol''s last scan is kept: scans are by far the widest rows, and a year must fit in 250 MB.';
alter function private.thin_scans owner to zoe_engine;

create function private.run_retention() returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_deleted jsonb := '{}';
  v_count bigint;
  v_rule record;
begin
  for v_rule in
    select * from (values
      ('crypto_candles', 'open_time', 'RETENTION_DAYS_CANDLES'),
      ('rejected_prices', 'observed_at', 'RETENTION_DAYS_CANDLES'),
      ('candidate_scans', 'created_at', 'RETENTION_DAYS_SCANS'),
      ('tick_runs', 'started_at', 'RETENTION_DAYS_RUNS'),
      ('thoughts', 'created_at', 'RETENTION_DAYS_THOUGHTS'),
      ('crypto_cash_snapshots', 'taken_at', 'RETENTION_DAYS_SNAPSHOTS'),
      ('crypto_holdings_snapshots', 'taken_at', 'RETENTION_DAYS_SNAPSHOTS'),
      ('crypto_reconciliation_events', 'last_seen_at', 'RETENTION_DAYS_RECONCILIATIONS'),
      ('alerts', 'resolved_at', 'RETENTION_DAYS_ALERTS')
    ) as r (table_name, column_name, knob)
  loop
    execute pg_catalog.format('delete from public.%I as d where d.%I < $1', v_rule.table_name, v_rule.column_name)
    using private.kept_since(v_rule.knob);
    get diagnostics v_count = row_count;
    v_deleted := v_deleted || pg_catalog.jsonb_build_object(v_rule.table_name, v_count);
  end loop;
  perform private.thin_snapshots();
  perform private.thin_scans();
  return v_deleted;
end
$$;
comment on function private.run_retention is 'Every night: deletes history older than its RETENTION_DAYS knob. Returns how many rows went, by table.';
alter function private.run_retention owner to zoe_engine;
