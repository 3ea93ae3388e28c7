import type { Candle } from "../../../shared/market/candle.ts";
import type { Instrument } from "../../../shared/market/instrument.ts";
import type { Quote } from "../../../shared/market/quote.ts";
import { decimal, roundDownTo, roundUpTo, toAmount } from "../../../shared/money/decimal.ts";
import { success } from "../../../shared/result.ts";
import type { Market } from "../../functions/_shared/market/market.ts";
import type { Dice } from "./dice.ts";

/** A price changes every this many milliseconds. */
export const STEP_MS = 5_000;
const MINUTE_MS = 60_000;
/** Just enough closed minutes for a score. */
const MINUTES_SHOWN = 34;
const HISTORY_STEPS = ((MINUTES_SHOWN + 2) * MINUTE_MS) / STEP_MS;
const OPENING_PRICES: Readonly<Record<string, number>> = {
  "BTC-USD": 60_000,
  "ETH-USD": 2_500,
  "SOL-USD": 150,
  "AVAX-USD": 30,
  "DOGE-USD": 0.4,
};

/** The symbol that may be a coin of a hundred-thousandth of a dollar. */
export const CHEAP_SYMBOL = "DOGE-USD";
const CHEAP_PRICE = 0.0000123;

/** What makes a seed's prices special. */
export interface PriceTraits {
  /** The cheapest coin costs a hundred-thousandth of a dollar. */
  readonly cheapCoin: boolean;
  /** One symbol loses a fifth of its price at once, and stays there. */
  readonly crash: boolean;
}

/** Half the spread of a quote that is made of a candle. */
const CANDLE_HALF_SPREAD = 0.0005;
const USD_PER_MINUTE = 60;
const CRASH = 0.8;

/** Prices that depend on the seed and the moment alone: a random walk with jumps, and spreads that widen at times. */
export class SimulatedMarket {
  readonly #dice: Dice;
  readonly #start: number;
  readonly #now: () => number;
  readonly #instruments: ReadonlyMap<string, Instrument>;
  readonly #paths = new Map<string, number[]>();
  readonly #candles = new Map<string, Candle>();
  readonly #quotes = new Map<string, Quote>();
  readonly #traits: PriceTraits;
  readonly #crash: { readonly symbol: string; readonly step: number };

  constructor(dice: Dice, startMs: number, now: () => number, instruments: readonly Instrument[], traits: PriceTraits) {
    this.#dice = dice;
    this.#traits = traits;
    const crashing = instruments[dice.whole(0, instruments.length - 1, "crashing")];
    const afterSteps = Math.round(dice.between(60_000, 400_000, "crash at") / STEP_MS);
    this.#crash = { symbol: crashing?.symbol ?? "", step: HISTORY_STEPS + afterSteps };
    this.#start = Math.floor(startMs / MINUTE_MS) * MINUTE_MS - HISTORY_STEPS * STEP_MS;
    this.#now = now;
    this.#instruments = new Map(instruments.map((instrument) => [instrument.symbol, instrument]));
  }

  /** The quote at a moment; sizes are small, so that larger orders fill in parts. */
  quoteAt(symbol: string, at: number): Quote {
    const step = Math.floor((at - this.#start) / STEP_MS);
    const key = `${symbol} ${step}`;
    const known = this.#quotes.get(key) ?? this.#quoteOfStep(symbol, step);
    this.#quotes.set(key, known);
    return known;
  }

  /** A quote made of the last closed candle, known since it closed. */
  quoteOfLastCandle(symbol: string, at: number): Quote {
    const openedAt = Math.floor(at / MINUTE_MS) * MINUTE_MS - MINUTE_MS;
    const close = Number(this.closedCandle(symbol, openedAt).close);
    const increment = decimal(this.#instruments.get(symbol)?.priceIncrement ?? "0.01");
    return {
      symbol,
      bid: toAmount(roundDownTo(decimal((close * (1 - CANDLE_HALF_SPREAD)).toFixed(10)), increment)),
      ask: toAmount(roundUpTo(decimal((close * (1 + CANDLE_HALF_SPREAD)).toFixed(10)), increment)),
      bidSize: null,
      askSize: null,
      source: "simulation",
      observedAt: openedAt + MINUTE_MS,
    };
  }

  /** The lowest bid and the highest ask between two moments. */
  rangeBetween(symbol: string, from: number, to: number): { readonly low: number; readonly high: number } {
    let [low, high] = [Number.POSITIVE_INFINITY, 0];
    for (let at = Math.max(from, this.#start); at < to + STEP_MS; at += STEP_MS) {
      const { bid, ask } = this.quoteAt(symbol, Math.min(at, to));
      low = Math.min(low, Number(bid));
      high = Math.max(high, Number(ask));
    }
    return { low, high };
  }

  candles: Market["candles"] = async (symbol, from) => {
    const rows: Candle[] = [];
    const now = this.#now();
    const least = Math.max(from, now - MINUTES_SHOWN * MINUTE_MS, this.#start);
    for (let openedAt = Math.ceil(least / MINUTE_MS) * MINUTE_MS; openedAt + MINUTE_MS <= now; openedAt += MINUTE_MS)
      rows.push(this.closedCandle(symbol, openedAt));
    return success(rows);
  };

  #quoteOfStep(symbol: string, step: number): Quote {
    const instrument = this.#instruments.get(symbol);
    if (!instrument) throw new Error(`${symbol} is no instrument of the simulation`);
    const mid = this.#priceAtStep(symbol, step);
    const half = (mid * this.#spreadBps(symbol, step)) / 20_000;
    const size = (name: string) => (this.#dice.between(1, 24, symbol, name, step) / mid).toFixed(8);
    const increment = decimal(instrument.priceIncrement);
    return {
      symbol,
      bid: toAmount(roundDownTo(decimal((mid - half).toFixed(10)), increment)),
      ask: toAmount(roundUpTo(decimal((mid + half).toFixed(10)), increment)),
      bidSize: size("bid"),
      askSize: size("ask"),
      source: "simulation",
      observedAt: this.#start + step * STEP_MS,
    };
  }

  /** The candle of a minute, whether it has closed or not. */
  closedCandle(symbol: string, openedAt: number): Candle {
    const key = `${symbol} ${openedAt}`;
    const known = this.#candles.get(key);
    if (known) return known;
    const step = Math.floor((openedAt - this.#start) / STEP_MS);
    const prices = Array.from({ length: MINUTE_MS / STEP_MS }, (_, i) => this.#priceAtStep(symbol, step + i));
    const [open, close] = [prices[0] ?? 1, prices.at(-1) ?? 1].map((price) => price.toFixed(10)) as [string, string];
    const [high, low] = [Math.max(...prices).toFixed(10), Math.min(...prices).toFixed(10)];
    const volume = (USD_PER_MINUTE / Number(close)).toFixed(8);
    const candle: Candle = { symbol, openedAt, seconds: 60, open, high, low, close, volume };
    this.#candles.set(key, candle);
    return candle;
  }

  #priceAtStep(symbol: string, step: number): number {
    const opening = this.#traits.cheapCoin && symbol === CHEAP_SYMBOL ? CHEAP_PRICE : OPENING_PRICES[symbol];
    const path = this.#paths.get(symbol) ?? [opening ?? 100];
    this.#paths.set(symbol, path);
    for (let i = path.length; i <= step; i += 1) {
      const jump =
        this.#dice.roll(symbol, "jump?", i) < 0.015 ? this.#dice.between(-0.012, 0.012, symbol, "jump", i) : 0;
      const drift = this.#dice.between(-0.0011, 0.0011, symbol, "drift", i);
      const crash = this.#traits.crash && symbol === this.#crash.symbol && i === this.#crash.step ? CRASH : 1;
      path.push((path[i - 1] ?? 100) * (1 + drift + jump) * crash);
    }
    return path[step] ?? path[0] ?? 100;
  }

  #spreadBps(symbol: string, step: number): number {
    const window = Math.floor(step / 8);
    return this.#dice.roll(symbol, "wide?", window) < 0.07
      ? this.#dice.between(55, 150, symbol, "spread", step)
      : this.#dice.between(2, 18, symbol, "spread", step);
  }
}
