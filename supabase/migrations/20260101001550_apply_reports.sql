-- Reports come in batches, one transaction each: order by order, under the account lock and each orders lease.

create function private.apply_unusable(o public.crypto_orders, r private.broker_report, p_report jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_problem text := 'unusable report: ' || r.problem;
begin
  if v_problem is distinct from o.last_error then perform private.flag_order(o, 'contradictory_report', v_problem, p_report); end if;
  update public.crypto_orders as c
  set last_error = v_problem,
      unresolved = c.unresolved or c.status in ('submitted', 'working', 'partially_filled', 'cancel_pending'),
      attempts = c.attempts + (r.lease_token is not null)::integer,
      next_action_at = case
        when r.lease_token is null or c.next_action_at is null then c.next_action_at
        else private.clock() + private.back_off(c.attempts, 5, 30)
      end
  where c.id = o.id;
end
$$;
comment on function private.apply_unusable is
  'A report that can''t be read, or is about another order than the one we sent: nothing is booked, a person is told once, and the order''s fate is unknown until a report makes sense.';
alter function private.apply_unusable owner to zoe_engine;

create function private.apply_report(p_report jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  r private.broker_report := private.parse_report(p_report);
  o public.crypto_orders;
  v_before public.crypto_orders;
  v_result text;
  v_child_id uuid;
  v_is_changed boolean;
begin
  select * into v_before from public.crypto_orders as c where c.id = r.order_id for no key update;
  if not found then
    return pg_catalog.jsonb_build_object('order_id', p_report ->> 'order_id', 'result', 'unknown_order');
  end if;
  r.problem := coalesce(r.problem, case
    when r.symbol <> v_before.symbol or r.side <> v_before.side
      then pg_catalog.format('it says %s %s', coalesce(r.side, v_before.side), coalesce(r.symbol, v_before.symbol))
  end);
  if r.lease_token is not null
    and (r.lease_token is distinct from v_before.lease_token or v_before.lease_expires_at <= private.clock()) then
    v_result := 'lease_lost';
  elsif r.problem is not null then
    perform private.apply_unusable(v_before, r, p_report);
    v_result := 'invalid';
  else
    v_is_changed := case
      when r.kind = 'report' then private.apply_snapshot(v_before, r)
      when r.kind = 'refused' then private.apply_refusal(v_before, r)
      when r.kind in ('cancel_refused', 'cancel_requested') then private.apply_cancel_answer(v_before, r)
      when r.kind = 'not_found' then private.apply_not_found(v_before, r)
      else private.apply_no_answer(v_before, r)
    end;
    v_result := case when v_is_changed then 'applied' else 'unchanged' end;
  end if;
  select * into o from public.crypto_orders as c where c.id = v_before.id;
  if v_is_changed and 'closed' in (private.phase(v_before.status), private.phase(o.status)) then
    v_child_id := private.settle_intent(o.intent_group_id, r.replacement_price);
  end if;
  if o.side = 'sell' and private.phase(v_before.status) = 'closed' and o.filled_qty > v_before.filled_qty then
    perform private.shrink_other_sells(o);
  end if;
  return pg_catalog.jsonb_strip_nulls(
    pg_catalog.jsonb_build_object('order_id', o.id, 'result', v_result, 'status', o.status, 'child_order_id', v_child_id));
end
$$;
comment on function private.apply_report is 'Applies one report under the account''s lock; its lease, if it names one, must still be held.';
alter function private.apply_report owner to zoe_engine;

create function private.apply_reports(p_reports jsonb) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_actor text := pg_catalog.current_setting('zoe.actor', true);
  v_report jsonb;
  v_answers jsonb := '[]';
  v_seq bigint;
begin
  if p_reports is null or pg_catalog.jsonb_typeof(p_reports) <> 'array' then
    raise exception 'reports_invalid' using errcode = 'PT400', detail = 'Reports must be a JSON array, one object a report.';
  end if;
  if p_reports = '[]' then return v_answers; end if;
  perform private.lock_account('live'), private.lock_account('paper');
  v_seq := (select pg_catalog.max(f.seq) from public.crypto_fills as f);
  perform pg_catalog.set_config('zoe.actor', 'broker', true);
  for v_report in
    select r.value from pg_catalog.jsonb_array_elements(p_reports) with ordinality as r (value, position) order by r.position
  loop
    v_answers := v_answers || private.apply_report(v_report);
  end loop;
  perform pg_catalog.set_config('zoe.actor', coalesce(v_actor, ''), true);
  perform private.take_snapshots(m.mode)
  from (select distinct f.mode from public.crypto_fills as f where f.seq > coalesce(v_seq, 0)) as m;
  return v_answers;
end
$$;
comment on function private.apply_reports is
  'Folds reports in the order given: fills, lots, ledger, positions, order and intent status, replacements. Answers one object a report.';
alter function private.apply_reports owner to zoe_engine;
grant execute on function private.apply_reports to service_role;

create function public.apply_execution_reports(reports jsonb) returns jsonb
language sql security invoker set search_path = ''
return private.apply_reports(reports);
comment on function public.apply_execution_reports is 'Folds execution reports of the broker into the book. For the engine''s functions alone.';
grant execute on function public.apply_execution_reports to service_role;
