-- What the watchdog looks at besides: ticks that have no work, and what is held where no price comes or nothing may be sold.

create function private.look_at_ticks() returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_name text;
begin
  foreach v_name in array array['trader-tick', 'edge-factory-tick', 'reposition-tick'] loop
    if private.note_work(v_name) then
      perform private.note_answer(v_name);
    elsif v_name <> 'reposition-tick' then
      perform private.note_disabled(v_name);
    end if;
  end loop;
end
$$;
comment on function private.look_at_ticks is
  'Notes since when each tick has work and what its last call was answered; one that is switched off says so as its heartbeat.';
alter function private.look_at_ticks owner to zoe_engine;

create function private.find_unwatched() returns setof private.finding
language plpgsql stable security definer set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_awake timestamptz := (select w.awake_since from private.watchdog as w);
  v_limit interval := private.tick_cadence('trader-tick') * private.knob_number('ALERT_TICK_LATE_CADENCES')::double precision
    + private.knob_seconds('QUOTE_MAX_AGE_SECONDS');
begin
  return query
    select 'held_unquoted', p.symbol, p.mode, 'critical', pg_catalog.format('%s is held and nothing quotes it', p.symbol),
      pg_catalog.format('%s %s are held; the last good quote %s. Their stop can''t be watched.', pg_catalog.trim_scale(p.qty), p.symbol, case
        when q.symbol is null then 'is missing' else pg_catalog.format('is %s s old', extract(epoch from v_now - q.observed_at)::integer) end),
      case when i.enabled then 'Check the market data feed; if the symbol was delisted, sell it at the broker and adopt its books.'
        else 'It is off the watchlist (instruments.enabled) and still looked after. If it was delisted, sell it at the broker and adopt its books.' end,
      1, pg_catalog.jsonb_build_object('qty', p.qty::text, 'observed_at', private.iso(q.observed_at), 'enabled', i.enabled)
    from public.positions as p
    join public.instruments as i on i.symbol = p.symbol
    left join public.quotes as q on q.symbol = p.symbol
    where p.qty > 0 and not private.dust(p.mode, p.symbol, p.qty)
      and v_now - greatest(q.observed_at, p.opened_at, v_awake) > v_limit;

  return query
    select 'exits_blocked', '', 'live', 'critical', 'Live positions can''t be sold',
      'LIVE_CONFIRM doesn''t hold the arming phrase, so nothing is sent, not even a stop, while '
        || pg_catalog.string_agg(pg_catalog.format('%s %s', pg_catalog.trim_scale(p.qty), p.symbol), ', ' order by p.symbol) || ' are held.',
      'Arm it again until they are sold (TRADER_MODE = disabled enters nothing meanwhile), or sell them at the broker.',
      pg_catalog.count(*)::integer, pg_catalog.jsonb_build_object('symbols', pg_catalog.jsonb_agg(p.symbol order by p.symbol))
    from public.positions as p
    where p.mode = 'live' and p.qty > 0 and not private.dust(p.mode, p.symbol, p.qty)
      and private.knob_text('LIVE_CONFIRM') <> private.arming_phrase()
    having pg_catalog.count(*) > 0;
end
$$;
comment on function private.find_unwatched is 'Held symbols that nothing quotes any more, and live positions that an unarmed system can''t sell.';
alter function private.find_unwatched owner to zoe_engine;
