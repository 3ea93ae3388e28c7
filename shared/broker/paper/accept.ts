import type { Millis } from "../../market/instant.ts";
import type { Instrument } from "../../market/instrument.ts";
import {
  type Amount,
  addBps,
  type Decimal,
  decimal,
  greatest,
  least,
  roundDownTo,
  roundUpTo,
  toAmount,
  ZERO,
} from "../../money/decimal.ts";
import { type ExchangeRules, type ExchangeState, isOpen, type MarketView, type PaperOrder, withOrder } from "./book.ts";
import { bookExecution, remainingQty } from "./money.ts";

/** Returns the queue before an order that starts to rest: the displayed size at the touch, none inside the spread, else unknown. */
export const queueAhead = (order: PaperOrder, view: MarketView): Amount | null => {
  const isBuy = order.side === "buy";
  const [touch, size] = isBuy ? [view.bid, view.bidSize] : [view.ask, view.askSize];
  const better = isBuy
    ? decimal(order.limitPrice).minus(decimal(touch))
    : decimal(touch).minus(decimal(order.limitPrice));
  if (size === null || better.lt(ZERO)) return null;
  return better.eq(ZERO) ? size : "0";
};

/** What is displayed on the side an order takes from, and what is left of it. */
const farSide = (order: PaperOrder, view: MarketView) => {
  const isBuy = order.side === "buy";
  const displayed = isBuy ? view.askSize : view.bidSize;
  const taken = decimal(isBuy ? view.takenAsk : view.takenBid);
  return {
    price: decimal(isBuy ? view.ask : view.bid),
    displayed: displayed === null ? null : decimal(displayed),
    left: displayed === null ? null : greatest(ZERO, decimal(displayed).minus(taken)),
  };
};

/** Returns the view after an order took from the far side. */
export const afterTaking = (view: MarketView, side: PaperOrder["side"], qty: Decimal): MarketView =>
  side === "buy"
    ? { ...view, takenAsk: toAmount(decimal(view.takenAsk).plus(qty)) }
    : { ...view, takenBid: toAmount(decimal(view.takenBid).plus(qty)) };

/** Returns how much of the displayed far side an order may still take, on the grid; everything when sizes are unknown. */
export const takeableQty = (order: PaperOrder, view: MarketView, instrument: Instrument): Decimal => {
  const { left } = farSide(order, view);
  const wanted = remainingQty(order);
  return left === null ? wanted : roundDownTo(least(wanted, left), decimal(instrument.qtyIncrement));
};

const walkingPrice = (order: PaperOrder, view: MarketView, rest: Decimal, rules: ExchangeRules): Decimal | null => {
  const { price, displayed } = farSide(order, view);
  const increment = rules.instruments[order.symbol]?.priceIncrement;
  if (displayed === null || displayed.eq(ZERO) || increment === undefined) return null;
  const slip = decimal(rules.slippageBps).plus(decimal(rules.slippageRootBps).times(rest.div(displayed).sqrt()));
  return order.side === "buy"
    ? roundUpTo(addBps(price, slip), decimal(increment))
    : roundDownTo(addBps(price, slip.neg()), decimal(increment));
};

const isWithinLimit = (order: PaperOrder, price: Decimal): boolean =>
  order.side === "buy" ? price.lte(decimal(order.limitPrice)) : price.gte(decimal(order.limitPrice)) && price.gt(ZERO);

/** Takes what is displayed at the far touch, then walks on at a worsening price as far as the limit allows. */
const takeLiquidity = (
  state: ExchangeState,
  order: PaperOrder,
  view: MarketView,
  at: Millis,
  rules: ExchangeRules,
): ExchangeState => {
  const instrument = rules.instruments[order.symbol];
  const { price } = farSide(order, view);
  if (instrument === undefined || !isWithinLimit(order, price)) return state;
  const qty = takeableQty(order, view, instrument);
  const atTouch = bookExecution(state, order, { qty, price, liquidity: "taker", at }, rules);
  const marked = { ...atTouch, market: { ...state.market, [order.symbol]: afterTaking(view, order.side, qty) } };
  const open = marked.orders[order.clientOrderId];
  if (open === undefined || !isOpen(open)) return marked;
  const rest = remainingQty(open);
  const worse = walkingPrice(open, view, rest, rules);
  if (worse === null || !isWithinLimit(open, worse)) return marked;
  return bookExecution(marked, open, { qty: rest, price: worse, liquidity: "taker", at }, rules);
};

/** A stop is sold inside the bar that set it off, though it is known only after its close: at a price the bar traded at. */
const isStopOfLastCandle = (state: ExchangeState, order: PaperOrder): boolean => {
  const candle = state.lastCandles[order.symbol];
  if (candle === undefined || order.urgency !== "stop_loss" || order.side !== "sell") return false;
  return decimal(candle.high).gte(decimal(order.limitPrice));
};

/**
 * From candles alone the touch is not known well enough to be better than the limit: an order that can trade at once is
 * filled at its limit, the worst for us.
 */
const takeFromCandles = (
  state: ExchangeState,
  order: PaperOrder,
  view: MarketView,
  at: Millis,
  rules: ExchangeRules,
): ExchangeState => {
  if (!isWithinLimit(order, farSide(order, view).price) && !isStopOfLastCandle(state, order)) return state;
  const execution = { qty: remainingQty(order), price: decimal(order.limitPrice), liquidity: "taker", at } as const;
  return bookExecution(state, order, execution, rules);
};

/** A candle's price stands while the next one runs. */
const CANDLE_MS = 60_000;

/** What the market is known to be at a moment; a price from long before is none. */
const currentView = (
  state: ExchangeState,
  symbol: string,
  at: Millis,
  rules: ExchangeRules,
): MarketView | undefined => {
  const view = state.market[symbol];
  const maxAgeMs = rules.maxQuoteAgeMs + (view?.source === "candle" ? CANDLE_MS : 0);
  return view !== undefined && at - view.at > maxAgeMs ? undefined : view;
};

/**
 * Lets an order take effect: a marketable one takes liquidity, what is left of it rests in the queue. While the market
 * is unknown it only rests, until a quote or a trade tells.
 */
export const acceptOrder = (
  state: ExchangeState,
  order: PaperOrder,
  at: Millis,
  rules: ExchangeRules,
): ExchangeState => {
  const view = currentView(state, order.symbol, at, rules);
  const resting: PaperOrder = {
    ...order,
    status: "resting",
    ahead: view === undefined ? null : queueAhead(order, view),
  };
  const accepted = withOrder(state, resting);
  if (view === undefined) return accepted;
  const take = view.source === "candle" ? takeFromCandles : takeLiquidity;
  return take(accepted, resting, view, at, rules);
};

const cancelOrder = (state: ExchangeState, order: PaperOrder, at: Millis): ExchangeState =>
  withOrder(state, { ...order, status: "canceled", closedAt: at, reservedCash: "0" });

interface Due {
  readonly at: Millis;
  readonly kind: "accept" | "cancel";
  readonly clientOrderId: string;
}

const dueOf = (order: PaperOrder): Due[] => {
  const due: Due[] = [];
  const { clientOrderId } = order;
  if (order.status === "pending") due.push({ at: order.acceptAt, kind: "accept", clientOrderId });
  if (order.cancelAt !== null && isOpen(order)) due.push({ at: order.cancelAt, kind: "cancel", clientOrderId });
  return due;
};

/** Lets everything take effect that is due by a moment, in the order of time, and moves the clock there. */
export const advanceTo = (state: ExchangeState, at: Millis, rules: ExchangeRules): ExchangeState => {
  const due = Object.values(state.orders)
    .flatMap(dueOf)
    .filter((each) => each.at <= at)
    .sort((a, b) => a.at - b.at);
  let next = state;
  for (const { kind, clientOrderId, at: dueAt } of due) {
    const order = next.orders[clientOrderId];
    if (order === undefined || !isOpen(order)) continue;
    if (kind === "cancel") next = cancelOrder(next, order, dueAt);
    else if (order.status === "pending") next = acceptOrder(next, order, dueAt, rules);
  }
  return { ...next, clock: Math.max(state.clock, at) };
};
