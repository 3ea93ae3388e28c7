import { closedAt } from "../../market/candle.ts";
import type { Millis } from "../../market/instant.ts";
import { isFromCandles } from "../../market/quote.ts";
import { addBps, type Decimal, decimal, greatest, least, roundDownTo, toAmount, ZERO } from "../../money/decimal.ts";
import { afterTaking, queueAhead, takeableQty } from "./accept.ts";
import {
  type ExchangeEvent,
  type ExchangeRules,
  type ExchangeState,
  type MarketView,
  type PaperOrder,
  withOrder,
} from "./book.ts";
import { bookExecution, remainingQty } from "./money.ts";

type QuoteEvent = Extract<ExchangeEvent, { type: "quote" }>;
type TradeEvent = Extract<ExchangeEvent, { type: "trade" }>;
type CandleEvent = Extract<ExchangeEvent, { type: "candle" }>;

const restingOrders = (state: ExchangeState, symbol: string): PaperOrder[] =>
  Object.values(state.orders).filter((order) => order.symbol === symbol && order.status === "resting");

/** How far beyond the order's limit a price is, in the order's favour: a price at the limit is 0. */
const beyondLimit = (order: PaperOrder, price: Decimal): Decimal =>
  order.side === "buy" ? decimal(order.limitPrice).minus(price) : price.minus(decimal(order.limitPrice));

/** Resting fills happen at the limit and nowhere better. */
const fillAtLimit = (state: ExchangeState, order: PaperOrder, qty: Decimal, at: Millis, rules: ExchangeRules) =>
  bookExecution(state, order, { qty, price: decimal(order.limitPrice), liquidity: "maker", at }, rules);

/** The queue only ever gets shorter: by trades, by cancels before us, or because our price became the best there is. */
const shorterQueue = (order: PaperOrder, view: MarketView): PaperOrder => {
  const seen = queueAhead(order, view);
  if (seen === null) return order;
  return { ...order, ahead: order.ahead === null ? seen : toAmount(least(decimal(order.ahead), decimal(seen))) };
};

const matchQuote = (state: ExchangeState, order: PaperOrder, at: Millis, rules: ExchangeRules): ExchangeState => {
  const view = state.market[order.symbol];
  const instrument = rules.instruments[order.symbol];
  if (view === undefined || instrument === undefined) return state;
  const far = decimal(order.side === "buy" ? view.ask : view.bid);
  if (beyondLimit(order, far).lte(ZERO)) return withOrder(state, shorterQueue(order, view));
  const qty = takeableQty(order, view, instrument);
  const filled = fillAtLimit(state, order, qty, at, rules);
  return { ...filled, market: { ...filled.market, [order.symbol]: afterTaking(view, order.side, qty) } };
};

/**
 * The open of a bar that began after the order was accepted is known at once: an order that it is strictly beyond is filled
 * by it, at the open, which is better than its limit, up to the displayed size. The bar's low and high tell only after its close.
 */
const matchOpen = (state: ExchangeState, order: PaperOrder, at: Millis, rules: ExchangeRules): ExchangeState => {
  const view = state.market[order.symbol];
  const instrument = rules.instruments[order.symbol];
  if (view === undefined || instrument === undefined) return state;
  const open = decimal(order.side === "buy" ? view.ask : view.bid);
  if (beyondLimit(order, open).lte(ZERO)) return state;
  const qty = takeableQty(order, view, instrument);
  const filled = bookExecution(state, order, { qty, price: open, liquidity: "maker", at }, rules);
  return { ...filled, market: { ...filled.market, [order.symbol]: afterTaking(view, order.side, qty) } };
};

const shownView = ({ quote }: QuoteEvent, at: Millis, last: MarketView | undefined): MarketView => {
  const { bid, ask, bidSize, askSize, since } = quote;
  const fresh = { bid, ask, bidSize, askSize, takenBid: "0", takenAsk: "0" };
  if (!isFromCandles(quote)) return { ...fresh, at, source: "quote" };
  // A bar's open stands while it runs: what we took of it is not there again at the next look.
  const isSameBar = last?.source === "candle" && since !== undefined && last.at === since;
  const taken = isSameBar ? { takenBid: last.takenBid, takenAsk: last.takenAsk } : {};
  return { ...fresh, ...taken, at: since ?? at, source: "candle" };
};

/** Shows a quote to the exchange; one that is crossed, or older than the last, is not believed. */
export const onQuote = (state: ExchangeState, event: QuoteEvent, at: Millis, rules: ExchangeRules): ExchangeState => {
  const { symbol, bid, ask, bidSize, askSize } = event.quote;
  const last = state.market[symbol];
  if (decimal(bid).gt(decimal(ask))) return state;
  if (last !== undefined && last.source === "quote") {
    const isRepeated = last.bid === bid && last.ask === ask && last.bidSize === bidSize && last.askSize === askSize;
    if (event.at < last.at || (event.at === last.at && isRepeated)) return state;
  }
  const view = shownView(event, event.at, last);
  const shown: ExchangeState = { ...state, market: { ...state.market, [symbol]: view } };
  const resting = restingOrders(shown, symbol);
  if (view.source === "quote") return resting.reduce((next, order) => matchQuote(next, order, at, rules), shown);
  const opened = resting.filter((order) => order.acceptAt <= view.at);
  return opened.reduce((next, order) => matchOpen(next, order, at, rules), shown);
};

const isNewerTrade = (tradeId: string, lastId: string | undefined): boolean =>
  lastId === undefined || (tradeId.length === lastId.length ? tradeId > lastId : tradeId.length > lastId.length);

/** A trade at our very price first serves the queue before us; returns what of it is left for others. */
const matchAtLimit = (
  state: ExchangeState,
  order: PaperOrder,
  left: Decimal,
  at: Millis,
  rules: ExchangeRules,
): { state: ExchangeState; left: Decimal } => {
  const increment = rules.instruments[order.symbol]?.qtyIncrement;
  if (order.ahead === null || increment === undefined) return { state, left };
  const ahead = decimal(order.ahead);
  const reaching = greatest(ZERO, left.minus(ahead));
  const queued: PaperOrder = { ...order, ahead: toAmount(greatest(ZERO, ahead.minus(left))) };
  const share = roundDownTo(reaching.times(decimal(rules.queueShare)), decimal(increment));
  const qty = least(remainingQty(order), share);
  return { state: fillAtLimit(withOrder(state, queued), queued, qty, at, rules), left: reaching.minus(qty) };
};

/** Shows a trade to the exchange: one through our limit fills us, one at our limit fills us once the queue is served. */
export const onTrade = (state: ExchangeState, event: TradeEvent, at: Millis, rules: ExchangeRules): ExchangeState => {
  const { symbol, tradeId, price, qty, takerSide } = event.trade;
  if (tradeId !== null && !isNewerTrade(tradeId, state.lastTradeIds[symbol])) return state;
  let next = tradeId === null ? state : { ...state, lastTradeIds: { ...state.lastTradeIds, [symbol]: tradeId } };
  let left = decimal(qty);
  for (const order of restingOrders(state, symbol)) {
    const beyond = beyondLimit(order, decimal(price));
    if (order.acceptAt > event.at || beyond.lt(ZERO)) continue;
    if (beyond.gt(ZERO)) next = fillAtLimit(next, order, remainingQty(order), at, rules);
    else if (takerSide !== null && takerSide !== order.side) {
      const matched = matchAtLimit(next, order, left, at, rules);
      next = matched.state;
      left = matched.left;
    }
  }
  return next;
};

/** A resting order fills where the bar went strictly beyond its limit: at the limit, or at the open where that is better. */
const matchCandle = (
  state: ExchangeState,
  order: PaperOrder,
  candle: CandleEvent["candle"],
  left: Decimal,
  rules: ExchangeRules,
): { state: ExchangeState; left: Decimal } => {
  const isBuy = order.side === "buy";
  if (beyondLimit(order, decimal(isBuy ? candle.low : candle.high)).lte(ZERO)) return { state, left };
  const better = isBuy ? least : greatest;
  const price = better(decimal(order.limitPrice), decimal(candle.open));
  const qty = least(remainingQty(order), left);
  // It happened while the bar ran, though we see it only now.
  const at = closedAt(candle) - 1;
  return {
    state: bookExecution(state, order, { qty, price, liquidity: "maker", at }, rules),
    left: left.minus(qty),
  };
};

/** Whether a bar tells something new of the market: it is closed, not yet seen, and no quote came while it ran or after. */
const isNews = (state: ExchangeState, { candle }: CandleEvent, at: Millis): boolean => {
  const view = state.market[candle.symbol];
  const isKnownBetter = view?.source === "quote" && view.at > candle.openedAt;
  const seen = state.lastCandles[candle.symbol];
  return closedAt(candle) <= at && !isKnownBetter && (seen === undefined || candle.openedAt > seen.openedAt);
};

const withCandle = (state: ExchangeState, { candle }: CandleEvent, rules: ExchangeRules): ExchangeState => {
  const { symbol, openedAt, high } = candle;
  const seen: ExchangeState = { ...state, lastCandles: { ...state.lastCandles, [symbol]: { openedAt, high } } };
  const last = state.market[symbol];
  if (last?.source === "candle" && last.at >= closedAt(candle)) return seen;
  const half = decimal(rules.candleHalfSpreadBps);
  const view: MarketView = {
    bid: toAmount(addBps(decimal(candle.close), half.neg())),
    ask: toAmount(addBps(decimal(candle.close), half)),
    bidSize: null,
    askSize: null,
    takenBid: "0",
    takenAsk: "0",
    at: closedAt(candle),
    source: "candle",
  };
  return { ...seen, market: { ...seen.market, [symbol]: view } };
};

/**
 * Shows a closed candle, once: without quotes, only a price strictly beyond our limit in a bar that began after acceptance
 * fills, and all our orders together get a share of its volume at most.
 */
export const onCandle = (state: ExchangeState, event: CandleEvent, at: Millis, rules: ExchangeRules): ExchangeState => {
  const { candle } = event;
  const increment = rules.instruments[candle.symbol]?.qtyIncrement;
  if (increment === undefined || !isNews(state, event, at)) return state;
  const share = roundDownTo(decimal(candle.volume).times(decimal(rules.candleVolumeShare)), decimal(increment));
  let filled = { state, left: share };
  for (const order of restingOrders(state, candle.symbol)) {
    if (order.acceptAt <= candle.openedAt) filled = matchCandle(filled.state, order, candle, filled.left, rules);
  }
  return withCandle(filled.state, event, rules);
};
