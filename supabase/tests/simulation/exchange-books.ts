import {
  balancesOf,
  type ExchangeRules,
  type ExchangeState,
  holdingsOf,
  type PaperOrder,
} from "../../../shared/broker/paper/exchange.ts";
import { decimal } from "../../../shared/money/decimal.ts";
import { type Answer, json, problem } from "./exchange-server.ts";
import type { SimulatedMarket } from "./simulated-market.ts";

interface Surroundings {
  readonly market: SimulatedMarket;
  readonly rules: ExchangeRules;
  readonly now: () => number;
}

/** What is wrong with the books that are shown: they agree with nothing for a while, and then they are right again. */
export type BooksOff = "less_cash" | "less_held" | "more_held" | "none_held" | null;

const cashShown = (cash: string, off: BooksOff): string =>
  off === "less_cash" ? decimal(cash).minus("5").toFixed() : cash;

const holdingsShown = (
  quantities: Readonly<Record<string, string>>,
  off: BooksOff,
): Readonly<Record<string, string>> => {
  if (off === null || off === "less_cash") return quantities;
  if (off === "none_held") return {};
  const factor = off === "less_held" ? "0.5" : "1.5";
  return Object.fromEntries(
    Object.entries(quantities).map(([symbol, qty]) => [symbol, decimal(qty).times(factor).toFixed()]),
  );
};

/** Answers with balances, holdings, open orders or quotes. `show` says how an open order is shown, null for not at all. */
export function answerBook(
  name: string,
  state: ExchangeState,
  { market, rules, now }: Surroundings,
  show: (order: PaperOrder) => Record<string, unknown> | null,
  off: BooksOff,
): Answer {
  switch (name) {
    case "balances":
      return json(200, { cash: cashShown(balancesOf(state, now()).cash, off) });
    case "holdings":
      return json(200, holdingsShown(holdingsOf(state, now()).quantities, off));
    case "orders": {
      const open = Object.values(state.orders).filter(({ status }) => status === "pending" || status === "resting");
      return json(
        200,
        open.map(show).filter((report) => report !== null),
      );
    }
    case "quotes": {
      const observed_at = new Date(now()).toISOString();
      const quotes = Object.keys(rules.instruments).map((symbol) => market.quoteAt(symbol, now()));
      return json(
        200,
        quotes.map(({ symbol, bid, ask }) => ({ symbol, bid, ask, observed_at })),
      );
    }
    default:
      return problem(404, "no_such_thing", name);
  }
}
