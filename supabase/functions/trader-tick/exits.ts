import { isDust } from "../../../shared/market/dust.ts";
import { formatInstant, type Millis } from "../../../shared/market/instant.ts";
import type { Instrument } from "../../../shared/market/instrument.ts";
import { isFromCandles, type Quote } from "../../../shared/market/quote.ts";
import { type Amount, decimal, greatest, leastMultiple, roundDownTo, toAmount } from "../../../shared/money/decimal.ts";
import {
  decideExit,
  type ExitDecision,
  type ExitState,
  restoreExitState,
  updateExitState,
} from "../../../shared/trader/exit.ts";
import { type CandleExit, decideExitByCandles } from "../../../shared/trader/exit-by-candles.ts";
import { count, type TickRun } from "../_shared/run.ts";
import type { HeldPosition } from "../_shared/wire/work.ts";
import type { Json } from "../_shared/wire/write.ts";
import { slotOf } from "./slot.ts";
import { freshQuote, quoteProblem, type Watch } from "./watch.ts";

/** What becomes of the positions held: states to keep, sells to submit, working sells to make urgent, and words. */
export interface Exits {
  readonly states: readonly Json[];
  readonly intents: readonly Json[];
  readonly decisions: readonly Json[];
  readonly thoughts: readonly Json[];
}

interface Judged {
  readonly state: ExitState;
  readonly candlesSeenUntil: Millis | null;
  readonly exit: ExitDecision | null;
}

const writeState = ({ symbol, openingLot }: HeldPosition, { state, candlesSeenUntil }: Judged): Json => ({
  symbol,
  opening_lot: openingLot,
  high_water: state.highWater,
  stop_price: state.stopPrice,
  target_price: state.targetPrice,
  trail_armed: state.trailArmed,
  exit_by: formatInstant(state.exitBy),
  ...(candlesSeenUntil === null ? {} : { candles_seen_until: formatInstant(candlesSeenUntil) }),
});

const isStored = (position: HeldPosition, { state, candlesSeenUntil }: Judged): boolean =>
  position.highWater === state.highWater &&
  position.stopPrice === state.stopPrice &&
  position.targetPrice === state.targetPrice &&
  position.trailArmed === state.trailArmed &&
  position.exitBy === state.exitBy &&
  position.candlesSeenUntil === candlesSeenUntil;

const storedState = (run: TickRun, position: HeldPosition): ExitState | null => {
  const entryPrice = position.entryPrice ?? position.averagePrice;
  if (entryPrice === null) return null;
  return restoreExitState({ ...position, entryPrice, openedAt: position.openedAt ?? run.now() }, run.work.config);
};

const MINUTE_MS = 60_000;

/** From when on candles are news: not before the position, nor the minute in which a real quote was known, nor what was looked at before. */
const candlesNewFrom = (run: TickRun, position: HeldPosition, state: ExitState): Millis => {
  const last = run.work.quotes.find(({ symbol }) => symbol === position.symbol);
  const isQuoted = last !== undefined && !isFromCandles(last);
  const quotedUntil = isQuoted ? (Math.floor(last.observedAt / MINUTE_MS) + 1) * MINUTE_MS : 0;
  return Math.max(state.openedAt, position.candlesSeenUntil ?? 0, quotedUntil);
};

const judgeByCandles = (
  run: TickRun,
  watch: Watch,
  position: HeldPosition,
  state: ExitState,
  quote: Quote,
  priceIncrement: Amount,
): Judged => {
  const from = candlesNewFrom(run, position, state);
  const candles = watch.candles.get(position.symbol) ?? [];
  const exit: CandleExit = decideExitByCandles(state, from, candles, quote, run.now(), run.work.config, priceIncrement);
  return { state: exit.state, candlesSeenUntil: exit.seenUntil, exit: exit.decision };
};

/** Only a quote that may be traded on moves the state; the last good one decides where there is none. */
const judgeByQuote = (
  run: TickRun,
  position: HeldPosition,
  stored: ExitState,
  fresh: Quote | null,
  quote: Quote,
  priceIncrement: Amount,
): Judged => {
  const { config } = run.work;
  const state = fresh === null ? stored : updateExitState(stored, fresh, config);
  const exit = decideExit(state, quote, run.now(), config, priceIncrement);
  return { state, candlesSeenUntil: position.candlesSeenUntil, exit };
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

const unconfirmed = (watch: Watch, symbol: string, quote: Quote): Partial<{ thoughts: Json }> => {
  const problem = quoteProblem(watch, symbol);
  if (problem?.code !== "unconfirmed") return {};
  const content = `${symbol} is held: ${problem.message}; judged by the last good bid of ${quote.bid}`;
  return { thoughts: { type: "unconfirmed_price", symbol, content } };
};

type Part = Partial<{ [Name in keyof Exits]: Json }>;

/** Submits the sale, or makes the one that is working urgent. */
const carryOut = (
  run: TickRun,
  position: HeldPosition,
  instrument: Instrument,
  quote: Quote,
  state: ExitState,
  exit: ExitDecision,
): Part => {
  const { symbol } = position;
  const content = `${symbol}: ${exit.reason}, bid ${quote.bid}, stop ${state.stopPrice}, target ${state.targetPrice}`;
  const working = run.work.openOrders.find((order) => order.symbol === symbol && order.side === "sell");
  if (working !== undefined) {
    if (exit.urgency !== "stop_loss" || working.urgency === "stop_loss") return {};
    return {
      decisions: { order_id: working.id, action: "escalate", reason: exit.reason },
      thoughts: { type: "exit_signal", symbol, content: `${content}; the working exit becomes urgent` },
    };
  }
  const qty = sellableQty(position, instrument, quote);
  if (qty === null) return {};
  count(run.findings, "exit_signals");
  return {
    intents: writeIntent(run, position, qty, { ...exit, limitPrice: limitFor(exit, qty, instrument) }),
    thoughts: { type: "exit_signal", symbol, content },
  };
};

const decideOne = (run: TickRun, watch: Watch, position: HeldPosition): Part => {
  const { symbol } = position;
  const fresh = freshQuote(run, watch, symbol);
  const quote = fresh ?? run.work.quotes.find((known) => known.symbol === symbol) ?? null;
  const stored = storedState(run, position);
  const instrument = run.work.instruments.find((known) => known.symbol === symbol);
  if (stored === null || instrument === undefined || quote === null) {
    const why = quoteProblem(watch, symbol)?.message ?? "there is no price to judge it by";
    return { thoughts: { type: "exit_error", symbol, content: `${symbol} is held, but ${why}` } };
  }
  const { priceIncrement } = instrument;
  const judged = isFromCandles(quote)
    ? judgeByCandles(run, watch, position, stored, quote, priceIncrement)
    : judgeByQuote(run, position, stored, fresh, quote, priceIncrement);
  return {
    ...unconfirmed(watch, symbol, quote),
    ...(isStored(position, judged) ? {} : { states: writeState(position, judged) }),
    ...(judged.exit === null ? {} : carryOut(run, position, instrument, quote, judged.state, judged.exit)),
  };
};

/** Looks after every position of the trader's own; a manual one is its operator's. */
export const decideExits = (run: TickRun, watch: Watch): Exits => {
  const mine = run.work.positions.filter(({ engine }) => engine === "trader" || engine === null);
  const decided = mine.map((position) => decideOne(run, watch, position));
  const all = (part: keyof Exits): Json[] => decided.flatMap((one) => (one[part] === undefined ? [] : [one[part]]));
  return { states: all("states"), intents: all("intents"), decisions: all("decisions"), thoughts: all("thoughts") };
};
