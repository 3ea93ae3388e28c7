import { isDust } from "../../../shared/market/dust.ts";
import { formatInstant } from "../../../shared/market/instant.ts";
import { midPrice, type Quote, spreadPct } from "../../../shared/market/quote.ts";
import { type Amount, decimal, toAmount } from "../../../shared/money/decimal.ts";
import { worstFeeBps } from "../../../shared/money/fees.ts";
import {
  afterEntry,
  decideEntry,
  type EntryBudget,
  type EntryDecision,
  leastNotional,
} from "../../../shared/trader/entry.ts";
import { initialExitState } from "../../../shared/trader/exit.ts";
import { type Score, scoreSymbol } from "../../../shared/trader/score.ts";
import { count, type TickRun } from "../_shared/run.ts";
import type { HeldPosition } from "../_shared/wire/work.ts";
import type { Json } from "../_shared/wire/write.ts";
import { slotOf } from "./slot.ts";
import { freshQuote, quoteProblem, salePrice, type Watch } from "./watch.ts";

/** One symbol of the watchlist, scored. */
export interface Scanned {
  readonly symbol: string;
  readonly score: Score;
  readonly quote: Quote | null;
}

/** What the scan leads to: rows for the scanner, buys to submit, and words. */
export interface Entries {
  /** Null where nothing may be entered: that is no empty scan. */
  readonly scans: readonly Json[] | null;
  readonly intents: readonly Json[];
  readonly thoughts: readonly Json[];
}

const STRATEGY = "trend_score";

type Enter = Extract<EntryDecision, { action: "enter" }>;

/** Scores the watchlist on closed candles and a usable quote, best first. */
export const scan = (run: TickRun, watch: Watch): Scanned[] => {
  const pointsOf = ({ score }: Scanned): number => (score.kind === "scored" ? score.score : -1);
  return run.work.instruments
    .filter(({ enabled }) => enabled)
    .map(({ symbol }): Scanned => {
      const quote = freshQuote(run, watch, symbol);
      return { symbol, quote, score: scoreSymbol(watch.candles.get(symbol) ?? [], quote, run.now()) };
    })
    .sort((a, b) => pointsOf(b) - pointsOf(a) || a.symbol.localeCompare(b.symbol));
};

const prices = (quote: Quote | null): Json =>
  quote === null
    ? {}
    : {
        bid: quote.bid,
        ask: quote.ask,
        mid: toAmount(midPrice(quote)),
        spread_pct: spreadPct(quote).toFixed(6),
        observed_at: formatInstant(quote.observedAt),
      };

const writeScan = (run: TickRun, watch: Watch, { symbol, score, quote }: Scanned): Json => {
  const seen = quote ?? watch.quotes.get(symbol) ?? null;
  if (score.kind === "not_scored") {
    const problem = quoteProblem(watch, symbol);
    const detail = problem?.code === "unconfirmed" ? problem.message : score.detail;
    return { symbol, score: null, info: prices(seen), no_data_reason: detail };
  }
  const isCandidate = score.score >= Number(run.work.config.TRADER_ENTRY_SCORE);
  return {
    symbol,
    score: score.score,
    score_breakdown: score.breakdown,
    info: { ...prices(seen), ...score.indicators },
    recommended_strategy: isCandidate ? STRATEGY : null,
    no_data_reason: null,
  };
};

const writeIntent = (run: TickRun, symbol: string, entry: Enter): Json => {
  const exit = initialExitState(entry.limitPrice, run.now(), run.work.config);
  return {
    engine: "trader",
    mode: run.work.mode,
    symbol,
    side: "buy",
    purpose: "entry",
    notional: entry.notional,
    limit_price: entry.limitPrice,
    idempotency_key: `trader:${run.work.mode}:${symbol}:entry:${slotOf(run)}`,
    strategy: STRATEGY,
    confidence: entry.confidence,
    reason: entry.reason,
    metadata: {
      urgency: "passive",
      stop_price: exit.stopPrice,
      target_price: exit.targetPrice,
      exit_by: formatInstant(exit.exitBy),
    },
  };
};

const isHeld = (run: TickRun, watch: Watch, position: HeldPosition): boolean => {
  const instrument = run.work.instruments.find(({ symbol }) => symbol === position.symbol);
  return instrument === undefined || !isDust(position.qty, salePrice(watch, position), instrument);
};

/** The rate an entry of this run must reckon with; without a mode nothing is entered. */
const feeBps = (run: TickRun): Amount => worstFeeBps(run.work.fees[run.work.mode ?? "live"]);

const openingBudget = (run: TickRun, watch: Watch): EntryBudget => {
  const { openOrders, account } = run.work;
  const held = run.work.positions.filter((position) => isHeld(run, watch, position));
  const taken = new Set([...held, ...openOrders.filter(({ side }) => side === "buy")].map(({ symbol }) => symbol));
  return {
    freeCash: account?.freeCash ?? "0",
    dailyNotionalLeft: account?.dailyNotionalLeft ?? null,
    openPositions: taken.size,
  };
};

const decideOne = (run: TickRun, watch: Watch, scanned: Scanned, budget: EntryBudget): EntryDecision => {
  const { symbol, score, quote } = scanned;
  const instrument = run.work.instruments.find((known) => known.symbol === symbol);
  if (quote === null || instrument === undefined)
    return { action: "skip", code: "no_data", message: "no usable quote" };
  const held = run.work.positions.some((position) => position.symbol === symbol && isHeld(run, watch, position));
  const hasOpenOrder = run.work.openOrders.some((order) => order.symbol === symbol);
  const { config } = run.work;
  return decideEntry({ score, quote, instrument, budget, feeBps: feeBps(run), isHeld: held, hasOpenOrder, config });
};

/** Why nothing is bought, from the best candidate's point of view; the day's limit concerns them all. */
const whyNot = (run: TickRun, scanned: readonly Scanned[], skipped: readonly string[], left: Amount | null): string => {
  const { config } = run.work;
  const minimums = scanned.flatMap(({ symbol, quote }) => {
    const instrument = run.work.instruments.find((known) => known.symbol === symbol);
    if (quote === null || instrument === undefined) return [];
    return leastNotional({ quote, instrument, feeBps: feeBps(run), config }) ?? [];
  });
  const isUsedUp =
    left !== null && minimums.length > 0 && minimums.every((minimum) => decimal(left).lt(decimal(minimum)));
  if (isUsedUp) return `MAX_DAILY_NOTIONAL of ${config.MAX_DAILY_NOTIONAL} leaves ${left} USD for today`;
  return skipped[0] ?? "all enter";
};

const summary = (scanned: readonly Scanned[], best: string): Json => {
  const scored = scanned.filter(({ score }) => score.kind === "scored").length;
  return { type: "scan", symbol: null, content: `scanned ${scanned.length}, scored ${scored}; ${best}` };
};

/** Decides entries from the best score down, each against what the ones before it leave; the database guards them all again. */
export const decideEntries = (run: TickRun, watch: Watch): Entries => {
  if (run.work.exitsOnly) return { scans: null, intents: [], thoughts: [] };
  const scanned = scan(run, watch);
  const scans = scanned.map((one) => writeScan(run, watch, one));
  count(run.findings, "scanned", scanned.length);
  const state = run.work.tradingState ?? "active";
  if (state !== "active")
    return { scans, intents: [], thoughts: [summary(scanned, `no entries while trading is ${state}`)] };
  const intents: Json[] = [];
  const thoughts: Json[] = [];
  const skipped: string[] = [];
  let budget = openingBudget(run, watch);
  for (const one of scanned) {
    const decision = decideOne(run, watch, one, budget);
    if (decision.action === "skip") {
      skipped.push(`${one.symbol}: ${decision.message}`);
      continue;
    }
    budget = afterEntry(budget, decision.notional, feeBps(run));
    intents.push(writeIntent(run, one.symbol, decision));
    thoughts.push({ type: "signal", symbol: one.symbol, content: `${one.symbol}: ${decision.reason}` });
  }
  count(run.findings, "entry_signals", intents.length);
  return {
    scans,
    intents,
    thoughts: [summary(scanned, whyNot(run, scanned, skipped, budget.dailyNotionalLeft)), ...thoughts],
  };
};
