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

/** What a run knows of prices, and what of it is to be written down. */
interface Notes {
  readonly memories: Map<string, PriceMemory>;
  readonly changed: Set<string>;
  readonly rejections: Map<string, Json>;
  readonly confirmations: Json[];
}

const memoryOf = (notes: Notes, symbol: string): PriceMemory => notes.memories.get(symbol) ?? NO_MEMORY;

const remember = (notes: Notes, symbol: string, memory: PriceMemory): void => {
  if (memoryOf(notes, symbol) === memory) return;
  notes.memories.set(symbol, memory);
  notes.changed.add(symbol);
};

const reject = ({ rejections }: Notes, row: Json): void =>
  void rejections.set(`${row.symbol} ${row.kind} ${row.observed_at}`, row);

const problem = (code: MarketProblem["code"], symbol: string, message: string): QuoteResult => ({
  ok: false,
  error: { code, symbol, message },
});

const screenQuote = (notes: Notes, quote: Quote, badPct: Amount): QuoteResult => {
  const { symbol, bid, ask, source } = quote;
  const observation = observationOf(quote);
  const { verdict, memory } = judgePrice(memoryOf(notes, symbol), observation, badPct);
  remember(notes, symbol, memory);
  const at = formatInstant(observation.at);
  if (verdict.isConfirmed) {
    const { confirms } = verdict;
    if (confirms !== null)
      notes.confirmations.push({ symbol, observed_at: formatInstant(confirms.at), confirmed_at: at });
    return { ok: true, value: quote };
  }
  const { price, median, isNew } = verdict;
  const row = {
    symbol,
    kind: "quote",
    source,
    price,
    low: bid,
    high: ask,
    median,
    observed_at: at,
    confirmed_at: null,
  };
  if (isNew) reject(notes, row);
  const off = decimal(price).div(decimal(median)).minus(decimal("1")).times(decimal("100")).toFixed(1);
  const message = `the price ${price} is unconfirmed: ${off} % from the last ones, which were about ${median}`;
  return problem("unconfirmed", symbol, message);
};

const screenCandles = (notes: Notes, symbol: string, closed: readonly Candle[], badPct: Amount): Candle[] => {
  const observe = (candle: Candle) => {
    const { open, high, low, close } = candle;
    return { at: closedAt(candle), prices: [open, high, low, close], value: close };
  };
  const { good, rejected } = confirmedSeries(closed, observe, badPct);
  for (const one of rejected) {
    const { low, high, openedAt } = one.item;
    reject(notes, writeRejected("candle", one, { symbol, low, high, observedAt: openedAt }));
  }
  const closes = good.map(({ close }) => close);
  if (closes.length > 0) remember(notes, symbol, seedMemory(memoryOf(notes, symbol), closes));
  return [...good];
};

const screenTrades = (notes: Notes, symbol: string, trades: readonly MarketTrade[], badPct: Amount): MarketTrade[] => {
  const observe = ({ at, price }: MarketTrade) => ({ at, prices: [price], value: price });
  const { good, rejected } = confirmedSeries([...trades].sort(byTime), observe, badPct);
  for (const one of rejected) {
    const { price, at } = one.item;
    reject(notes, writeRejected("trade", one, { symbol, low: price, high: price, observedAt: at }));
  }
  return [...good];
};

const writeNotes = ({ memories, changed, rejections, confirmations }: Notes): Json => ({
  ...(changed.size > 0
    ? { price_memory: [...changed].map((symbol) => writeMemory(symbol, memories.get(symbol) ?? NO_MEMORY)) }
    : {}),
  ...(rejections.size > 0 ? { rejected_prices: [...rejections.values()] } : {}),
  ...(confirmations.length > 0 ? { confirmed_prices: [...confirmations] } : {}),
});

/** Opens a run's screen on what the database remembers of each symbol's price. */
export const priceScreen = (
  remembered: Readonly<Record<string, PriceMemory>>,
  badPct: Amount,
  now: () => Millis,
): PriceScreen => {
  const memories = new Map(Object.entries(remembered));
  const notes: Notes = { memories, changed: new Set(), rejections: new Map(), confirmations: [] };
  return {
    quote: (quote) => {
      const impossible = implausible(quote, now());
      return impossible === null
        ? screenQuote(notes, quote, badPct)
        : problem("garbage", quote.symbol, impossible.message);
    },
    candles: (symbol, candles) => screenCandles(notes, symbol, closedCandles(candles, now()), badPct),
    trades: (symbol, trades) => screenTrades(notes, symbol, trades, badPct),
    written: () => writeNotes(notes),
    clear: () => {
      notes.changed.clear();
      notes.rejections.clear();
      notes.confirmations.length = 0;
    },
  };
};
