import type { Candle } from "../../../shared/market/candle.ts";
import type { Instrument } from "../../../shared/market/instrument.ts";
import type { Quote } from "../../../shared/market/quote.ts";
import { decimal, roundDownTo, roundUpTo, toAmount } from "../../../shared/money/decimal.ts";
import { success } from "../../../shared/result.ts";
import type { Market } from "../../functions/_shared/market/market.ts";
import type { Dice } from "./dice.ts";

/** A price changes every this many milliseconds. */
export const STEP_MS = 5_000;
const HISTORY_STEPS = (70 * 60_000) / STEP_MS;
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
  readonly #instruments: readonly Instrument[];
  readonly #paths = new Map<string, number[]>();

  constructor(dice: Dice, startMs: number, now: () => number, instruments: readonly Instrument[]) {
    this.#dice = dice;
    this.#start = startMs - HISTORY_STEPS * STEP_MS;
    this.#now = now;
    this.#instruments = instruments;
  }

  /** The quote at a moment; sizes are small, so that larger orders fill in parts. */
  quoteAt(symbol: string, at: number): Quote {
    const instrument = this.#instrument(symbol);
    const step = Math.floor((at - this.#start) / STEP_MS);
    const mid = this.#priceAtStep(symbol, step);
    const half = (mid * this.#spreadBps(symbol, step)) / 20_000;
    const size = (name: string) => (this.#dice.between(4, 60, symbol, name, step) / mid).toFixed(8);
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

  tickers: Market["tickers"] = async (symbols) =>
    new Map(
      symbols.map((symbol) => [symbol, success({ ...this.quoteAt(symbol, this.#now()), observedAt: this.#now() })]),
    );

  candles: Market["candles"] = async (symbol, from) => {
    const rows: Candle[] = [];
    const first = Math.max(Math.ceil(from / 60_000) * 60_000, Math.ceil(this.#start / 60_000) * 60_000);
    for (let openedAt = first; openedAt + 60_000 <= this.#now(); openedAt += 60_000)
      rows.push(this.#candle(symbol, openedAt));
    return success(rows.slice(-300));
  };

  trades: Market["trades"] = async () => success([]);

  #candle(symbol: string, openedAt: number): Candle {
    const step = Math.floor((openedAt - this.#start) / STEP_MS);
    const prices = Array.from({ length: 60_000 / STEP_MS }, (_, i) => this.#priceAtStep(symbol, step + i).toFixed(8));
    const [open = "1"] = prices;
    const numeric = prices.map(Number);
    const high = prices[numeric.indexOf(Math.max(...numeric))] ?? open;
    const low = prices[numeric.indexOf(Math.min(...numeric))] ?? open;
    return { symbol, openedAt, seconds: 60, open, high, low, close: prices.at(-1) ?? open, volume: "5" };
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

  #instrument(symbol: string): Instrument {
    const found = this.#instruments.find((instrument) => instrument.symbol === symbol);
    if (!found) throw new Error(`${symbol} is no instrument of the simulation`);
    return found;
  }
}
