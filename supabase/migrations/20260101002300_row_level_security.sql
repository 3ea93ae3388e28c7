-- Who may read which rows, what Realtime publishes, and that nothing else is granted.
-- Nobody has a policy to write: every write goes through a function that checks its caller.

create function private.is_reader() returns boolean
language sql stable set search_path = ''
return coalesce(private.current_app_role() in ('viewer', 'operator'), false);
comment on function private.is_reader is 'True for a viewer and an operator. Policies call it once a statement, as (select private.is_reader()).';
grant execute on function private.is_reader to authenticated;

grant select on public.operators to authenticated;
create policy "People see their own row in operators" on public.operators
for select to authenticated using (user_id = (select private.current_user_id()));

grant select on public.accounts to authenticated;
create policy "Viewers and operators read accounts" on public.accounts
for select to authenticated using ((select private.is_reader()));

grant select on public.alerts to authenticated;
create policy "Viewers and operators read alerts" on public.alerts
for select to authenticated using ((select private.is_reader()));

grant select on public.audit_seals to authenticated;
create policy "Viewers and operators read the audit chain" on public.audit_seals
for select to authenticated using ((select private.is_reader()));

grant select on public.candidate_scans to authenticated;
create policy "Viewers and operators read scans" on public.candidate_scans
for select to authenticated using ((select private.is_reader()));

grant select on public.cash_ledger to authenticated;
create policy "Viewers and operators read the cash ledger" on public.cash_ledger
for select to authenticated using ((select private.is_reader()));

grant select on public.config to authenticated;
create policy "Viewers and operators read knobs" on public.config
for select to authenticated using ((select private.is_reader()));

grant select on public.config_events to authenticated;
create policy "Viewers and operators read the history of knobs" on public.config_events
for select to authenticated using ((select private.is_reader()));

grant select on public.crypto_candles to authenticated;
create policy "Viewers and operators read candles" on public.crypto_candles
for select to authenticated using ((select private.is_reader()));

grant select on public.crypto_cash_snapshots to authenticated;
create policy "Viewers and operators read cash snapshots" on public.crypto_cash_snapshots
for select to authenticated using ((select private.is_reader()));

grant select on public.crypto_fills to authenticated;
create policy "Viewers and operators read fills" on public.crypto_fills
for select to authenticated using ((select private.is_reader()));

grant select on public.crypto_holdings_snapshots to authenticated;
create policy "Viewers and operators read holdings snapshots" on public.crypto_holdings_snapshots
for select to authenticated using ((select private.is_reader()));

grant select on public.crypto_orders to authenticated;
create policy "Viewers and operators read orders" on public.crypto_orders
for select to authenticated using ((select private.is_reader()));

grant select on public.crypto_reconciliation_events to authenticated;
create policy "Viewers and operators read reconciliations" on public.crypto_reconciliation_events
for select to authenticated using ((select private.is_reader()));

grant select on public.health_heartbeat to authenticated;
create policy "Viewers and operators read heartbeats" on public.health_heartbeat
for select to authenticated using ((select private.is_reader()));

grant select on public.instruments to authenticated;
create policy "Viewers and operators read instruments" on public.instruments
for select to authenticated using ((select private.is_reader()));

grant select on public.lot_closures to authenticated;
create policy "Viewers and operators read closed lots" on public.lot_closures
for select to authenticated using ((select private.is_reader()));

grant select on public.order_events to authenticated;
create policy "Viewers and operators read the story of orders" on public.order_events
for select to authenticated using ((select private.is_reader()));

grant select on public.order_intents to authenticated;
create policy "Viewers and operators read intents" on public.order_intents
for select to authenticated using ((select private.is_reader()));

grant select on public.pnl_daily to authenticated;
create policy "Viewers and operators read daily P&L" on public.pnl_daily
for select to authenticated using ((select private.is_reader()));

grant select on public.position_lots to authenticated;
create policy "Viewers and operators read lots" on public.position_lots
for select to authenticated using ((select private.is_reader()));

grant select on public.positions to authenticated;
create policy "Viewers and operators read positions" on public.positions
for select to authenticated using ((select private.is_reader()));

grant select on public.quotes to authenticated;
create policy "Viewers and operators read quotes" on public.quotes
for select to authenticated using ((select private.is_reader()));

grant select on public.rejected_prices to authenticated;
create policy "Viewers and operators read rejected prices" on public.rejected_prices
for select to authenticated using ((select private.is_reader()));

grant select on public.thoughts to authenticated;
create policy "Viewers and operators read thoughts" on public.thoughts
for select to authenticated using ((select private.is_reader()));

grant select on public.tick_runs to authenticated;
create policy "Viewers and operators read runs" on public.tick_runs
for select to authenticated using ((select private.is_reader()));

grant select on public.trade_locks to authenticated;
create policy "Viewers and operators read trade locks" on public.trade_locks
for select to authenticated using ((select private.is_reader()));

-- Realtime says "look again"; these are the tables whose changes a page wants to hear of.
do $$
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
end
$$;
alter publication supabase_realtime add table
  public.crypto_orders, public.crypto_fills, public.candidate_scans, public.crypto_cash_snapshots,
  public.order_events, public.alerts, public.config;
