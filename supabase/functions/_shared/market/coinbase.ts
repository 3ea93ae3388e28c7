import { formatInstant, type Millis } from "../../../../shared/market/instant.ts";
import { type Result, refusal, success } from "../../../../shared/result.ts";
import { requestJson } from "../request-json.ts";
import { parseBook, parseCandles, parseTrades } from "../wire/coinbase.ts";
import { textOf } from "../wire/read.ts";
import type { Market, MarketProblem, QuoteResult } from "./market.ts";
import { type Pace, paced } from "./pace.ts";

/** How to read a market that speaks Coinbase Exchange's public API. */
export interface CoinbaseOptions {
  readonly url: string;
  readonly timeoutMs?: number;
  readonly pace?: Pace;
}

const TIMEOUT_MS = 5_000;
const CANDLE_SECONDS = 60;
const CANDLES_PER_ANSWER = 300;
const TRADES_PER_ANSWER = 1000;
/** The feed allows 10 requests a second and bursts of 15 from one address. */
const BURST = 12;
const PER_SECOND = 8;
const SOURCE = "coinbase";

const getter =
  ({ url, timeoutMs = TIMEOUT_MS, pace = paced(BURST, PER_SECOND) }: CoinbaseOptions) =>
  async <Value>(
    symbol: string,
    path: string,
    parse: (body: unknown) => Value | string,
  ): Promise<Result<Value, MarketProblem>> => {
    const fail = (code: MarketProblem["code"], message: string) => refusal<MarketProblem>({ code, symbol, message });
    await pace();
    const target = `${url}/products/${encodeURIComponent(symbol)}/${path}`;
    const answer = await requestJson({ url: target, timeoutMs, headers: { "user-agent": "zoe-trading-engine/0.1" } });
    if (answer.kind === "no_answer") return fail("unavailable", answer.message);
    const sentence = `${textOf(answer.body, "message") ?? "no reason given"} (HTTP ${answer.status})`;
    if (answer.status === 429) return fail("throttled", sentence);
    if (answer.status !== 200) return fail("unavailable", sentence);
    const value = parse(answer.body);
    return typeof value === "string" ? fail("garbage", value) : success(value);
  };

/** Returns the market behind Coinbase Exchange's public API (or a server that speaks it). The touch comes from the book, whose time is the quote's own; the ticker's is the last trade's. */
export const coinbaseMarket = (options: CoinbaseOptions): Market => {
  const get = getter(options);
  const quote = async (symbol: string): Promise<readonly [string, QuoteResult]> => [
    symbol,
    await get(symbol, "book?level=1", (body) => parseBook(symbol, SOURCE, body)),
  ];
  return {
    tickers: async (symbols) => new Map(await Promise.all([...new Set(symbols)].map(quote))),
    candles: (symbol, from: Millis) => {
      const end = formatInstant(from + (CANDLES_PER_ANSWER - 1) * CANDLE_SECONDS * 1000);
      const path = `candles?granularity=${CANDLE_SECONDS}&start=${formatInstant(from)}&end=${end}`;
      return get(symbol, path, (body) => parseCandles(symbol, CANDLE_SECONDS, body));
    },
    trades: (symbol) => get(symbol, `trades?limit=${TRADES_PER_ANSWER}`, (body) => parseTrades(symbol, body)),
  };
};
