import type { Config } from "../config/parse-config.ts";
import type { Millis } from "../market/instant.ts";
import { type Quote, spreadPct, uncrossed, usableQuote } from "../market/quote.ts";
import { type Amount, decimal, ZERO } from "../money/decimal.ts";
import type { Purpose, Side, Urgency } from "./order.ts";
import { type PricingConfig, priceForAttempt, stopLossPrice } from "./pricing.ts";
import type { OrderStatus } from "./status.ts";

/** What the policy needs to know of an order. */
export interface RepositionOrder {
  readonly side: Side;
  readonly purpose: Purpose;
  readonly urgency: Urgency;
  readonly status: OrderStatus;
  readonly limitPrice: Amount;
  readonly replaceCount: number;
  readonly nextActionAt: Millis | null;
  readonly priceIncrement: Amount;
}

export type RepositionConfig = PricingConfig & Pick<Config, "LIQUIDITY_GUARD_SPREAD_PCT" | "QUOTE_MAX_AGE_SECONDS">;

/** The alerts that a decision may open; the database uses the same words. */
export type RepositionAlert = "liquidity_guard_exit" | "stale_exit_quote";

/** What to do with a working order; `countsAttempt` says whether replace_count goes up. */
export type RepositionDecision =
  | { readonly action: "wait"; readonly reason: "not_working" | "not_due" }
  | {
      readonly action: "keep";
      readonly reason: "no_fresh_quote" | "liquidity_guard" | "price_unchanged" | "keeps_working" | "unpriceable";
      readonly countsAttempt: boolean;
      readonly alert: RepositionAlert | null;
    }
  | { readonly action: "cancel"; readonly reason: "liquidity_guard" | "max_reprices" }
  | {
      readonly action: "reprice";
      readonly price: Amount;
      readonly reason: "ttl" | "left_behind" | "stop_loss_follows_bid";
      readonly countsAttempt: boolean;
      readonly alert: RepositionAlert | null;
    };

type Keep = Extract<RepositionDecision, { action: "keep" }>;

const keep = (reason: Keep["reason"], countsAttempt = false, alert: RepositionAlert | null = null): Keep => ({
  action: "keep",
  reason,
  countsAttempt,
  alert,
});

/** A stop-loss follows the bid down, through wide spreads and beyond the last attempt; it never goes up again. */
const followBid = (
  order: RepositionOrder,
  quote: Quote,
  config: RepositionConfig,
  alert: RepositionAlert | null,
): RepositionDecision => {
  const price = stopLossPrice(quote, config, order.priceIncrement);
  const countsAttempt = order.replaceCount < config.MAX_REPRICE_ATTEMPTS;
  if (decimal(price).lte(ZERO)) return keep("unpriceable", false, alert);
  if (decimal(price).gte(decimal(order.limitPrice))) return keep("price_unchanged", countsAttempt, alert);
  return { action: "reprice", price, reason: "stop_loss_follows_bid", countsAttempt, alert };
};

/** An exit beyond its last attempt keeps working; when the market has left it behind it is pegged again, uncounted. */
const repegExit = (order: RepositionOrder, quote: Quote, config: RepositionConfig): RepositionDecision => {
  const price = priceForAttempt(order.side, quote, config.MAX_REPRICE_ATTEMPTS, config, order.priceIncrement);
  const [wanted, current] = [decimal(price), decimal(order.limitPrice)];
  const isLeftBehind = order.side === "sell" ? wanted.lt(current) : wanted.gt(current);
  if (!isLeftBehind || wanted.lte(ZERO)) return keep("keeps_working");
  return { action: "reprice", price, reason: "left_behind", countsAttempt: false, alert: null };
};

const withoutFreshQuote = (
  order: RepositionOrder,
  lastQuote: Quote | null,
  config: RepositionConfig,
): RepositionDecision => {
  if (order.purpose === "entry") return keep("no_fresh_quote");
  if (order.urgency !== "stop_loss" || lastQuote === null) return keep("no_fresh_quote", false, "stale_exit_quote");
  return followBid(order, uncrossed(lastQuote), config, "stale_exit_quote");
};

const decideOnQuote = (order: RepositionOrder, quote: Quote, config: RepositionConfig): RepositionDecision => {
  const isEntry = order.purpose === "entry";
  if (order.urgency === "stop_loss" && !isEntry) return followBid(order, quote, config, null);
  if (spreadPct(quote).gt(decimal(config.LIQUIDITY_GUARD_SPREAD_PCT))) {
    return isEntry
      ? { action: "cancel", reason: "liquidity_guard" }
      : keep("liquidity_guard", false, "liquidity_guard_exit");
  }
  if (order.replaceCount >= config.MAX_REPRICE_ATTEMPTS) {
    return isEntry ? { action: "cancel", reason: "max_reprices" } : repegExit(order, quote, config);
  }
  const price = priceForAttempt(order.side, quote, order.replaceCount + 1, config, order.priceIncrement);
  if (decimal(price).lte(ZERO)) return keep("unpriceable");
  if (decimal(price).eq(decimal(order.limitPrice))) return keep("price_unchanged", true);
  return { action: "reprice", price, reason: "ttl", countsAttempt: true, alert: null };
};

/** Decides what becomes of a working order at its TTL, from the current touch and never from the stale limit. */
export const decideReposition = (
  order: RepositionOrder,
  quote: Quote | null,
  config: RepositionConfig,
  now: Millis,
): RepositionDecision => {
  if (order.status !== "working" && order.status !== "partially_filled")
    return { action: "wait", reason: "not_working" };
  if (order.nextActionAt !== null && order.nextActionAt > now) return { action: "wait", reason: "not_due" };
  const fresh = usableQuote(quote, now, config.QUOTE_MAX_AGE_SECONDS);
  return fresh.ok ? decideOnQuote(order, fresh.value, config) : withoutFreshQuote(order, quote, config);
};

/** Returns the seconds until an order of this purpose is looked at again. */
export const ttlSeconds = (
  purpose: Purpose,
  config: Pick<Config, "ORDER_TTL_SECONDS_ENTRY" | "ORDER_TTL_SECONDS_EXIT">,
): number => (purpose === "entry" ? config.ORDER_TTL_SECONDS_ENTRY : config.ORDER_TTL_SECONDS_EXIT);
