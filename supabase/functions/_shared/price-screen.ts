import { type Candle, closedAt, closedCandles } from "../../../shared/market/candle.ts";
import { formatInstant, type Millis } from "../../../shared/market/instant.ts";
import {
  confirmedSeries,
  judgePrice,
  NO_MEMORY,
  observationOf,
  type PriceMemory,
  type Rejected,
  seedMemory,
} from "../../../shared/market/price-check.ts";
import { implausible, type Quote } from "../../../shared/market/quote.ts";
import type { MarketTrade } from "../../../shared/market/trade.ts";
import { type Amount, decimal } from "../../../shared/money/decimal.ts";
import type { MarketProblem, QuoteResult } from "./market/market.ts";
import type { Json } from "./wire/write.ts";

/** Keeps prices that can't be true, or are not confirmed yet, from everything a run does; all parts of a run share it. */
export interface PriceScreen {
  /** The quote, or why it must not be used. The same look twice is one observation. */
  quote(quote: Quote): QuoteResult;
  /** The closed candles that may be used, oldest first. */
  candles(symbol: string, candles: readonly Candle[]): Candle[];
  /** The trades that may be used, oldest first. */
  trades(symbol: string, trades: readonly MarketTrade[]): MarketTrade[];
  /** What is to be kept of it, as the fields of a payload. */
  written(): Json;
  /** Forgets what was to be kept: it is. */
  clear(): void;
}

const writeMemory = (symbol: string, { recent, seenAt, pending }: PriceMemory): Json => ({
  symbol,
  recent,
  seen_at: seenAt === null ? null : formatInstant(seenAt),
  pending_side: pending?.side ?? null,
  pending_value: pending?.value ?? null,
  pending_at: pending === null ? null : formatInstant(pending.at),
});

const writeRejected = <Item>(
  kind: "candle" | "trade",
  { price, median, confirmedAt }: Rejected<Item>,
  part: { readonly symbol: string; readonly low: Amount; readonly high: Amount; readonly observedAt: Millis },
): Json => ({
  symbol: part.symbol,
  kind,
  source: "market",
  price,
  low: part.low,
  high: part.high,
  median,
  observed_at: formatInstant(part.observedAt),
  confirmed_at: confirmedAt === null ? null : formatInstant(confirmedAt),
});

const byTime = (a: MarketTrade, b: MarketTrade): number =>
  a.at - b.at || Number(a.tradeId ?? 0) - Number(b.tradeId ?? 0);

/** Opens a run's screen on what the database remembers of each symbol's price. */
export const priceScreen = (
  remembered: Readonly<Record<string, PriceMemory>>,
  badPct: Amount,
  now: () => Millis,
): PriceScreen => {
  const memories = new Map(Object.entries(remembered));
  const changed = new Set<string>();
  const rejections = new Map<string, Json>();
  const confirmations: Json[] = [];
  const remember = (symbol: string, memory: PriceMemory): void => {
    if (memories.get(symbol) === memory) return;
    memories.set(symbol, memory);
    changed.add(symbol);
  };
  const reject = (row: Json): void => void rejections.set(`${row.symbol} ${row.kind} ${row.observed_at}`, row);
  const confirm = (symbol: string, at: Millis, by: Millis): void =>
    void confirmations.push({ symbol, observed_at: formatInstant(at), confirmed_at: formatInstant(by) });
  const problem = (code: MarketProblem["code"], symbol: string, message: string): QuoteResult => ({
    ok: false,
    error: { code, symbol, message },
  });

  const judge = (quote: Quote): QuoteResult => {
    const { symbol, bid, ask, source } = quote;
    const observation = observationOf(quote);
    const { verdict, memory } = judgePrice(memories.get(symbol) ?? NO_MEMORY, observation, badPct);
    remember(symbol, memory);
    if (verdict.isConfirmed) {
      if (verdict.confirms !== null) confirm(symbol, verdict.confirms.at, observation.at);
      return { ok: true, value: quote };
    }
    const { price, median, isNew } = verdict;
    const row = { symbol, kind: "quote", source, price, low: bid, high: ask, median, confirmed_at: null };
    if (isNew) reject({ ...row, observed_at: formatInstant(observation.at) });
    const off = decimal(price).div(decimal(median)).minus(decimal("1")).times(decimal("100")).toFixed(1);
    const message = `the price ${price} is unconfirmed: ${off} % from the last ones, which were about ${median}`;
    return problem("unconfirmed", symbol, message);
  };

  return {
    quote: (quote) => {
      const impossible = implausible(quote, now());
      return impossible === null ? judge(quote) : problem("garbage", quote.symbol, impossible.message);
    },
    candles: (symbol, candles) => {
      const observe = (candle: Candle) => {
        const { open, high, low, close } = candle;
        return { at: closedAt(candle), prices: [open, high, low, close], value: close };
      };
      const { good, rejected } = confirmedSeries(closedCandles(candles, now()), observe, badPct);
      for (const one of rejected) {
        const { low, high, openedAt } = one.item;
        reject(writeRejected("candle", one, { symbol, low, high, observedAt: openedAt }));
      }
      remember(
        symbol,
        seedMemory(
          memories.get(symbol) ?? NO_MEMORY,
          good.map(({ close }) => close),
        ),
      );
      return [...good];
    },
    trades: (symbol, trades) => {
      const observe = ({ at, price }: MarketTrade) => ({ at, prices: [price], value: price });
      const { good, rejected } = confirmedSeries([...trades].sort(byTime), observe, badPct);
      for (const one of rejected) {
        const { price, at } = one.item;
        reject(writeRejected("trade", one, { symbol, low: price, high: price, observedAt: at }));
      }
      return [...good];
    },
    written: () => ({
      ...(changed.size > 0
        ? { price_memory: [...changed].map((symbol) => writeMemory(symbol, memories.get(symbol) ?? NO_MEMORY)) }
        : {}),
      ...(rejections.size > 0 ? { rejected_prices: [...rejections.values()] } : {}),
      ...(confirmations.length > 0 ? { confirmed_prices: [...confirmations] } : {}),
    }),
    clear: () => {
      changed.clear();
      rejections.clear();
      confirmations.length = 0;
    },
  };
};
