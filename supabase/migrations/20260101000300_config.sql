-- Knobs: one row each, validated and normalised by the database itself.

create table public.config (
  key text primary key,
  value text not null,
  value_type text not null
    constraint config_value_type_known check (value_type in ('boolean', 'integer', 'number', 'text', 'choice')),
  min numeric,
  max numeric,
  choices text[],
  default_value text not null,
  operator_value text,
  description text not null,
  source text not null default 'default' constraint config_source_known check (source in ('default', 'operator', 'env')),
  updated_at timestamptz not null default private.clock(),
  updated_by text not null default 'default'
);
comment on table public.config is 'Every knob of the runbook under its name. A trigger refuses unknown keys and bad values with a sentence.';
comment on column public.config.operator_value is 'What an operator chose last; in force again when an environment variable that overrides it is gone.';
alter table public.config enable row level security;

insert into public.config (key, value_type, min, max, choices, value, default_value, description)
select k.key, k.value_type, k.min, k.max, k.choices::text[], k.value, k.value, k.description
from (values
  ('ORDER_TTL_SECONDS_ENTRY', 'integer', 1, 86400, null, '60', 'Seconds before repricing an entry order'),
  ('ORDER_TTL_SECONDS_EXIT', 'integer', 1, 86400, null, '30', 'Seconds before repricing an exit order'),
  ('MAX_REPRICE_ATTEMPTS', 'integer', 0, 100, null, '3', 'Max cancel/replace cycles'),
  ('REPRICE_STEP_BPS', 'number', 0, 1000, null, '5', 'Basis points per step toward mid'),
  ('MAX_CROSS_SPREAD_BPS', 'number', 0, 1000, null, '20', 'Cap on how far to cross spread'),
  ('LIQUIDITY_GUARD_SPREAD_PCT', 'number', 0, 100, null, '0.5', 'Abort reposition if spread > this %'),
  ('kill_switch', 'boolean', null, null, null, 'false', 'Stops all new trading at once; open entries are canceled'),
  ('MAX_NOTIONAL_PER_TRADE', 'number', 0, 1000000, null, '25', 'Max USD per trade'),
  ('MAX_DAILY_NOTIONAL', 'number', 0, 10000000, null, '50', 'Max USD per UTC day, filled and still open entries together'),
  ('MAX_OPEN_POSITIONS', 'integer', 0, 1000, null, '3', 'Max concurrent positions'),
  ('STOP_TRADING_ON_DEGRADED', 'boolean', null, null, null, 'true', 'Halt entries if reconciliation finds a mismatch'),
  ('RECONCILE_CASH_TOLERANCE', 'number', 0, 1000000, null, '2.0', 'USD tolerance for cash mismatch'),
  ('RECONCILE_QTY_TOLERANCE', 'number', 0, 1000000, null, '0.000001', 'Qty tolerance for holdings mismatch'),
  ('SAFE_MODE_EMPTY_SCAN_THRESHOLD', 'integer', 1, 1000, null, '3', 'Consecutive empty scans before safe mode'),
  ('SAFE_MODE_SECONDS', 'integer', 1, 86400, null, '300', 'How long safe mode lasts after empty scans'),
  ('SAFE_MODE_BROKER_ERRORS', 'integer', 1, 1000, null, '3', 'Broker errors in a row before safe mode, good answers in a row to leave it'),
  ('KILL_SWITCH_FLATTEN', 'boolean', null, null, null, 'false', 'Sell what is held once a kill has canceled everything'),
  ('KILL_SWITCH_CANCELS_EXITS', 'boolean', null, null, null, 'false', 'A kill also cancels exits already on their way'),
  ('BAD_PRICE_PCT', 'number', 1, 90, null, '10', 'A price this % from the last ones is used only once the next one confirms it'),
  ('QUOTE_MAX_AGE_SECONDS', 'integer', 1, 3600, null, '30', 'A quote older than this refuses entries'),
  ('TRADER_MODE', 'choice', null, null, '{disabled,paper,live}', 'paper', 'Mode of the crypto trader'),
  ('EDGE_FACTORY_MODE', 'choice', null, null, '{disabled,paper,live}', 'disabled', 'Mode of the edge factory'),
  ('LIVE_CONFIRM', 'text', null, null, null, '', 'The arming phrase; live trading needs it word for word'),
  ('TRADER_TICK_SECONDS', 'integer', 5, 3600, null, '60', 'Cadence of trader-tick'),
  ('EDGE_FACTORY_TICK_SECONDS', 'integer', 5, 3600, null, '60', 'Cadence of edge-factory-tick'),
  ('TRADE_LOCK_TTL_SECONDS', 'integer', 10, 86400, null, '300', 'Seconds after which an idle trade lock expires'),
  ('LATE_FILL_WATCH_SECONDS', 'integer', 0, 86400, null, '300', 'How long a closed order is still queried for late fills'),
  ('PAPER_STARTING_CASH', 'number', 0, 100000000, null, '2000', 'USD with which the paper exchange opens'),
  ('PAPER_FEE_BPS', 'number', 0, 1000, null, '95', 'Fee of the paper exchange per fill, in basis points (Robinhood''s API rate)'),
  ('PAPER_LATENCY_MS', 'integer', 0, 60000, null, '250', 'Time until the paper exchange acts on an order or a cancel'),
  ('TRADER_ENTRY_SCORE', 'number', 0, 100, null, '70', 'Score from which the trader enters'),
  ('TRADER_COST_FILTER_RATIO', 'number', 0, 100, null, '0.5', 'Expected move must be this many times the round trip''s cost (2 fees + spread); 0 switches the filter off'),
  ('TRADER_STOP_PCT', 'number', 0.1, 50, null, '1.5', 'Stop this % below the entry price'),
  ('TRADER_TARGET_PCT', 'number', 0.1, 500, null, '2.0', 'Target this % above the entry price'),
  ('TRADER_TRAIL_ARM_PCT', 'number', 0.1, 500, null, '1.0', 'Gain in % that arms the trailing stop'),
  ('TRADER_TRAIL_PCT', 'number', 0.05, 50, null, '0.75', 'Trailing stop this % below the high-water mark'),
  ('TRADER_MAX_HOLD_MINUTES', 'integer', 1, 100000, null, '120', 'Minutes after which a position is closed'),
  ('ALERT_STUCK_ORDER_SECONDS', 'integer', 1, 86400, null, '300', 'An exit is stuck this long after its chain reached MAX_REPRICE_ATTEMPTS'),
  ('ALERT_UNRESOLVED_SECONDS', 'integer', 1, 86400, null, '60', 'Alert when an order''s fate is unknown for this long'),
  ('ALERT_CANCEL_UNCONFIRMED_SECONDS', 'integer', 1, 86400, null, '60', 'Alert when a cancel is not confirmed for this long'),
  ('ALERT_REJECTION_COUNT', 'integer', 1, 1000, null, '3', 'Rejected orders within the window that open an alert'),
  ('ALERT_REJECTION_WINDOW_SECONDS', 'integer', 1, 86400, null, '600', 'Window in which rejected orders are counted'),
  ('ALERT_TICK_LATE_CADENCES', 'integer', 1, 100, null, '3', 'Alert when a tick is late by this many cadences'),
  ('RETENTION_DAYS_CANDLES', 'integer', 1, 36500, null, '90', 'Days candles are kept'),
  ('RETENTION_DAYS_SCANS', 'integer', 1, 36500, null, '14', 'Days scans are kept'),
  ('RETENTION_DAYS_RUNS', 'integer', 1, 36500, null, '14', 'Days tick runs are kept'),
  ('RETENTION_DAYS_THOUGHTS', 'integer', 1, 36500, null, '30', 'Days thoughts are kept'),
  ('RETENTION_DAYS_SNAPSHOTS', 'integer', 1, 36500, null, '365', 'Days cash and holdings snapshots are kept'),
  ('RETENTION_DAYS_RECONCILIATIONS', 'integer', 1, 36500, null, '90', 'Days reconciliation events are kept'),
  ('RETENTION_DAYS_ALERTS', 'integer', 1, 36500, null, '180', 'Days resolved alerts are kept')
) as k (key, value_type, min, max, choices, value, description);

create table public.config_events (
  id bigint generated always as identity primary key,
  key text not null references public.config (key),
  from_value text not null,
  to_value text not null,
  source text not null,
  actor text not null,
  ts timestamptz not null default private.clock()
);
comment on table public.config_events is 'Append-only: who changed which knob when, the kill switch and its re-arming included.';
create index config_events_by_key on public.config_events (key, id desc);
alter table public.config_events enable row level security;
