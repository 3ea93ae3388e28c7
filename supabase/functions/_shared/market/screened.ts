import type { PriceScreen } from "../price-screen.ts";
import type { Market } from "./market.ts";

/** Returns the market without what can't be true or is not confirmed: nobody behind it has to look again. Its candles are closed. */
export const screenedMarket = (market: Market, screen: PriceScreen): Market => ({
  tickers: async (symbols) => {
    const quotes = await market.tickers(symbols);
    return new Map([...quotes].map(([symbol, quote]) => [symbol, quote.ok ? screen.quote(quote.value) : quote]));
  },
  candles: async (symbol, from) => {
    const candles = await market.candles(symbol, from);
    return candles.ok ? { ok: true, value: screen.candles(symbol, candles.value) } : candles;
  },
  trades: async (symbol) => {
    const trades = await market.trades(symbol);
    return trades.ok ? { ok: true, value: screen.trades(symbol, trades.value) } : trades;
  },
});
