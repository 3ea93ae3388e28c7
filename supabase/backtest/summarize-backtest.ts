import type { Gap } from "../../shared/market/gaps.ts";
import { type Amount, type Decimal, decimal, toAmount, ZERO } from "../../shared/money/decimal.ts";
import type { BacktestFacts, EquityPoint } from "./backtest-facts.ts";
import { roundTrips } from "./round-trips.ts";

/** The largest fall of equity from a peak to a later low. */
export interface Drawdown {
  readonly usd: Amount;
  readonly pct: Amount;
  readonly peakMs: number | null;
  readonly lowMs: number | null;
}

/** What a backtest shows; amounts in USD as text, percentages with four decimals, moments in epoch milliseconds. */
export interface BacktestReport {
  readonly fromMs: number;
  readonly toMs: number;
  readonly startingCash: Amount;
  readonly endingEquity: Amount;
  readonly netPnl: Amount;
  readonly returnPct: Amount;
  readonly realizedPnl: Amount;
  readonly unrealizedPnl: Amount;
  readonly fees: Amount;
  readonly tradedNotional: Amount;
  readonly fills: number;
  readonly roundTrips: number;
  readonly wins: number;
  readonly losses: number;
  readonly drawdown: Drawdown;
  readonly exposure: { readonly meanPct: Amount; readonly maxUsd: Amount; readonly timeInMarketPct: Amount };
  readonly intents: Readonly<Record<string, number>>;
  readonly denials: Readonly<Record<string, number>>;
  readonly orders: Readonly<Record<string, number>>;
  readonly ticks: Readonly<Record<string, number>>;
  /** Where the data had nothing, for whom and how long; no tick ran where it had nothing at all. */
  readonly gaps: readonly Gap[];
  readonly problems: readonly string[];
}

/** Computes the report from the books; a realized P&L that the fills do not bear out is named as a problem. */
export function summarizeBacktest(facts: BacktestFacts): BacktestReport {
  const trips = roundTrips(facts.fills);
  const start = decimal(facts.startingCash);
  const net = endingEquity(facts).minus(start);
  const realized = decimal(facts.realizedPnl);
  return {
    fromMs: facts.fromMs,
    toMs: facts.toMs,
    startingCash: facts.startingCash,
    endingEquity: toAmount(endingEquity(facts)),
    netPnl: toAmount(net),
    returnPct: percent(net, start),
    realizedPnl: facts.realizedPnl,
    unrealizedPnl: toAmount(net.minus(realized)),
    fees: toAmount(sum(facts.fills.map((fill) => decimal(fill.fee)))),
    tradedNotional: toAmount(sum(facts.fills.map((fill) => decimal(fill.qty).times(decimal(fill.price))))),
    fills: facts.fills.length,
    roundTrips: trips.length,
    wins: trips.filter((trip) => decimal(trip.pnl).gt(ZERO)).length,
    losses: trips.filter((trip) => !decimal(trip.pnl).gt(ZERO)).length,
    drawdown: largestDrawdown(facts.equity),
    exposure: exposureOf(facts.equity),
    intents: facts.intents,
    denials: facts.denials,
    orders: facts.orders,
    ticks: facts.ticks,
    gaps: facts.gaps,
    problems: [...facts.problems, ...cashProblems(facts)],
  };
}

/** The ledger's cash must be what the fills make of the starting cash, to the last digit. */
function cashProblems(facts: BacktestFacts): string[] {
  const last = facts.equity.at(-1);
  if (last === undefined) return [];
  const flows = facts.fills.map((fill) => {
    const amount = decimal(fill.qty).times(decimal(fill.price));
    return (fill.side === "buy" ? ZERO.minus(amount) : amount).minus(decimal(fill.fee));
  });
  const expected = decimal(facts.startingCash).plus(sum(flows));
  if (expected.eq(decimal(last.cash))) return [];
  return [`the ledger holds ${last.cash} USD, but starting cash and fills make ${toAmount(expected)}`];
}

function endingEquity(facts: BacktestFacts): Decimal {
  const last = facts.equity.at(-1);
  return last === undefined ? decimal(facts.startingCash) : equityAt(last);
}

function largestDrawdown(points: readonly EquityPoint[]): Drawdown {
  let worst: Drawdown & { fall: Decimal } = { fall: ZERO, usd: "0", pct: "0", peakMs: null, lowMs: null };
  let peak: EquityPoint | undefined;
  for (const point of points) {
    if (peak === undefined || equityAt(point).gt(equityAt(peak))) peak = point;
    const fall = equityAt(peak).minus(equityAt(point));
    if (!fall.gt(worst.fall)) continue;
    worst = { fall, usd: toAmount(fall), pct: percent(fall, equityAt(peak)), peakMs: peak.atMs, lowMs: point.atMs };
  }
  const { usd, pct, peakMs, lowMs } = worst;
  return { usd, pct, peakMs, lowMs };
}

function exposureOf(points: readonly EquityPoint[]): BacktestReport["exposure"] {
  const shares = points.map((point) =>
    equityAt(point).eq(ZERO) ? ZERO : decimal(point.holdings).div(equityAt(point)),
  );
  const count = decimal(String(Math.max(1, points.length)));
  const inMarket = points.filter((point) => decimal(point.holdings).gt(ZERO)).length;
  const most = points.reduce((max, point) => (decimal(point.holdings).gt(max) ? decimal(point.holdings) : max), ZERO);
  return {
    meanPct: percent(sum(shares), count),
    maxUsd: toAmount(most.round(2)),
    timeInMarketPct: percent(decimal(String(inMarket)), count),
  };
}

function equityAt(point: EquityPoint): Decimal {
  return decimal(point.cash).plus(decimal(point.holdings));
}

function percent(part: Decimal, whole: Decimal): Amount {
  return whole.eq(ZERO) ? "0" : toAmount(part.div(whole).times(decimal("100")).round(4));
}

function sum(values: readonly Decimal[]): Decimal {
  return values.reduce((total, value) => total.plus(value), ZERO);
}
