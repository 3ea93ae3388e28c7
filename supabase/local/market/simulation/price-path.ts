import { unit, wave } from "./noise.ts";

/** How one simulated market behaves; volatilities are yearly, the spread in basis points, `size` is a typical order in the base currency. */
export interface MarketCharacter {
  readonly symbol: string;
  readonly stream: number;
  readonly price: number;
  readonly marketVolatility: number;
  readonly ownVolatility: number;
  readonly spreadBps: number;
  readonly size: number;
  readonly tradeChance: number;
}

/** A sudden move: its moment in epoch seconds and its size as a logarithm. */
interface Jump {
  readonly at: number;
  readonly size: number;
}

const STREAMS = { market: 0, drift: 40, calm: 41, jump: 42, spread: 46 } as const;
const OCTAVES = Array.from({ length: 23 }, (_, n) => 2 * 2 ** n);
const YEAR_SECONDS = 365 * 86_400;
const EPOCH_SECONDS = Date.UTC(2025, 0, 1) / 1000;
const SHORT_SECONDS = 3600;
const JUMP_SLOT = 1800;
const JUMP_CHANCE = 0.04;
const JUMP_MEMORY_SLOTS = 18;
const JUMP_FADE_SECONDS = 5400;
const JUMP_RISE_SECONDS = 20;

/** The course of one simulated price; every moment follows from the seed alone, what is remembered only saves work. */
export class PricePath {
  readonly #seed: number;
  readonly #market: MarketCharacter;
  readonly #jumps = new Map<number, readonly Jump[]>();

  constructor(seed: number, market: MarketCharacter) {
    this.#seed = seed;
    this.#market = market;
  }

  /** Returns the middle price at a whole second: drift, waves of every length (calm hours and wild ones), and jumps that fade. */
  mid(seconds: number): number {
    const { marketVolatility, ownVolatility, price, stream } = this.#market;
    const restless = Math.exp(0.8 * wave(this.#seed, STREAMS.calm, seconds, 3 * SHORT_SECONDS));
    const shared = marketVolatility * wander(this.#seed, STREAMS.market, seconds, restless);
    const own = ownVolatility * wander(this.#seed, stream, seconds, restless);
    const yearly = 0.3 * (unit(this.#seed, STREAMS.drift, stream) - 0.4);
    const drift = yearly * ((seconds - EPOCH_SECONDS) / YEAR_SECONDS);
    return price * Math.exp(drift + shared + own + this.#jumpMove(seconds));
  }

  /** Returns the spread as a fraction of the price: it breathes, and a jump tears it open for minutes. */
  spread(seconds: number): number {
    const breath = Math.exp(0.8 * wave(this.#seed, this.#market.stream + STREAMS.spread, seconds, 600));
    let torn = 0;
    for (const jump of this.#recentJumps(seconds)) {
      if (jump.at <= seconds) torn = Math.max(torn, Math.exp((jump.at - seconds) / 120));
    }
    return (this.#market.spreadBps / 10_000) * breath * (1 + 25 * torn);
  }

  #jumpMove(seconds: number): number {
    let sum = 0;
    for (const jump of this.#recentJumps(seconds)) {
      const age = seconds - jump.at;
      if (age > 0) sum += jump.size * Math.min(1, age / JUMP_RISE_SECONDS) * Math.exp(-age / JUMP_FADE_SECONDS);
    }
    return sum;
  }

  #recentJumps(seconds: number): readonly Jump[] {
    const slot = Math.floor(seconds / JUMP_SLOT);
    const known = this.#jumps.get(slot);
    if (known !== undefined) return known;
    const jumps: Jump[] = [];
    for (let n = slot - JUMP_MEMORY_SLOTS; n <= slot; n += 1) {
      const draw = (what: number) => unit(this.#seed, this.#market.stream * 64 + STREAMS.jump + what, n);
      if (draw(0) < JUMP_CHANCE) jumps.push({ at: (n + draw(1)) * JUMP_SLOT, size: (draw(2) - 0.5) * 0.03 });
    }
    this.#jumps.set(slot, jumps);
    return jumps;
  }
}

function wander(seed: number, stream: number, seconds: number, restless: number): number {
  let sum = 0;
  OCTAVES.forEach((period, n) => {
    const height = Math.sqrt(period / YEAR_SECONDS) * (period <= SHORT_SECONDS ? restless : 1);
    sum += height * wave(seed, stream * 64 + n, seconds, period);
  });
  return sum;
}
