import type { Candle } from "../../../shared/market/candle.ts";
import { closedAt } from "../../../shared/market/candle.ts";
import { describeGaps, type Gap, gapsIn, LONGEST_PAUSE_MS } from "../../../shared/market/gaps.ts";
import type { Millis } from "../../../shared/market/instant.ts";
import { type Quote, usableQuote } from "../../../shared/market/quote.ts";
import type { Amount } from "../../../shared/money/decimal.ts";
import { each } from "../_shared/each.ts";
import { candlesFrom } from "../_shared/market/candles-from.ts";
import type { MarketProblem, QuoteResult } from "../_shared/market/market.ts";
import type { TickRun } from "../_shared/run.ts";
import type { HeldPosition } from "../_shared/wire/work.ts";
import type { Json } from "../_shared/wire/write.ts";

/** The market as one run sees it. */
export interface Watch {
  /** As fetched, whatever their age; one that can't be true or is unconfirmed is a problem, and never becomes the last good quote. */
  readonly quotes: ReadonlyMap<string, Quote>;
  /** Closed, and without unconfirmed ones. */
  readonly candles: ReadonlyMap<string, readonly Candle[]>;
  readonly problems: readonly MarketProblem[];
}

const CANDLE_FETCHES = 4;

/** What may be entered: nothing where the engine only exits. */
const watchlistOf = ({ work }: TickRun): string[] =>
  work.exitsOnly ? [] : work.instruments.filter(({ enabled }) => enabled).map(({ symbol }) => symbol);

/** Live prices come from the broker that would trade them, paper ones from the market. */
const fetchQuotes = async (run: TickRun, symbols: readonly string[]): Promise<ReadonlyMap<string, QuoteResult>> => {
  if (run.work.mode !== "live") return run.market.tickers(symbols);
  const listed = watchlistOf(run);
  const asked = [listed, ...symbols.filter((symbol) => !listed.includes(symbol)).map((symbol) => [symbol])];
  const answers = await each(asked, run.concurrency, (some) => quotesOfBroker(run, some));
  return new Map(answers.flat());
};

/** What a symbol that was delisted makes of an answer must spoil no other's: such ones are asked about alone. */
const quotesOfBroker = async (run: TickRun, symbols: readonly string[]): Promise<[string, QuoteResult][]> => {
  if (symbols.length === 0) return [];
  const answer = await run.broker("live").quotes(symbols);
  const known = new Map((answer.ok ? answer.value : []).map((quote) => [quote.symbol, quote]));
  const message = answer.ok ? "the broker quotes no such symbol" : answer.error.message;
  return symbols.map((symbol) => {
    const quote = known.get(symbol);
    return [symbol, quote ? run.prices.quote(quote) : { ok: false, error: { code: "unavailable", symbol, message } }];
  });
};

/** Minutes enough for every indicator, and back to the last look at what is held, as far as one answer of the feed reaches. */
const candlesSince = (run: TickRun, symbol: string): Millis => {
  const held = run.work.positions.find((position) => position.symbol === symbol);
  return candlesFrom(run.now(), held?.candlesSeenUntil ?? held?.openedAt ?? run.now());
};

/** Fetches quotes of everything watched, held or on order, and the minute candles of what is watched or held. */
export const watchMarket = async (run: TickRun): Promise<Watch> => {
  const watchlist = watchlistOf(run);
  const held = run.work.positions.map(({ symbol }) => symbol);
  const onOrder = run.work.openOrders.map(({ symbol }) => symbol);
  const candles = await each(
    [...new Set([...watchlist, ...held])],
    CANDLE_FETCHES,
    async (symbol) => [symbol, await run.market.candles(symbol, candlesSince(run, symbol))] as const,
  );
  const quotes = await fetchQuotes(run, [...new Set([...watchlist, ...held, ...onOrder])]);
  const problems: MarketProblem[] = [];
  const good = <Value>(
    results: Iterable<readonly [string, { ok: true; value: Value } | { ok: false; error: MarketProblem }]>,
  ) => {
    const values = new Map<string, Value>();
    for (const [symbol, result] of results) {
      if (result.ok) values.set(symbol, result.value);
      else problems.push(result.error);
    }
    return values;
  };
  return { quotes: good<Quote>(quotes), candles: good<readonly Candle[]>(candles), problems };
};

/** Returns a symbol's quote if it may be traded on, else null. */
export const freshQuote = (run: TickRun, watch: Watch, symbol: string): Quote | null => {
  const fresh = usableQuote(watch.quotes.get(symbol) ?? null, run.now(), run.work.config.QUOTE_MAX_AGE_SECONDS);
  return fresh.ok ? fresh.value : null;
};

/** Returns what a sale of a position would bring per unit: this run's bid, else the last good price that the database knows; null when there is none. */
export const salePrice = (watch: Watch, position: Pick<HeldPosition, "symbol" | "salePrice">): Amount | null =>
  watch.quotes.get(position.symbol)?.bid ?? position.salePrice;

/** Returns why a symbol has no price that may be used; null when it has one. */
export const quoteProblem = (watch: Watch, symbol: string): MarketProblem | null =>
  watch.quotes.has(symbol) ? null : (watch.problems.find((problem) => problem.symbol === symbol) ?? null);

const newCandlesOf = (run: TickRun, symbol: string, candles: readonly Candle[]): Candle[] => {
  const newest = run.work.latestCandles[symbol] ?? Number.NEGATIVE_INFINITY;
  return candles.filter(({ openedAt }) => openedAt > newest);
};

/** Returns the closed candles that the database does not have yet. */
export const newCandles = (run: TickRun, watch: Watch): Candle[] =>
  [...watch.candles].flatMap(([symbol, candles]) => newCandlesOf(run, symbol, candles));

/** Returns the holes in what a run has newly got of each symbol, each of which is so told once. */
export const newGaps = (run: TickRun, watch: Watch): Gap[] =>
  [...watch.candles].flatMap(([symbol, candles]) =>
    gapsIn(newCandlesOf(run, symbol, candles), run.work.latestCandles[symbol] ?? null),
  );

/** The holes in what is known of the last hours, and what has come to no end yet. */
const gapsOfLate = (run: TickRun, watch: Watch): Gap[] =>
  [...watch.candles].flatMap(([symbol, candles]) => {
    const last = candles.at(-1);
    const open = last && run.now() - closedAt(last) > LONGEST_PAUSE_MS;
    return [...gapsIn(candles, null), ...(open ? [{ symbol, from: closedAt(last), to: run.now() }] : [])];
  });

/** Writes how the market feed is: an error when nothing came, a warning when something is missing or unconfirmed; and where its candles have holes. */
export const marketHeartbeat = (run: TickRun, watch: Watch, latencyMs: number): Json => {
  const isSilent = watch.quotes.size === 0 && watch.problems.every(({ code }) => code !== "unconfirmed");
  const status = watch.problems.length === 0 ? "ok" : isSilent ? "error" : "warning";
  const gaps = describeGaps(gapsOfLate(run, watch), 5);
  const problems = watch.problems.slice(0, 5).map(({ symbol, code, message }) => `${symbol}: ${code}: ${message}`);
  return {
    component: "market_data",
    mode: run.work.mode,
    status,
    ok: status !== "error",
    latency_ms: Math.round(latencyMs),
    details: {
      ...(problems.length === 0 ? {} : { problems }),
      ...(gaps.length === 0 ? {} : { gaps }),
    },
  };
};
