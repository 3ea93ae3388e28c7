import type { MarketSource, MarketTrade } from "../market-source.ts";
import { type Answer, ok, problem } from "./answer.ts";

const MAX_TRADES = 1000;

/** Answers `/products/{id}/trades`: newest first; `before` asks for newer trades than a number, `after` for older ones. */
export function answerTrades(source: MarketSource, symbol: string, params: URLSearchParams, nowMs: number): Answer {
  const [limit, before, after] = ["limit", "before", "after"].map((name) => params.get(name));
  for (const [name, text] of Object.entries({ limit, before, after })) {
    if (typeof text === "string" && !/^\d{1,15}$/.test(text)) return problem(400, `Invalid ${name}`);
  }
  const trades = source.trades(
    symbol,
    {
      limit: Math.min(MAX_TRADES, Math.max(1, Number(limit ?? MAX_TRADES))),
      ...(typeof before === "string" ? { newerThanId: Number(before) } : {}),
      ...(typeof after === "string" ? { olderThanId: Number(after) } : {}),
    },
    nowMs,
  );
  return ok(trades.map(wireTrade), cursors(trades));
}

/** Coinbase names the maker's side: a taker who buys is shown as `sell`. */
function wireTrade(trade: MarketTrade) {
  return {
    trade_id: trade.tradeId,
    side: trade.takerSide === "buy" ? "sell" : "buy",
    size: trade.size,
    price: trade.price,
    time: new Date(trade.timeMs).toISOString(),
  };
}

function cursors(trades: readonly MarketTrade[]): Record<string, string> {
  const [newest, oldest] = [trades[0], trades.at(-1)];
  if (newest === undefined || oldest === undefined) return {};
  return { "cb-before": String(newest.tradeId), "cb-after": String(oldest.tradeId) };
}
