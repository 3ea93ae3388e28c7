import { describeGap } from "../../../shared/market/gaps.ts";
import { readBooks } from "../_shared/books.ts";
import { performOrders, reportsOf } from "../_shared/perform.ts";
import { replacementPrice } from "../_shared/reprice.ts";
import { count, type TickBody, type TickRun } from "../_shared/run.ts";
import { type Json, writeCandle, writeQuote } from "../_shared/wire/write.ts";
import { decideEntries } from "./entries.ts";
import { decideExits } from "./exits.ts";
import { reportOpenOrders } from "./open-orders.ts";
import { marketHeartbeat, newCandles, newGaps, type Watch, watchMarket } from "./watch.ts";

/** Leftovers are only sent: there is nothing to replace. */
const noPrice = () => null;

const noteDenials = (run: TickRun, intents: readonly Json[], answers: readonly Json[]): void => {
  answers.forEach((answer, index) => {
    const isAccepted = answer.status === "accepted";
    count(run.findings, isAccepted ? "intents_accepted" : "intents_denied");
    if (isAccepted) return;
    const { symbol, purpose } = intents[index] ?? {};
    const content = `${symbol} ${purpose} denied: ${answer.code}: ${answer.message}`;
    run.findings.thoughts.push({ type: "denied", symbol, content, metadata: { code: answer.code } });
  });
};

const gapThoughts = (run: TickRun, watch: Watch): Json[] =>
  newGaps(run, watch).map((gap) => ({ type: "data_gap", symbol: gap.symbol, content: describeGap(gap) }));

/**
 * Looks at the market, decides exits before entries, commits everything at once, sends what the guards let through,
 * and hands the broker's own books to reconciliation.
 */
export const traderTick: TickBody = async (run) => {
  const { mode } = run.work;
  if (mode === null) throw new Error("begin_tick gave the trader no mode");
  const leftovers = await performOrders(run, run.work.orders, noPrice);
  run.findings.reports.push(...reportsOf(leftovers));
  await reportOpenOrders(run);
  const startedAt = run.now();
  const watch = await watchMarket(run);
  run.findings.heartbeats.push(marketHeartbeat(run, watch, run.now() - startedAt));
  const exits = decideExits(run, watch);
  const entries = decideEntries(run, watch);
  const intents = [...exits.intents, ...entries.intents];
  const committed = await run.commit({
    quotes: [...watch.quotes.values()].map(writeQuote),
    candles: newCandles(run, watch).map(writeCandle),
    scans: entries.scans,
    exit_states: exits.states,
    decisions: exits.decisions,
    intents,
    thoughts: [...gapThoughts(run, watch), ...exits.thoughts, ...entries.thoughts],
  });
  noteDenials(run, intents, committed.intents);
  const price = replacementPrice(run, ({ mode: ofOrder, symbol }) =>
    ofOrder === mode ? (watch.quotes.get(symbol) ?? null) : null,
  );
  const sent = await performOrders(run, committed.orders, price);
  run.findings.reports.push(...reportsOf(sent));
  await readBooks(run, mode);
};
