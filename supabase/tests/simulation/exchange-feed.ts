import type { ExchangeEvent, ExchangeState } from "../../../shared/broker/paper/exchange.ts";
import { isOpen } from "./faults.ts";
import { type SimulatedMarket, STEP_MS } from "./simulated-market.ts";

const MINUTE_MS = 60_000;

/** What the market shows the exchange up to a moment: quotes, or nothing but closed candles. */
export function marketEvents(
  state: ExchangeState,
  market: SimulatedMarket,
  symbols: readonly string[],
  now: number,
  candlesOnly: boolean,
): ExchangeEvent[] {
  return candlesOnly ? candleEvents(state, market, symbols, now) : quoteEvents(state, market, symbols, now);
}

function candleEvents(
  state: ExchangeState,
  market: SimulatedMarket,
  symbols: readonly string[],
  now: number,
): ExchangeEvent[] {
  const events: ExchangeEvent[] = [];
  for (let at = Math.floor(state.clock / MINUTE_MS) * MINUTE_MS + MINUTE_MS; at <= now; at += MINUTE_MS)
    for (const symbol of symbols)
      events.push({ type: "candle", at, candle: market.closedCandle(symbol, at - MINUTE_MS) });
  return [...events, { type: "time", at: now }];
}

/** What has no open order misses nothing between two looks. */
function quoteEvents(
  state: ExchangeState,
  market: SimulatedMarket,
  symbols: readonly string[],
  end: number,
): ExchangeEvent[] {
  const show = (symbol: string, at: number): ExchangeEvent => ({
    type: "quote",
    at,
    quote: market.quoteAt(symbol, at),
  });
  const open = new Set(
    Object.values(state.orders)
      .filter(isOpen)
      .map(({ symbol }) => symbol),
  );
  const events: ExchangeEvent[] = [];
  const next = open.size > 0 ? Math.floor(state.clock / STEP_MS) * STEP_MS + STEP_MS : end;
  for (let at = next; at < end; at += STEP_MS) for (const symbol of open) events.push(show(symbol, at));
  if (end > state.clock || Object.keys(state.market).length === 0)
    for (const symbol of symbols) events.push(show(symbol, end));
  return events;
}
