/** How a knob's text value is read: `config.value_type` uses the same words. */
export type KnobType = "boolean" | "integer" | "number" | "text" | "choice";

/** One row of the `config` table; min and max are inclusive and null where the type has no range. */
export interface Knob {
  readonly name: string;
  readonly type: KnobType;
  readonly defaultValue: string;
  readonly min: string | null;
  readonly max: string | null;
  readonly choices: readonly string[] | null;
  readonly description: string;
}

const integer = <Name extends string>(name: Name, value: string, min: string, max: string, description: string) =>
  ({ name, type: "integer", defaultValue: value, min, max, choices: null, description }) as const;

const number = <Name extends string>(name: Name, value: string, min: string, max: string, description: string) =>
  ({ name, type: "number", defaultValue: value, min, max, choices: null, description }) as const;

const boolean = <Name extends string>(name: Name, value: "true" | "false", description: string) =>
  ({ name, type: "boolean", defaultValue: value, min: null, max: null, choices: null, description }) as const;

const text = <Name extends string>(name: Name, value: string, description: string) =>
  ({ name, type: "text", defaultValue: value, min: null, max: null, choices: null, description }) as const;

const MODES = ["disabled", "paper", "live"] as const;
const mode = <Name extends string>(name: Name, value: (typeof MODES)[number], description: string) =>
  ({ name, type: "choice", defaultValue: value, min: null, max: null, choices: MODES, description }) as const;

const REPOSITIONING = [
  integer("ORDER_TTL_SECONDS_ENTRY", "60", "1", "86400", "Seconds before repricing an entry order"),
  integer("ORDER_TTL_SECONDS_EXIT", "30", "1", "86400", "Seconds before repricing an exit order"),
  integer("MAX_REPRICE_ATTEMPTS", "3", "0", "100", "Max cancel/replace cycles"),
  number("REPRICE_STEP_BPS", "5", "0", "1000", "Basis points per step toward mid"),
  number("MAX_CROSS_SPREAD_BPS", "20", "0", "1000", "Cap on how far to cross spread"),
  number("LIQUIDITY_GUARD_SPREAD_PCT", "0.5", "0", "100", "Abort reposition if spread > this %"),
] as const;

const RISK = [
  boolean("kill_switch", "false", "Stops all new trading at once; open entries are canceled"),
  number("MAX_NOTIONAL_PER_TRADE", "25", "0", "1000000", "Max USD per trade"),
  number("MAX_DAILY_NOTIONAL", "50", "0", "10000000", "Max USD per UTC day, filled and still open entries together"),
  integer("MAX_OPEN_POSITIONS", "3", "0", "1000", "Max concurrent positions"),
  boolean("STOP_TRADING_ON_DEGRADED", "true", "Halt entries if reconciliation finds a mismatch"),
  number("RECONCILE_CASH_TOLERANCE", "2.0", "0", "1000000", "USD tolerance for cash mismatch"),
  number("RECONCILE_QTY_TOLERANCE", "0.000001", "0", "1000000", "Qty tolerance for holdings mismatch"),
  integer("SAFE_MODE_EMPTY_SCAN_THRESHOLD", "3", "1", "1000", "Consecutive empty scans before safe mode"),
  integer("SAFE_MODE_SECONDS", "300", "1", "86400", "How long safe mode lasts after empty scans"),
  integer(
    "SAFE_MODE_BROKER_ERRORS",
    "3",
    "1",
    "1000",
    "Broker errors in a row before safe mode, good answers in a row to leave it",
  ),
  boolean("KILL_SWITCH_FLATTEN", "false", "Sell what is held once a kill has canceled everything"),
  boolean("KILL_SWITCH_CANCELS_EXITS", "false", "A kill also cancels exits already on their way"),
  number(
    "BAD_PRICE_PCT",
    "10",
    "1",
    "90",
    "A price this % from the last ones is used only once the next one confirms it",
  ),
  integer("QUOTE_MAX_AGE_SECONDS", "30", "1", "3600", "A quote older than this refuses entries"),
] as const;

const ENGINES = [
  mode("TRADER_MODE", "paper", "Mode of the crypto trader"),
  mode("EDGE_FACTORY_MODE", "disabled", "Mode of the edge factory"),
  text("LIVE_CONFIRM", "", "The arming phrase; live trading needs it word for word"),
  integer("TRADER_TICK_SECONDS", "60", "5", "3600", "Cadence of trader-tick"),
  integer("EDGE_FACTORY_TICK_SECONDS", "60", "5", "3600", "Cadence of edge-factory-tick"),
  integer("TRADE_LOCK_TTL_SECONDS", "300", "10", "86400", "Seconds after which an idle trade lock expires"),
  integer("LATE_FILL_WATCH_SECONDS", "300", "0", "86400", "How long a closed order is still queried for late fills"),
] as const;

const PAPER = [
  number("PAPER_STARTING_CASH", "2000", "0", "100000000", "USD with which the paper exchange opens"),
  number(
    "PAPER_FEE_BPS",
    "95",
    "0",
    "1000",
    "Fee of the paper exchange per fill, in basis points (Robinhood's API rate)",
  ),
  integer("PAPER_LATENCY_MS", "250", "0", "60000", "Time until the paper exchange acts on an order or a cancel"),
] as const;

const TRADER = [
  number("TRADER_ENTRY_SCORE", "70", "0", "100", "Score from which the trader enters"),
  number(
    "TRADER_COST_FILTER_RATIO",
    "0.5",
    "0",
    "100",
    "Expected move must be this many times the round trip's cost (2 fees + spread); 0 switches the filter off",
  ),
  number("TRADER_STOP_PCT", "1.5", "0.1", "50", "Stop this % below the entry price"),
  number("TRADER_TARGET_PCT", "2.0", "0.1", "500", "Target this % above the entry price"),
  number("TRADER_TRAIL_ARM_PCT", "1.0", "0.1", "500", "Gain in % that arms the trailing stop"),
  number("TRADER_TRAIL_PCT", "0.75", "0.05", "50", "Trailing stop this % below the high-water mark"),
  integer("TRADER_MAX_HOLD_MINUTES", "120", "1", "100000", "Minutes after which a position is closed"),
] as const;

const ALERTS = [
  integer(
    "ALERT_STUCK_ORDER_SECONDS",
    "300",
    "1",
    "86400",
    "An exit is stuck this long after its chain reached MAX_REPRICE_ATTEMPTS",
  ),
  integer("ALERT_UNRESOLVED_SECONDS", "60", "1", "86400", "Alert when an order's fate is unknown for this long"),
  integer("ALERT_CANCEL_UNCONFIRMED_SECONDS", "60", "1", "86400", "Alert when a cancel is not confirmed for this long"),
  integer("ALERT_REJECTION_COUNT", "3", "1", "1000", "Rejected orders within the window that open an alert"),
  integer("ALERT_REJECTION_WINDOW_SECONDS", "600", "1", "86400", "Window in which rejected orders are counted"),
  integer("ALERT_TICK_LATE_CADENCES", "3", "1", "100", "Alert when a tick is late by this many cadences"),
] as const;

const RETENTION = [
  integer("RETENTION_DAYS_CANDLES", "90", "1", "36500", "Days candles are kept"),
  integer("RETENTION_DAYS_SCANS", "14", "1", "36500", "Days scans are kept"),
  integer("RETENTION_DAYS_RUNS", "14", "1", "36500", "Days tick runs are kept"),
  integer("RETENTION_DAYS_THOUGHTS", "30", "1", "36500", "Days thoughts are kept"),
  integer("RETENTION_DAYS_SNAPSHOTS", "365", "1", "36500", "Days cash and holdings snapshots are kept"),
  integer("RETENTION_DAYS_RECONCILIATIONS", "90", "1", "36500", "Days reconciliation events are kept"),
  integer("RETENTION_DAYS_ALERTS", "180", "1", "36500", "Days resolved alerts are kept"),
] as const;

/** Every knob of the system; the `config` table holds the same rows. */
export const KNOBS = [
  ...REPOSITIONING,
  ...RISK,
  ...ENGINES,
  ...PAPER,
  ...TRADER,
  ...ALERTS,
  ...RETENTION,
] as const satisfies readonly Knob[];

/** The name of a knob, as in the runbook. */
export type KnobName = (typeof KNOBS)[number]["name"];
