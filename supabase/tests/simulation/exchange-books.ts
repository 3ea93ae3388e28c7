import {
  balancesOf,
  type ExchangeRules,
  type ExchangeState,
  holdingsOf,
  type PaperOrder,
} from "../../../shared/broker/paper/exchange.ts";
import { type Answer, json, problem } from "./exchange-server.ts";
import { reportJson, type ShownReport } from "./report-json.ts";
import type { SimulatedMarket } from "./simulated-market.ts";

interface Surroundings {
  readonly market: SimulatedMarket;
  readonly rules: ExchangeRules;
  readonly now: () => number;
}

/** Answers with balances, holdings, open orders or quotes. `show` says how an open order is shown, null for not at all. */
export function answerBook(
  name: string,
  state: ExchangeState,
  { market, rules, now }: Surroundings,
  show: (order: PaperOrder) => ShownReport | null,
): Answer {
  switch (name) {
    case "balances":
      return json(200, { cash: balancesOf(state, now()).cash });
    case "holdings":
      return json(200, holdingsOf(state, now()).quantities);
    case "orders": {
      const open = Object.values(state.orders).filter(({ status }) => status === "pending" || status === "resting");
      const shown = open.map(show).filter((report) => report !== null);
      return json(200, shown.map(reportJson));
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
