import { type Amount, type Decimal, decimal } from "../money/decimal.ts";
import { type Result, refusal, success } from "../result.ts";
import type { Millis } from "./instant.ts";

/** The best bid and ask of a symbol; sizes are null when the feed does not tell them. */
export interface Quote {
  readonly symbol: string;
  readonly bid: Amount;
  readonly ask: Amount;
  readonly bidSize: Amount | null;
  readonly askSize: Amount | null;
  readonly source: string;
  readonly observedAt: Millis;
  /** Since when this very look at the market stands, where the feed tells; else it is of `observedAt`. */
  readonly since?: Millis;
}

/** The source of a quote that is made up from candles, because nothing better is known. */
export const FROM_CANDLES = "candles";

/** Half the spread that is assumed on either side of a candle's price, in basis points. */
export const CANDLE_HALF_SPREAD_BPS: Amount = "1";

/** Tells whether candles are all that is known of a symbol's market: then a quote is the open of the running one. */
export const isFromCandles = (quote: Pick<Quote, "source">): boolean => quote.source === FROM_CANDLES;

/** Why a quote must not be traded on. */
export interface QuoteProblem {
  readonly code: "no_quote" | "crossed" | "stale" | "from_the_future";
  readonly message: string;
}

const CROSSED_TOLERANCE_BPS = decimal("5");
const CLOCK_SKEW_TOLERANCE_MS = 5000;

/** Returns the middle between bid and ask. */
export const midPrice = (quote: Pick<Quote, "bid" | "ask">): Decimal =>
  decimal(quote.bid).plus(decimal(quote.ask)).div(decimal("2"));

/** Returns the spread in percent of mid; negative when the quote is crossed. */
export const spreadPct = (quote: Pick<Quote, "bid" | "ask">): Decimal =>
  decimal(quote.ask).minus(decimal(quote.bid)).div(midPrice(quote)).times(decimal("100"));

/** Returns the quote as it may be traded on: legs crossed by up to 5 bps are swapped, since feeds sample them apart. Twin of private.quote_problem. */
export const usableQuote = (quote: Quote | null, now: Millis, maxAgeSeconds: number): Result<Quote, QuoteProblem> => {
  if (quote === null) return refusal({ code: "no_quote", message: "there is no quote" });
  const ageMs = now - quote.observedAt;
  if (ageMs > maxAgeSeconds * 1000) {
    return refusal({
      code: "stale",
      message: `the quote is ${Math.round(ageMs / 1000)} s old, allowed are ${maxAgeSeconds} s`,
    });
  }
  if (ageMs < -CLOCK_SKEW_TOLERANCE_MS) {
    return refusal({
      code: "from_the_future",
      message: `the quote is ${Math.round(-ageMs / 1000)} s ahead of the clock`,
    });
  }
  if (isCrossed(quote)) {
    const crossedBps = spreadPct(quote).times(decimal("-100"));
    return refusal({
      code: "crossed",
      message: `bid ${quote.bid} is above ask ${quote.ask} by ${crossedBps.toFixed(1)} bps`,
    });
  }
  return success(uncrossed(quote));
};

/** Tells whether the bid is above the ask by more than 5 bps of mid; multiplied out, so that no division is rounded. */
const isCrossed = (quote: Quote): boolean => {
  const [bid, ask] = [decimal(quote.bid), decimal(quote.ask)];
  return bid.minus(ask).times(decimal("20000")).gt(bid.plus(ask).times(CROSSED_TOLERANCE_BPS));
};

/** Returns the quote with the lower price as its bid. */
export const uncrossed = (quote: Quote): Quote =>
  decimal(quote.bid).lte(decimal(quote.ask)) ? quote : swapLegs(quote);

/** Returns why a quote can't be true, however old it is: it is crossed, or ahead of the clock; null when it can. */
export const implausible = (quote: Quote, now: Millis): QuoteProblem | null => {
  const judged = usableQuote(quote, now, Number.POSITIVE_INFINITY);
  return judged.ok ? null : judged.error;
};

const swapLegs = (quote: Quote): Quote => ({
  ...quote,
  bid: quote.ask,
  ask: quote.bid,
  bidSize: quote.askSize,
  askSize: quote.bidSize,
});
