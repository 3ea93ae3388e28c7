import type { Quote } from "../../../shared/market/quote.ts";
import { addPct, decimal, roundDownTo, toAmount } from "../../../shared/money/decimal.ts";
import { refusal, success } from "../../../shared/result.ts";
import type { Market, QuoteResult } from "../../functions/_shared/market/market.ts";
import type { Dice } from "./dice.ts";
import { BAD_PRINT_CHANCE, BAD_PRINTS, SILENT_SYMBOL_CHANCE } from "./faults.ts";
import type { SeedTraits } from "./seed-traits.ts";
import type { SimulatedMarket } from "./simulated-market.ts";

interface Options {
  readonly dice: Dice;
  readonly traits: SeedTraits;
  readonly market: SimulatedMarket;
  readonly now: () => number;
  readonly priceIncrement: (symbol: string) => string;
  readonly note: (fault: string, state: string) => void;
  readonly trace: (line: string) => void;
}

/** Observations of a symbol before the first that may be a bad print: without neighbours nobody can tell. */
const FIRST_GOOD_ONES = 4;
const SILENCE_WINDOW_MS = 60_000;

/** The market as its feed tells it: the true one, now and then with one observation that can't be true. */
export class ObservedMarket implements Market {
  /** What was told and was never true: `symbol bid ask`. */
  readonly badPrints = new Set<string>();
  faultsOn = true;
  readonly #options: Options;
  readonly #observed = new Map<string, number>();

  constructor(options: Options) {
    this.#options = options;
  }

  tickers: Market["tickers"] = async (symbols) =>
    new Map(symbols.map((symbol) => [symbol, this.#observe(symbol)] as const));

  candles: Market["candles"] = (symbol, from) => this.#options.market.candles(symbol, from);

  trades: Market["trades"] = async () => success([]);

  #observe(symbol: string): QuoteResult {
    const { dice, market, now, note, traits } = this.#options;
    const isSilent = dice.roll("silent", symbol, Math.floor(now() / SILENCE_WINDOW_MS)) < SILENT_SYMBOL_CHANCE;
    if (this.faultsOn && isSilent) {
      note("market silent", symbol);
      return refusal({ code: "unavailable", symbol, message: "the feed has nothing" });
    }
    const quote = traits.candlesOnly
      ? market.quoteOfLastCandle(symbol, now())
      : { ...market.quoteAt(symbol, now()), observedAt: now() };
    const nth = (this.#observed.get(symbol) ?? 0) + 1;
    this.#observed.set(symbol, nth);
    return success(this.#isBadPrint(symbol, nth) ? this.#badPrint(quote, nth) : quote);
  }

  /** Never two in a row: the second would confirm the first. */
  #isBadPrint(symbol: string, nth: number): boolean {
    const { dice, traits } = this.#options;
    const isChosen = (n: number) => n > FIRST_GOOD_ONES && dice.roll("bad print", symbol, n) < BAD_PRINT_CHANCE;
    return this.faultsOn && traits.badPrints && isChosen(nth) && !isChosen(nth - 1);
  }

  #badPrint(quote: Quote, nth: number): Quote {
    const { dice, note, trace, priceIncrement } = this.#options;
    const kind = dice.pick(BAD_PRINTS, "bad print", quote.symbol, nth);
    const [side = "both", percent = "0"] = kind.split(" ");
    const off = (price: string) =>
      toAmount(roundDownTo(addPct(decimal(price), decimal(percent)), decimal(priceIncrement(quote.symbol))));
    const bad: Quote = {
      ...quote,
      bid: side === "ask" ? quote.bid : off(quote.bid),
      ask: side === "bid" ? quote.ask : off(quote.ask),
    };
    note("bad print", kind);
    trace(`    market: ⚡ ${quote.symbol} is shown at ${bad.bid}/${bad.ask} instead of ${quote.bid}/${quote.ask}`);
    this.badPrints.add(`${bad.symbol} ${bad.bid} ${bad.ask}`);
    return bad;
  }
}
