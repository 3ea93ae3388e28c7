-- The schedule. A job is one call of one function; what is due is decided inside.

select cron.schedule('zoe-dispatch', '5 seconds', 'select private.dispatch_ticks()');
select cron.schedule('zoe-watchdog', '* * * * *', 'select private.run_watchdog()');
select cron.schedule('zoe-seals', '* * * * *', 'select private.seal_audit()');
select cron.schedule('zoe-invariants', '* * * * *', 'select private.check_invariants()');
select cron.schedule('zoe-retention', '17 3 * * *', 'select private.run_retention()');
select cron.schedule('zoe-audit', '47 3 * * *', 'select private.check_audit()');
-- pg_cron never cleans its own log, and the dispatch alone writes 17,280 rows a day.
select cron.schedule('zoe-cron-log', '41 * * * *', 'delete from cron.job_run_details where end_time < now() - interval ''1 day''');
