import type { Quote } from "../../../shared/market/quote.ts";
import { decimal } from "../../../shared/money/decimal.ts";
import type { Mode } from "../../../shared/orders/order.ts";
import type { RepositionDecision } from "../../../shared/orders/reposition.ts";
import { readBooks } from "../_shared/books.ts";
import { askCancels, hasNewFill, type Performed, performOrders, reportsOf } from "../_shared/perform.ts";
import { decideWorking, type QuoteOf, replacementPrice } from "../_shared/reprice.ts";
import { count, type TickBody, type TickRun } from "../_shared/run.ts";
import type { ClaimedOrder } from "../_shared/wire/claimed-order.ts";
import { writeDecision, writeQuote } from "../_shared/wire/write.ts";

type Quotes = ReadonlyMap<string, Quote>;
type Decided = readonly [order: ClaimedOrder, decision: Exclude<RepositionDecision, { action: "wait" }>];

const keyOf = (mode: Mode, symbol: string): string => `${mode} ${symbol}`;

const quoteIn =
  (quotes: Quotes): QuoteOf =>
  ({ mode, symbol }) =>
    quotes.get(keyOf(mode, symbol)) ?? null;

/** Current quotes of everything that may be repriced, from the broker that would trade it; what can't be true or is unconfirmed is none. */
const loadQuotes = async (run: TickRun, orders: readonly ClaimedOrder[]): Promise<Quotes> => {
  const quotes = new Map<string, Quote>();
  for (const mode of new Set(orders.map((order) => order.mode))) {
    const symbols = new Set(orders.filter((order) => order.mode === mode).map(({ symbol }) => symbol));
    const answer = await run.broker(mode).quotes([...symbols]);
    const usable = (answer.ok ? answer.value : []).filter((quote) => run.prices.quote(quote).ok);
    for (const quote of usable) quotes.set(keyOf(mode, quote.symbol), quote);
  }
  return quotes;
};

const mayBeRepriced = (order: ClaimedOrder): boolean =>
  (order.action === "query" && isWorking(order)) || (order.action === "cancel" && order.cancelReasonCode === "reprice");

const isWorking = ({ status }: { readonly status: string }) => status === "working" || status === "partially_filled";

/** Decides on orders that were working when their time came and are so still, as the broker has just said. */
const decideAll = (run: TickRun, quotes: Quotes, performed: readonly Performed[]): Decided[] =>
  performed.flatMap(({ order, standing }): Decided[] => {
    if (order.action !== "query" || !isWorking(order) || standing === null) return [];
    if (standing.state !== "working" && standing.state !== "partially_filled") return [];
    const status = decimal(standing.filledQty).gt(decimal("0")) ? "partially_filled" : "working";
    const decision = decideWorking(run, quoteIn(quotes), order, status);
    if (decision.action === "wait") return [];
    count(run.findings, `${decision.action}s`);
    return [[order, decision]];
  });

/**
 * Brings every due order to the broker's truth: begin_tick has recovered what a crash left behind and claimed what is
 * due; this sends, asks and cancels, reprices at TTL by the runbook's policy, and reads the broker's books after fills.
 */
export const repositionTick: TickBody = async (run) => {
  const { orders } = run.work;
  if (orders.length === 0) return;
  const asked = await askCancels(run, orders);
  const quotes = await loadQuotes(run, orders.filter(mayBeRepriced));
  const price = replacementPrice(run, quoteIn(quotes));
  const first = await performOrders(run, orders, price, asked);
  run.findings.reports.push(...reportsOf(first));
  const decided = decideAll(run, quotes, first);
  const committed = await run.commit({
    quotes: [...quotes.values()].map(writeQuote),
    decisions: decided.map(([order, decision]) => writeDecision(order.id, decision)),
  });
  const second = await performOrders(run, committed.orders, price);
  run.findings.reports.push(...reportsOf(second));
  const filled = [...first, ...second].filter(hasNewFill);
  count(run.findings, "orders_with_fills", new Set(filled.map(({ order }) => order.id)).size);
  for (const mode of new Set(filled.map(({ order }) => order.mode))) await readBooks(run, mode);
};
