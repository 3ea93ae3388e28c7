import { FROM_CANDLES } from "../../../../shared/market/quote.ts";
import type { MarketSource, Product } from "../market-source.ts";
import { type Answer, ok, problem } from "./answer.ts";
import { answerCandles } from "./candles-request.ts";
import { answerTrades } from "./trades-request.ts";

/** Answers one GET of Coinbase Exchange's public API from `source`, as of `nowMs`. */
export function answerRequest(source: MarketSource, url: URL, nowMs: number): Answer {
  const [room, symbol, part, ...rest] = url.pathname.split("/").filter((piece) => piece !== "");
  if (room === "time" && symbol === undefined) {
    return ok({ iso: new Date(nowMs).toISOString(), epoch: nowMs / 1000 });
  }
  if (room !== "products" || rest.length > 0) return problem(404, "NotFound");
  if (symbol === undefined) return ok(source.products().map(wireProduct));
  const product = source.products().find((known) => known.symbol === symbol);
  if (product === undefined) return problem(404, "NotFound");
  switch (part) {
    case undefined:
      return ok(wireProduct(product));
    case "ticker":
      return answerTicker(source, symbol, nowMs);
    case "book":
      return answerBook(source, symbol, url.searchParams.get("level") ?? "1", nowMs);
    case "candles":
      return answerCandles(source, symbol, url.searchParams, nowMs);
    case "trades":
      return answerTrades(source, symbol, url.searchParams, nowMs);
    default:
      return problem(404, "NotFound");
  }
}

function answerTicker(source: MarketSource, symbol: string, nowMs: number): Answer {
  const ticker = source.ticker(symbol, nowMs);
  if (ticker === null) return problem(404, "NotFound");
  const { ask, bid, volume, tradeId, price, size, timeMs } = ticker;
  return ok({ ask, bid, volume, trade_id: tradeId, price, size, time: new Date(timeMs).toISOString() });
}

function answerBook(source: MarketSource, symbol: string, level: string, nowMs: number): Answer {
  if (level !== "1" && level !== "2") return problem(400, "Invalid level");
  const { bids, asks, timeMs, sinceMs, fromCandles } = source.book(symbol, nowMs, level === "1" ? "touch" : "full");
  const depth = level === "1" ? 1 : Number.POSITIVE_INFINITY;
  return ok({
    bids: bids.slice(0, depth),
    asks: asks.slice(0, depth),
    sequence: timeMs,
    auction_mode: false,
    auction: null,
    time: new Date(timeMs).toISOString(),
    // Beyond the original: what a recording knows of its touch.
    ...(sinceMs === undefined ? {} : { since: new Date(sinceMs).toISOString() }),
    ...(fromCandles === undefined ? {} : { made_of: FROM_CANDLES }),
  });
}

function wireProduct(product: Product) {
  return {
    id: product.symbol,
    base_currency: product.baseCurrency,
    quote_currency: product.quoteCurrency,
    quote_increment: product.quoteIncrement,
    base_increment: product.baseIncrement,
    display_name: product.symbol,
    min_market_funds: product.minMarketFunds,
    margin_enabled: false,
    post_only: false,
    limit_only: false,
    cancel_only: false,
    status: "online",
    status_message: "",
    trading_disabled: false,
    fx_stablecoin: false,
    max_slippage_percentage: "0.02000000",
    auction_mode: false,
    high_bid_limit_percentage: "",
  };
}
