import type { Millis } from "../../market/instant.ts";
import { type Result, success } from "../../result.ts";
import type { BrokerError, ExecutionReport } from "../port.ts";
import { advanceTo } from "./accept.ts";
import type { ExchangeEvent, ExchangeRules, ExchangeState } from "./book.ts";
import { deposit, place, requestCancel } from "./commands.ts";
import { onCandle, onQuote, onTrade } from "./match.ts";
import { toReport } from "./reports.ts";

export {
  type ExchangeEvent,
  type ExchangeRules,
  type ExchangeState,
  exchangeRules,
  openExchange,
  type PaperOrder,
} from "./book.ts";
export { balancesOf, holdingsOf, openReports, reportOf, restoreClosed, splitClosed } from "./reports.ts";

/** What an event did: the orders that changed (and the one a command named), and why a command was turned down. */
export interface Step {
  readonly state: ExchangeState;
  readonly reports: readonly ExecutionReport[];
  readonly error: BrokerError | null;
}

const apply = (
  state: ExchangeState,
  event: ExchangeEvent,
  at: Millis,
  rules: ExchangeRules,
): Result<ExchangeState, BrokerError> => {
  switch (event.type) {
    case "place":
      return place(state, event, rules);
    case "cancel":
      return requestCancel(state, event, rules);
    case "quote":
      return success(onQuote(state, event, at, rules));
    case "trade":
      return success(onTrade(state, event, at, rules));
    case "candle":
      return success(onCandle(state, event, at, rules));
    case "deposit":
      return deposit(state, event);
    case "time":
      return success(state);
    default:
      return event satisfies never;
  }
};

const namedOrder = (event: ExchangeEvent): string | null => {
  if (event.type === "place") return event.order.clientOrderId;
  return event.type === "cancel" ? event.clientOrderId : null;
};

/**
 * Moves the paper exchange by one event. Commands take effect a latency later, at the first event that reaches
 * that moment; time never runs backwards, an event from the past happens now, and the same input gives the same result.
 */
export const stepExchange = (state: ExchangeState, event: ExchangeEvent, rules: ExchangeRules): Step => {
  const at = Math.max(event.at, state.clock);
  const advanced = advanceTo(state, at, rules);
  const outcome = apply(advanced, event, at, rules);
  const next = outcome.ok ? outcome.value : advanced;
  const named = namedOrder(event);
  const reports = Object.values(next.orders)
    .filter((order) => order !== state.orders[order.clientOrderId] || (outcome.ok && order.clientOrderId === named))
    .map((order) => toReport(order, at));
  return { state: next, reports, error: outcome.ok ? null : outcome.error };
};
