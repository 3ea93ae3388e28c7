import { MINUTE_MS, minutesOfTrades } from "../candles.ts";
import type { BookLevel, Candle, MarketTrade } from "../market-source.ts";
import { unit } from "./noise.ts";
import { type MarketCharacter, PricePath } from "./price-path.ts";

const TRADE_SLOT_MS = 5_000;
const TRADES_PER_SLOT = 2;
const LEVELS = 10;
const TICKS_PER_DOLLAR = 100;
const MINUTES_KEPT = 100_000;

/** One simulated symbol: its book, trades and minutes are functions of the seed and the moment alone. */
export class SimulatedMarket {
  readonly #seed: number;
  readonly #character: MarketCharacter;
  readonly #path: PricePath;
  readonly #minutes = new Map<number, Candle | null>();

  constructor(seed: number, character: MarketCharacter) {
    this.#seed = seed;
    this.#character = character;
    this.#path = new PricePath(seed, character);
  }

  /** Returns the levels of both sides, best first; they hold still for a second. */
  levels(nowMs: number): { bids: BookLevel[]; asks: BookLevel[] } {
    const seconds = Math.floor(nowMs / 1000);
    const { bid, ask } = this.#ticks(seconds);
    const gap = Math.max(1, Math.round((ask - bid) / 2));
    const level = (ticks: number, n: number): BookLevel => [priceOf(ticks), this.#size(seconds, ticks), 1 + (n % 3)];
    const steps = Array.from({ length: LEVELS }, (_, n) => n);
    return { bids: steps.map((n) => level(bid - n * gap, n)), asks: steps.map((n) => level(ask + n * gap, n)) };
  }

  /** Returns the trades with fromMs <= time <= toMs in the order they happened. */
  trades(fromMs: number, toMs: number): MarketTrade[] {
    const found: MarketTrade[] = [];
    for (let slot = Math.floor(fromMs / TRADE_SLOT_MS); slot * TRADE_SLOT_MS <= toMs; slot += 1) {
      for (const trade of this.#tradesOfSlot(slot)) {
        if (trade.timeMs >= fromMs && trade.timeMs <= toMs) found.push(trade);
      }
    }
    return found;
  }

  /** Returns the finished candle of a minute, or null when nobody traded. */
  minute(openMs: number): Candle | null {
    const known = this.#minutes.get(openMs);
    if (known !== undefined) return known;
    const candle = minutesOfTrades(this.trades(openMs, openMs + MINUTE_MS - 1))[0] ?? null;
    if (this.#minutes.size >= MINUTES_KEPT) this.#minutes.clear();
    this.#minutes.set(openMs, candle);
    return candle;
  }

  #ticks(seconds: number): { bid: number; ask: number } {
    const mid = this.#path.mid(seconds) * TICKS_PER_DOLLAR;
    const half = (mid * this.#path.spread(seconds)) / 2;
    const bid = Math.floor(mid - half);
    return { bid, ask: Math.max(bid + 1, Math.ceil(mid + half)) };
  }

  #tradesOfSlot(slot: number): MarketTrade[] {
    const draw = (what: number) => unit(this.#seed, this.#character.stream * 64 + 50 + what, slot);
    const count = draw(0) >= this.#character.tradeChance ? 0 : draw(1) < 0.3 ? 2 : 1;
    return Array.from({ length: count }, (_, n) => {
      const part = (n + draw(2 + n)) / count;
      const timeMs = slot * TRADE_SLOT_MS + Math.floor(part * TRADE_SLOT_MS);
      const takerSide = draw(4 + n) < 0.5 ? "buy" : "sell";
      const { bid, ask } = this.#ticks(Math.floor(timeMs / 1000));
      const ticks = takerSide === "buy" ? ask : bid;
      const size = this.#size(timeMs, ticks);
      return { tradeId: slot * TRADES_PER_SLOT + n, timeMs, price: priceOf(ticks), size, takerSide };
    });
  }

  #size(moment: number, ticks: number): string {
    const low = unit(this.#seed, this.#character.stream * 64 + 60, (moment % 1_000_000_007) ^ ticks);
    return (this.#character.size * Math.exp(4 * (low - 0.5))).toFixed(8);
  }
}

/** Returns the time slot's first moment for a trade's number. */
export function momentOfTrade(tradeId: number): number {
  return Math.floor(tradeId / TRADES_PER_SLOT) * TRADE_SLOT_MS;
}

function priceOf(ticks: number): string {
  return (Math.max(1, ticks) / TICKS_PER_DOLLAR).toFixed(2);
}
