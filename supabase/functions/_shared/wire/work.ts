import { type Config, parseConfig } from "../../../../shared/config/parse-config.ts";
import type { Millis } from "../../../../shared/market/instant.ts";
import type { Instrument } from "../../../../shared/market/instrument.ts";
import type { Quote } from "../../../../shared/market/quote.ts";
import type { Amount } from "../../../../shared/money/decimal.ts";
import type { Mode } from "../../../../shared/orders/order.ts";
import { type ClaimedOrder, MODES, readClaimedOrder } from "./claimed-order.ts";
import * as read from "./read.ts";

/** What is held of a symbol, with the exit state that must survive a restart. */
export interface HeldPosition {
  readonly symbol: string;
  readonly engine: string | null;
  readonly qty: Amount;
  readonly freeQty: Amount;
  readonly averagePrice: Amount | null;
  readonly entryPrice: Amount | null;
  readonly highWater: Amount | null;
  readonly stopPrice: Amount | null;
  readonly targetPrice: Amount | null;
  readonly trailArmed: boolean;
  readonly openedAt: Millis | null;
  readonly exitBy: Millis | null;
  readonly strategy: string | null;
}

/** A live order as the trader sees it. */
export interface OpenOrder {
  readonly id: string;
  readonly symbol: string;
  readonly side: "buy" | "sell";
  readonly purpose: string;
  readonly urgency: string;
  readonly status: string;
  readonly qty: Amount;
  readonly filledQty: Amount;
  readonly limitPrice: Amount;
  readonly cancelReasonCode: string | null;
}

/** Cash in USD. */
export interface Account {
  readonly cash: Amount;
  readonly freeCash: Amount;
  /** What MAX_DAILY_NOTIONAL leaves for entries on this UTC day; null when the database does not tell. */
  readonly dailyNotionalLeft: Amount | null;
  readonly opened: boolean;
}

/** What an engine decides on in one mode; for a tick without an engine the mode is null and the rest empty. */
export interface ModeWork {
  readonly mode: Mode | null;
  /** The engine is disabled, or works elsewhere, and only sells here what it still holds. */
  readonly exitsOnly: boolean;
  readonly account: Account | null;
  readonly tradingState: string | null;
  readonly positions: readonly HeldPosition[];
  readonly openOrders: readonly OpenOrder[];
  readonly latestCandles: Readonly<Record<string, Millis>>;
}

/** Everything a tick decides on, loaded in one round trip; what a tick has no use for is empty. */
export interface Work extends ModeWork {
  readonly config: Config;
  readonly instruments: readonly Instrument[];
  readonly quotes: readonly Quote[];
  readonly orders: readonly ClaimedOrder[];
  /** The other modes in which the engine still holds something. */
  readonly elsewhere: readonly ModeWork[];
}

const positive = (body: unknown, field: string) => read.amount(body, field, read.POSITIVE);
const notNegative = (body: unknown, field: string) => read.amount(body, field, read.NOT_NEGATIVE);

const readConfig = (config: unknown): Config => {
  const rows = Object.entries((config ?? {}) as Record<string, unknown>).map(([key, value]) => ({
    key,
    value: String(value),
  }));
  const parsed = parseConfig(rows);
  if (!parsed.ok) throw new read.Malformed(parsed.error.map(({ message }) => message).join("; "));
  return parsed.value;
};

const readInstrument = (row: unknown): Instrument => ({
  symbol: read.text(row, "symbol"),
  priceIncrement: positive(row, "price_increment"),
  qtyIncrement: positive(row, "qty_increment"),
  minQty: positive(row, "min_qty"),
  minNotional: positive(row, "min_notional"),
  enabled: read.boolean(row, "enabled"),
});

const readQuote = (row: unknown): Quote => ({
  symbol: read.text(row, "symbol"),
  bid: positive(row, "bid"),
  ask: positive(row, "ask"),
  bidSize: read.nullable(row, "bid_size", notNegative),
  askSize: read.nullable(row, "ask_size", notNegative),
  source: read.text(row, "source"),
  observedAt: read.instant(row, "observed_at"),
});

const readPosition = (row: unknown): HeldPosition => ({
  symbol: read.text(row, "symbol"),
  engine: read.textOf(row, "engine"),
  qty: notNegative(row, "qty"),
  freeQty: notNegative(row, "free_qty"),
  averagePrice: read.nullable(row, "average_price", notNegative),
  entryPrice: read.nullable(row, "entry_price", positive),
  highWater: read.nullable(row, "high_water", positive),
  stopPrice: read.nullable(row, "stop_price", positive),
  targetPrice: read.nullable(row, "target_price", positive),
  trailArmed: read.fieldOf(row, "trail_armed") === true,
  openedAt: read.nullable(row, "opened_at", read.instant),
  exitBy: read.nullable(row, "exit_by", read.instant),
  strategy: read.textOf(row, "strategy"),
});

const readOpenOrder = (row: unknown): OpenOrder => ({
  id: read.text(row, "id"),
  symbol: read.text(row, "symbol"),
  side: read.oneOf(row, "side", ["buy", "sell"]),
  purpose: read.text(row, "purpose"),
  urgency: read.text(row, "urgency"),
  status: read.text(row, "status"),
  qty: positive(row, "qty"),
  filledQty: notNegative(row, "filled_qty"),
  limitPrice: positive(row, "limit_price"),
  cancelReasonCode: read.textOf(row, "cancel_reason_code"),
});

const readAccount = (body: unknown, field: string): Account => {
  const account = read.fieldOf(body, field);
  return {
    cash: read.amount(account, "cash"),
    freeCash: read.amount(account, "free_cash"),
    dailyNotionalLeft: read.nullable(account, "daily_notional_left", notNegative),
    opened: read.boolean(account, "opened"),
  };
};

const readLatestCandles = (work: unknown): Readonly<Record<string, Millis>> => {
  const latest = read.fieldOf(work, "latest_candles") ?? {};
  const symbols = Object.keys(latest as object).filter((symbol) => read.fieldOf(latest, symbol) !== null);
  return Object.fromEntries(symbols.map((symbol) => [symbol, read.instant(latest, symbol)]));
};

const readModeWork = (work: unknown): ModeWork => ({
  mode: read.nullable(work, "mode", (body, field) => read.oneOf(body, field, MODES)),
  exitsOnly: read.fieldOf(work, "exits_only") === true,
  account: read.nullable(work, "account", readAccount),
  tradingState: read.textOf(read.fieldOf(work, "trading_state"), "state"),
  positions: read.listIn(work, "positions", readPosition),
  openOrders: read.listIn(work, "open_orders", readOpenOrder),
  latestCandles: readLatestCandles(work),
});

/** Reads the `work` of begin_tick's answer, or throws Malformed. */
export const readWork = (work: unknown): Work => ({
  ...readModeWork(work),
  config: readConfig(read.fieldOf(work, "config")),
  instruments: read.listIn(work, "instruments", readInstrument),
  quotes: read.listIn(work, "quotes", readQuote),
  orders: read.listIn(work, "orders", readClaimedOrder),
  elsewhere: read.listIn(work, "elsewhere", readModeWork),
});
