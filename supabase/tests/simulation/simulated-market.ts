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

/** Prices that depend on the seed and the moment alone: a random walk with jumps, and spreads that widen at times. */
export class SimulatedMarket implements Market {
  readonly #dice: Dice;
  readonly #start: number;
  readonly #now: () => number;
  readonly #instruments: ReadonlyMap<string, Instrument>;
  readonly #paths = new Map<string, number[]>();
  readonly #candles = new Map<string, Candle>();
  readonly #quotes = new Map<string, Quote>();

  constructor(dice: Dice, startMs: number, now: () => number, instruments: readonly Instrument[]) {
    this.#dice = dice;
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

  tickers: Market["tickers"] = async (symbols) =>
    new Map(
      symbols.map((symbol) => [symbol, success({ ...this.quoteAt(symbol, this.#now()), observedAt: this.#now() })]),
    );

  candles: Market["candles"] = async (symbol, from) => {
    const rows: Candle[] = [];
    const now = this.#now();
    const least = Math.max(from, now - MINUTES_SHOWN * MINUTE_MS, this.#start);
    for (let openedAt = Math.ceil(least / MINUTE_MS) * MINUTE_MS; openedAt + MINUTE_MS <= now; openedAt += MINUTE_MS)
      rows.push(this.#candle(symbol, openedAt));
    return success(rows);
  };

  trades: Market["trades"] = async () => success([]);

  #quoteOfStep(symbol: string, step: number): Quote {
    const instrument = this.#instruments.get(symbol);
    if (!instrument) throw new Error(`${symbol} is no instrument of the simulation`);
    const mid = this.#priceAtStep(symbol, step);
    const half = (mid * this.#spreadBps(symbol, step)) / 20_000;
    const size = (name: string) => (this.#dice.between(1, 24, symbol, name, step) / mid).toFixed(8);
    const increment = decimal(instrument.priceIncrement);
    return {
      symbol,
      bid: toAmount(roundDownTo(decimal((mid - half).toFixed(8)), increment)),
      ask: toAmount(roundUpTo(decimal((mid + half).toFixed(8)), increment)),
      bidSize: size("bid"),
      askSize: size("ask"),
      source: "simulation",
      observedAt: this.#start + step * STEP_MS,
    };
  }

  #candle(symbol: string, openedAt: number): Candle {
    const key = `${symbol} ${openedAt}`;
    const known = this.#candles.get(key);
    if (known) return known;
    const step = Math.floor((openedAt - this.#start) / STEP_MS);
    const prices = Array.from({ length: MINUTE_MS / STEP_MS }, (_, i) => this.#priceAtStep(symbol, step + i));
    const [open, close] = [prices[0] ?? 1, prices.at(-1) ?? 1].map((price) => price.toFixed(8)) as [string, string];
    const [high, low] = [Math.max(...prices).toFixed(8), Math.min(...prices).toFixed(8)];
    const candle: Candle = { symbol, openedAt, seconds: 60, open, high, low, close, volume: "5" };
    this.#candles.set(key, candle);
    return candle;
  }

  #priceAtStep(symbol: string, step: number): number {
    const path = this.#paths.get(symbol) ?? [OPENING_PRICES[symbol] ?? 100];
    this.#paths.set(symbol, path);
    for (let i = path.length; i <= step; i += 1) {
      const jump =
        this.#dice.roll(symbol, "jump?", i) < 0.015 ? this.#dice.between(-0.012, 0.012, symbol, "jump", i) : 0;
      const drift = this.#dice.between(-0.0011, 0.0011, symbol, "drift", i);
      path.push((path[i - 1] ?? 100) * (1 + drift + jump));
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
