import type { Candle } from "../../../shared/market/candle.ts";
import { closedCandles } from "../../../shared/market/candle.ts";
import { implausible, type Quote, usableQuote } from "../../../shared/market/quote.ts";
import { each } from "../_shared/each.ts";
import type { MarketProblem, QuoteResult } from "../_shared/market/market.ts";
import type { TickRun } from "../_shared/run.ts";
import type { Json } from "../_shared/wire/write.ts";

/** The market as one run sees it. */
export interface Watch {
  /** As fetched, whatever their age; one that can't be true is a problem, and never becomes the last good quote. */
  readonly quotes: ReadonlyMap<string, Quote>;
  readonly candles: ReadonlyMap<string, readonly Candle[]>;
  readonly problems: readonly MarketProblem[];
}

/** Enough closed minutes for every indicator, with room for quiet ones. */
const CANDLES_BACK_MS = 150 * 60_000;
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
    return [
      symbol,
      quote ? { ok: true, value: quote } : { ok: false, error: { code: "unavailable", symbol, message } },
    ];
  });
};

const plausible = (run: TickRun, symbol: string, result: QuoteResult): QuoteResult => {
  const problem = result.ok ? implausible(result.value, run.now()) : null;
  return problem === null ? result : { ok: false, error: { code: "garbage", symbol, message: problem.message } };
};

/** Fetches quotes of everything watched, held or on order, and the watchlist's minute candles. */
export const watchMarket = async (run: TickRun): Promise<Watch> => {
  const watchlist = watchlistOf(run);
  const concerned = [...run.work.positions, ...run.work.openOrders].map(({ symbol }) => symbol);
  const symbols = [...new Set([...watchlist, ...concerned])];
  const from = run.now() - CANDLES_BACK_MS;
  const candles = await each(
    watchlist,
    CANDLE_FETCHES,
    async (symbol) => [symbol, await run.market.candles(symbol, from)] as const,
  );
  const fetched = await fetchQuotes(run, symbols);
  const quotes = [...fetched].map(([symbol, result]) => [symbol, plausible(run, symbol, result)] as const);
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

/** Returns the closed candles that the database does not have yet. */
export const newCandles = (run: TickRun, watch: Watch): Candle[] =>
  [...watch.candles].flatMap(([symbol, candles]) => {
    const newest = run.work.latestCandles[symbol] ?? Number.NEGATIVE_INFINITY;
    return closedCandles(candles, run.now()).filter(({ openedAt }) => openedAt > newest);
  });

/** Writes how the market feed is: an error when nothing came, a warning when something is missing. */
export const marketHeartbeat = (run: TickRun, watch: Watch, latencyMs: number): Json => {
  const status = watch.problems.length === 0 ? "ok" : watch.quotes.size === 0 ? "error" : "warning";
  const problems = watch.problems.slice(0, 5).map(({ symbol, code, message }) => `${symbol}: ${code}: ${message}`);
  return {
    component: "market_data",
    mode: run.work.mode,
    status,
    ok: status !== "error",
    latency_ms: Math.round(latencyMs),
    details: problems.length === 0 ? {} : { problems },
  };
};
