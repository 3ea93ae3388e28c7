import {
  balancesOf,
  type ExchangeEvent,
  type ExchangeState,
  exchangeRules,
  holdingsOf,
  openExchange,
  openReports,
  type PaperOrder,
  reportOf,
  restoreClosed,
  splitClosed,
  stepExchange,
} from "../../../../shared/broker/paper/exchange.ts";
import type { Broker, BrokerAnswer, BrokerError, ExecutionReport } from "../../../../shared/broker/port.ts";
import type { Millis } from "../../../../shared/market/instant.ts";
import { type Result, refusal, success } from "../../../../shared/result.ts";
import { messageOf } from "../log.ts";
import type { BrokerContext } from "../run.ts";
import type { Store } from "../store.ts";
import { marketEvents } from "./paper-market.ts";

/** The exchange as a call finds it: the market since the last call has been shown to it. */
interface Found {
  readonly state: ExchangeState;
  readonly now: Millis;
}

/** What a call makes of the exchange, and what it answers. */
type Call<Value> = (found: Found) => { readonly state: ExchangeState; readonly answer: Result<Value, BrokerError> };

const MAX_TRIES = 8;
const unavailable = (message: string) => refusal<BrokerError>({ kind: "unavailable", message });

const closedDocs = (docs: Readonly<Record<string, unknown>>) => docs as Readonly<Record<string, PaperOrder>>;

/** Time alone is not worth saving: the same market is shown again at the next call. */
const isWorthSaving = (before: ExchangeState | null, after: ExchangeState): boolean =>
  before === null ||
  before.cash !== after.cash ||
  Object.keys(before.orders).length !== Object.keys(after.orders).length ||
  Object.values(after.orders).some((order) => before.orders[order.clientOrderId] !== order);

/**
 * Returns the broker of paper mode: the pure exchange over its own storage. Each call loads the exchange, shows it the
 * market since its last step, does its own step and saves; when somebody else saved first it starts over.
 */
export const paperBroker = (store: Pick<Store, "paperLoad" | "paperSave">, context: BrokerContext): Broker => {
  const rules = exchangeRules(context.config, context.instruments, context.fees.paper);
  const feed = (state: ExchangeState, events: readonly ExchangeEvent[]): ExchangeState =>
    events.reduce((next, event) => stepExchange(next, event, rules).state, state);

  const tryOnce = async <Value>(ids: readonly string[], symbols: readonly string[], call: Call<Value>) => {
    const stored = await store.paperLoad(ids);
    const before = stored.state as ExchangeState | null;
    const opened = before ?? openExchange(context.config.PAPER_STARTING_CASH, context.now());
    const known = restoreClosed(opened, closedDocs(stored.closedOrders));
    const shown = feed(known, await marketEvents(context.market, opened, symbols, context.now()));
    const { state, answer } = call({ state: shown, now: Math.max(context.now(), shown.clock) });
    const reopened = before === null ? null : known;
    if (!isWorthSaving(reopened, state)) return answer;
    const split = splitClosed(state);
    const isSaved = await store.paperSave(stored.version, split.state, split.closed);
    return isSaved ? answer : null;
  };

  const attempt = async <Value>(
    ids: readonly string[],
    symbols: readonly string[],
    call: Call<Value>,
  ): BrokerAnswer<Value> => {
    try {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const answer = await tryOnce(ids, symbols, call);
        if (answer !== null) return answer;
      }
      return unavailable(`the paper exchange was busy ${MAX_TRIES} times in a row`);
    } catch (thrown) {
      return unavailable(messageOf(thrown));
    }
  };

  /** Calls of one run wait for each other: they would only make each other start over. */
  let last: Promise<unknown> = Promise.resolve();
  const transact = <Value>(
    ids: readonly string[],
    symbols: readonly string[],
    call: Call<Value>,
  ): BrokerAnswer<Value> => {
    const turn = last.then(() => attempt(ids, symbols, call));
    last = turn;
    return turn;
  };

  const command = <Value>(found: Found, event: ExchangeEvent, read: (state: ExchangeState) => Value | null) => {
    const { state, error } = stepExchange(found.state, event, rules);
    const value = error === null ? read(state) : null;
    return { state, answer: value === null ? refusal(error ?? missing) : success(value) };
  };
  const look = <Value>(read: (found: Found) => Value): BrokerAnswer<Value> =>
    transact([], [], (found) => ({ state: found.state, answer: success(read(found)) }));

  return {
    place: (order) =>
      transact([order.clientOrderId], [order.symbol], (found) =>
        command<ExecutionReport>(found, { type: "place", at: found.now, order }, (state) =>
          reportOf(state, order.clientOrderId, found.now),
        ),
      ),
    cancel: (clientOrderId) =>
      transact([clientOrderId], [], (found) =>
        command(found, { type: "cancel", at: found.now, clientOrderId }, () => ({
          clientOrderId,
          observedAt: found.now,
        })),
      ),
    getOrder: (clientOrderId) =>
      transact([clientOrderId], [], ({ state, now }) => {
        const report = reportOf(state, clientOrderId, now);
        return { state, answer: report === null ? refusal(missing) : success(report) };
      }),
    listOpenOrders: () => look(({ state, now }) => openReports(state, now)),
    balances: () => look(({ state, now }) => balancesOf(state, now)),
    holdings: () => look(({ state, now }) => holdingsOf(state, now)),
    quotes: async (symbols) => {
      const quotes = await context.market.tickers(symbols);
      const good = [...quotes.values()].flatMap((quote) => (quote.ok ? [quote.value] : []));
      const problems = [...quotes.values()].flatMap((quote) => (quote.ok ? [] : [quote.error.message]));
      return good.length > 0 || symbols.length === 0 ? success(good) : unavailable(problems.join("; "));
    },
  };
};

const missing: BrokerError = { kind: "not_found", message: "the paper exchange knows no such order" };
