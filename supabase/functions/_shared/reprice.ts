import type { Quote } from "../../../shared/market/quote.ts";
import { decideReposition, type RepositionDecision } from "../../../shared/orders/reposition.ts";
import type { ReplacementPrice } from "./perform.ts";
import type { TickRun } from "./run.ts";
import type { ClaimedOrder } from "./wire/claimed-order.ts";

/** The quote that a run has fetched for an order; null when it has none. */
export type QuoteOf = (order: ClaimedOrder) => Quote | null;

/** Decides on a working order by the policy; without a quote of the run's own by the last one the database knows. */
export const decideWorking = (
  run: TickRun,
  quoteOf: QuoteOf,
  order: ClaimedOrder,
  status: "working" | "partially_filled",
): RepositionDecision => {
  const instrument = run.work.instruments.find(({ symbol }) => symbol === order.symbol);
  if (instrument === undefined) throw new Error(`order ${order.id} is in ${order.symbol}, which is no instrument`);
  const known = run.work.quotes.find(({ symbol }) => symbol === order.symbol) ?? null;
  const quote = quoteOf(order) ?? known;
  return decideReposition(
    { ...order, status, priceIncrement: instrument.priceIncrement },
    quote,
    run.work.config,
    run.now(),
  );
};

/**
 * The child of a reprice starts from the touch of now, not of when its parent's cancel was decided; where the policy
 * would by now leave the parent standing, the child stands in its place.
 */
export const replacementPrice =
  (run: TickRun, quoteOf: QuoteOf): ReplacementPrice =>
  (order) => {
    if (order.cancelReasonCode !== "reprice") return null;
    const decision = decideWorking(run, quoteOf, { ...order, nextActionAt: null }, "working");
    if (decision.action === "reprice") return decision.price;
    const { reason } = decision;
    return reason === "price_unchanged" || reason === "keeps_working" ? order.limitPrice : null;
  };
