import { readBooks } from "../_shared/books.ts";
import { performOrders, reportsOf } from "../_shared/perform.ts";
import { replacementPrice } from "../_shared/reprice.ts";
import { count, type TickBody, type TickRun } from "../_shared/run.ts";
import { type Json, writeCandle, writeQuote } from "../_shared/wire/write.ts";
import { decideEntries } from "./entries.ts";
import { decideExits } from "./exits.ts";
import { reportOpenOrders } from "./open-orders.ts";
import { marketHeartbeat, newCandles, type Watch, watchMarket } from "./watch.ts";

/** Leftovers are only sent: there is nothing to replace. */
const noPrice = () => null;

const noteDenials = (run: TickRun, intents: readonly Json[], answers: readonly Json[]): void => {
  answers.forEach((answer, index) => {
    const isAccepted = answer.status === "accepted";
    count(run.findings, isAccepted ? "intents_accepted" : "intents_denied");
    if (isAccepted) return;
    const { mode, symbol, purpose } = intents[index] ?? {};
    const content = `${symbol} ${purpose} denied: ${answer.code}: ${answer.message}`;
    run.findings.thoughts.push({ type: "denied", mode, symbol, content, metadata: { code: answer.code } });
  });
};

/** What one mode's market and positions lead to. */
interface Decided {
  readonly watch: Watch;
  readonly payload: Readonly<Record<string, readonly Json[]>>;
}

/** Decides exits before entries, on the market as it is now. */
const decide = async (run: TickRun): Promise<Decided> => {
  const startedAt = run.now();
  const watch = await watchMarket(run);
  run.findings.heartbeats.push(marketHeartbeat(run, watch, run.now() - startedAt));
  const exits = decideExits(run, watch);
  const entries = decideEntries(run, watch);
  const { mode } = run.work;
  const inMode = (rows: readonly Json[]): Json[] => rows.map((row) => ({ mode, ...row }));
  return {
    watch,
    payload: {
      quotes: [...watch.quotes.values()].map(writeQuote),
      candles: newCandles(run, watch).map(writeCandle),
      ...(entries.scans === null ? {} : { scans: entries.scans }),
      exit_states: inMode(exits.states),
      decisions: exits.decisions,
      intents: [...exits.intents, ...entries.intents],
      thoughts: inMode([...exits.thoughts, ...entries.thoughts]),
    },
  };
};

/** Returns the payloads as one, each part in their order; exits elsewhere come after what the engine does at home. */
const merged = (decided: readonly Decided[]): Record<string, Json[]> => {
  const whole: Record<string, Json[]> = {};
  for (const { payload } of decided)
    for (const [part, rows] of Object.entries(payload)) whole[part] = [...(whole[part] ?? []), ...rows];
  return whole;
};

/**
 * Looks at the market, decides exits before entries, commits everything at once, sends what the guards let through,
 * and hands the broker's own books to reconciliation: in the trader's own mode, and wherever it still holds something.
 */
export const traderTick: TickBody = async (run) => {
  const { elsewhere } = run.work;
  const sides = [run, ...elsewhere.map((part): TickRun => ({ ...run, work: { ...run.work, ...part } }))];
  if (sides.some(({ work }) => work.mode === null)) throw new Error("begin_tick gave the trader no mode");
  const leftovers = await performOrders(run, run.work.orders, run.now(), noPrice);
  run.findings.reports.push(...reportsOf(leftovers));
  const decided: Decided[] = [];
  for (const side of sides) {
    await reportOpenOrders(side);
    decided.push(await decide(side));
  }
  const payload = merged(decided);
  const committingAt = run.now();
  const committed = await run.commit(payload);
  noteDenials(run, payload.intents ?? [], committed.intents);
  const quotesIn = new Map(sides.map(({ work }, index) => [work.mode, decided[index]?.watch.quotes]));
  const price = replacementPrice(run, ({ mode, symbol }) => quotesIn.get(mode)?.get(symbol) ?? null);
  const sent = await performOrders(run, committed.orders, committingAt, price);
  run.findings.reports.push(...reportsOf(sent));
  for (const { work } of sides) if (work.mode !== null) await readBooks(run, work.mode);
};
