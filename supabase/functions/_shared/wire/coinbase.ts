import type { Candle } from "../../../../shared/market/candle.ts";
import { FROM_CANDLES, type Quote } from "../../../../shared/market/quote.ts";
import type { MarketTrade } from "../../../../shared/market/trade.ts";
import * as read from "./read.ts";

const level = (body: unknown, side: "bids" | "asks") => {
  const levels = read.fieldOf(body, side);
  const best: unknown = Array.isArray(levels) ? levels[0] : undefined;
  if (best === undefined) throw new read.Malformed(`${side} are empty`);
  return { price: read.amount(best, "0", read.POSITIVE), size: read.amount(best, "1", read.NOT_NEGATIVE) };
};

/** Reads `/products/{id}/book?level=1`; an auction has no touch to trade on. A replay tells what its touch is made of, and since when it stands. */
export const parseBook = (symbol: string, source: string, body: unknown): Quote | string =>
  read.orSentence(() => {
    if (read.fieldOf(body, "auction_mode") === true) throw new read.Malformed("the market is in auction");
    const [bid, ask] = [level(body, "bids"), level(body, "asks")];
    const observedAt = read.instant(body, "time");
    const since = read.nullable(body, "since", read.instant);
    return {
      symbol,
      bid: bid.price,
      ask: ask.price,
      bidSize: bid.size,
      askSize: ask.size,
      source: read.textOf(body, "made_of") === FROM_CANDLES ? FROM_CANDLES : source,
      observedAt,
      ...(since === null ? {} : { since }),
    };
  });

const readCandle = (symbol: string, seconds: number, row: unknown): Candle => ({
  symbol,
  openedAt: read.integer(row, "0") * 1000,
  seconds,
  low: read.amount(row, "1", read.POSITIVE),
  high: read.amount(row, "2", read.POSITIVE),
  open: read.amount(row, "3", read.POSITIVE),
  close: read.amount(row, "4", read.POSITIVE),
  volume: read.amount(row, "5", read.NOT_NEGATIVE),
});

/** As floats: reading a price into one never turns its order against another around. */
const isConsistent = ({ open, high, low, close }: Candle): boolean =>
  [Number(open), Number(close)].every((price) => price >= Number(low) && price <= Number(high));

/** Reads `/products/{id}/candles`, rows of `[time, low, high, open, close, volume]`; rows whose prices contradict each other are left out. */
export const parseCandles = (symbol: string, seconds: number, body: unknown): Candle[] | string =>
  read.orSentence(() => read.list(body, (row) => readCandle(symbol, seconds, row)).filter(isConsistent));

/** Reads `/products/{id}/trades`; the side there is the maker's, so the taker's is the other. */
export const parseTrades = (symbol: string, body: unknown): MarketTrade[] | string =>
  read.orSentence(() =>
    read.list(body, (row) => ({
      symbol,
      tradeId: String(read.integer(row, "trade_id")),
      price: read.amount(row, "price", read.POSITIVE),
      qty: read.amount(row, "size", read.POSITIVE),
      takerSide: read.oneOf(row, "side", ["buy", "sell"]) === "buy" ? "sell" : "buy",
      at: read.instant(row, "time"),
    })),
  );
