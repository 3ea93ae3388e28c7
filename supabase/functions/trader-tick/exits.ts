import { isDust } from "../../../shared/market/dust.ts";
import { formatInstant } from "../../../shared/market/instant.ts";
import type { Instrument } from "../../../shared/market/instrument.ts";
import type { Quote } from "../../../shared/market/quote.ts";
import { type Amount, decimal, greatest, leastMultiple, roundDownTo, toAmount } from "../../../shared/money/decimal.ts";
import {
  decideExit,
  type ExitDecision,
  type ExitState,
  restoreExitState,
  updateExitState,
} from "../../../shared/trader/exit.ts";
import { count, type TickRun } from "../_shared/run.ts";
import type { HeldPosition } from "../_shared/wire/work.ts";
import type { Json } from "../_shared/wire/write.ts";
import { slotOf } from "./slot.ts";
import { freshQuote, type Watch } from "./watch.ts";

/** What becomes of the positions held: states to keep, sells to submit, working sells to make urgent, and words. */
export interface Exits {
  readonly states: readonly Json[];
  readonly intents: readonly Json[];
  readonly decisions: readonly Json[];
  readonly thoughts: readonly Json[];
}

const writeState = ({ symbol, openingLot }: HeldPosition, state: ExitState): Json => ({
  symbol,
  opening_lot: openingLot,
  high_water: state.highWater,
  stop_price: state.stopPrice,
  target_price: state.targetPrice,
  trail_armed: state.trailArmed,
  exit_by: formatInstant(state.exitBy),
});

const isStored = (position: HeldPosition, state: ExitState): boolean =>
  position.highWater === state.highWater &&
  position.stopPrice === state.stopPrice &&
  position.targetPrice === state.targetPrice &&
  position.trailArmed === state.trailArmed &&
  position.exitBy === state.exitBy;

const currentState = (run: TickRun, position: HeldPosition, quote: Quote | null): ExitState | null => {
  const entryPrice = position.entryPrice ?? position.averagePrice;
  if (entryPrice === null) return null;
  const stored = { ...position, entryPrice, openedAt: position.openedAt ?? run.now() };
  const state = restoreExitState(stored, run.work.config);
  return quote === null ? state : updateExitState(state, quote, run.work.config);
};

/** What can be sold of a position: on the grid, and nothing when it is dust. */
const sellableQty = (position: HeldPosition, instrument: Instrument, quote: Quote): Amount | null => {
  const qty = toAmount(roundDownTo(decimal(position.freeQty), decimal(instrument.qtyIncrement)));
  return isDust(qty, quote.bid, instrument) ? null : qty;
};

/** As low as was decided, but no lower than the broker lets such a quantity be sold: above dust that is still within the bid. */
const limitFor = ({ limitPrice }: ExitDecision, qty: Amount, { minNotional, priceIncrement }: Instrument): Amount =>
  toAmount(greatest(decimal(limitPrice), leastMultiple(decimal(minNotional), decimal(qty), decimal(priceIncrement))));

const writeIntent = (run: TickRun, position: HeldPosition, qty: Amount, exit: ExitDecision): Json => {
  const openedAt = formatInstant(position.openedAt ?? 0);
  return {
    engine: "trader",
    mode: run.work.mode,
    symbol: position.symbol,
    side: "sell",
    purpose: "exit",
    qty,
    limit_price: exit.limitPrice,
    idempotency_key: `trader:${run.work.mode}:${position.symbol}:exit:${openedAt}:${exit.reason}:${slotOf(run)}`,
    ...(position.strategy === null ? {} : { strategy: position.strategy }),
    reason: exit.reason,
    metadata: { urgency: exit.urgency },
  };
};

const decideOne = (run: TickRun, watch: Watch, position: HeldPosition): Partial<{ [Part in keyof Exits]: Json }> => {
  const { symbol } = position;
  const fresh = freshQuote(run, watch, symbol);
  const quote = fresh ?? run.work.quotes.find((known) => known.symbol === symbol) ?? null;
  const state = currentState(run, position, fresh);
  const instrument = run.work.instruments.find((known) => known.symbol === symbol);
  if (state === null || instrument === undefined || quote === null) {
    return {
      thoughts: { type: "exit_error", symbol, content: `${symbol} is held, but there is no price to judge it by` },
    };
  }
  const states = isStored(position, state) ? {} : { states: writeState(position, state) };
  const exit = decideExit(state, quote, run.now(), run.work.config, instrument.priceIncrement);
  if (exit === null) return states;
  const content = `${symbol}: ${exit.reason}, bid ${quote.bid}, stop ${state.stopPrice}, target ${state.targetPrice}`;
  const working = run.work.openOrders.find((order) => order.symbol === symbol && order.side === "sell");
  if (working !== undefined) {
    if (exit.urgency !== "stop_loss" || working.urgency === "stop_loss") return states;
    const decisions = { order_id: working.id, action: "escalate", reason: exit.reason };
    return {
      ...states,
      decisions,
      thoughts: { type: "exit_signal", symbol, content: `${content}; the working exit becomes urgent` },
    };
  }
  const qty = sellableQty(position, instrument, quote);
  if (qty === null) return states;
  count(run.findings, "exit_signals");
  return {
    ...states,
    intents: writeIntent(run, position, qty, { ...exit, limitPrice: limitFor(exit, qty, instrument) }),
    thoughts: { type: "exit_signal", symbol, content },
  };
};

/** Looks after every position of the trader's own; a manual one is its operator's. */
export const decideExits = (run: TickRun, watch: Watch): Exits => {
  const mine = run.work.positions.filter(({ engine }) => engine === "trader" || engine === null);
  const decided = mine.map((position) => decideOne(run, watch, position));
  const all = (part: keyof Exits): Json[] => decided.flatMap((one) => (one[part] === undefined ? [] : [one[part]]));
  return { states: all("states"), intents: all("intents"), decisions: all("decisions"), thoughts: all("thoughts") };
};
