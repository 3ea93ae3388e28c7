-- Operations: what ran, what is healthy, what needs a person, and why the engine did what it did.

create table public.tick_runs (
  id uuid primary key default gen_random_uuid(),
  name text not null constraint tick_runs_name_known check (name in ('trader-tick', 'edge-factory-tick', 'reposition-tick')),
  slot timestamptz,
  mode text constraint tick_runs_mode_known check (mode in ('paper', 'live', 'disabled')),
  trigger text not null constraint tick_runs_trigger_known check (trigger in ('cron', 'wake', 'manual')),
  token bigint not null,
  outcome text not null default 'running' constraint tick_runs_outcome_known check (outcome in ('running', 'ok', 'skipped', 'error')),
  reason text,
  counts jsonb not null default '{}',
  error text,
  started_at timestamptz not null default private.clock(),
  finished_at timestamptz,
  duration_ms integer,
  constraint tick_runs_once_per_slot unique (name, slot)
);
comment on table public.tick_runs is 'One row a run that did work or was skipped for a reason worth keeping.';
create index tick_runs_recent on public.tick_runs (name, started_at desc);
create index tick_runs_good on public.tick_runs (name, started_at desc) where outcome in ('ok', 'skipped');
create index tick_runs_running on public.tick_runs (name) where outcome = 'running';

create table private.tick_leases (
  name text primary key,
  run_id uuid,
  token bigint not null default 0,
  expires_at timestamptz,
  again boolean not null default false
);
comment on table private.tick_leases is 'Who may work as this tick now. again: work arrived while it ran.';

insert into private.tick_leases (name) values ('trader-tick'), ('edge-factory-tick'), ('reposition-tick');

create table private.tick_dispatches (
  name text primary key references private.tick_leases (name),
  slot timestamptz,
  dispatched_at timestamptz,
  first_dispatched_at timestamptz,
  request_id bigint,
  refusals integer not null default 0,
  answer text,
  due_since timestamptz
);
comment on table private.tick_dispatches is
  'The last slot each tick was called for. due_since: since when there has been work for it. refusals: calls in a row that the function did not take. answer: what it said to the last one, until it runs.';
insert into private.tick_dispatches (name) select l.name from private.tick_leases as l;

create table public.health_heartbeat (
  component text not null,
  mode text not null constraint health_heartbeat_mode_known check (mode in ('paper', 'live')),
  status text not null constraint health_heartbeat_status_known check (status in ('ok', 'warning', 'error', 'down')),
  last_heartbeat timestamptz not null default private.clock(),
  since timestamptz not null default private.clock(),
  latency_ms integer,
  errors_in_a_row integer not null default 0,
  good_in_a_row integer not null default 0,
  details jsonb not null default '{}',
  primary key (component, mode)
);
comment on table public.health_heartbeat is 'Components: broker_api, market_data, trader-tick, edge-factory-tick, reposition-tick, reconciliation, realtime.';

create table public.alerts (
  id uuid primary key default gen_random_uuid(),
  kind text not null constraint alerts_kind_known check (
    kind in (
      'stuck_orders',
      'order_unresolved',
      'cancel_unconfirmed',
      'degraded',
      'api_degraded',
      'safe_mode',
      'rejections',
      'empty_scans',
      'tick_stalled',
      'kill_switch',
      'overfill',
      'contradictory_report',
      'late_fill',
      'back_from_absent',
      'stale_exit_quote',
      'liquidity_guard_exit',
      'unknown_broker_order',
      'unknown_holding',
      'invariant',
      'audit',
      'missing_secret',
      'market_data',
      'books_refused',
      'vanished_order',
      'held_unquoted',
      'exits_blocked'
    )
  ),
  key text not null default '',
  mode text constraint alerts_mode_known check (mode in ('paper', 'live')),
  severity text not null constraint alerts_severity_known check (severity in ('info', 'warning', 'critical')),
  title text not null,
  detail text not null,
  action text not null,
  count integer not null default 1,
  evidence jsonb not null default '{}',
  opened_at timestamptz not null default private.clock(),
  last_seen_at timestamptz not null default private.clock(),
  resolved_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text
);
comment on table public.alerts is 'Rows, not toasts: open until resolved. action says what a person should do. No mode: it concerns both.';
create unique index alerts_one_open on public.alerts (kind, key, mode) nulls not distinct where resolved_at is null;
create index alerts_recent on public.alerts (opened_at desc);

create type private.finding as (
  kind text, key text, mode text, severity text, title text, detail text, action text, count integer, evidence jsonb
);
comment on type private.finding is 'A state that needs a person, as an alert tells it. count: how many there are now.';

create table public.thoughts (
  id bigint generated always as identity primary key,
  mode text constraint thoughts_mode_known check (mode in ('paper', 'live')),
  engine text not null,
  type text not null,
  symbol text,
  content text not null,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default private.clock()
);
comment on table public.thoughts is 'Why the engine, or an operator, did what was done, in words.';
create index thoughts_recent on public.thoughts (created_at desc);

alter table public.tick_runs enable row level security;
alter table private.tick_leases enable row level security;
alter table private.tick_dispatches enable row level security;
alter table public.health_heartbeat enable row level security;
alter table public.alerts enable row level security;
alter table public.thoughts enable row level security;

create function private.record_thoughts(p_mode text, p_engine text, p_thoughts jsonb) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.thoughts (mode, engine, type, symbol, content, metadata)
  select coalesce(t.mode, p_mode), p_engine, t.type, t.symbol, t.content, coalesce(t.metadata, '{}')
  from pg_catalog.jsonb_to_recordset(p_thoughts) as t (mode text, type text, symbol text, content text, metadata jsonb);
end
$$;
comment on function private.record_thoughts is 'Writes down why the engine did what it did.';
alter function private.record_thoughts owner to zoe_engine;
