import type { Broker, BrokerError, ExecutionReport } from "../../../shared/broker/port.ts";
import { refusal, success } from "../../../shared/result.ts";
import { noBroker } from "../_shared/brokers/none.ts";
import { fakeStore, running } from "../_shared/fake-store.ts";
import type { TickDeps } from "../_shared/run.ts";
import { runTick } from "../_shared/tick.ts";
import type { ClaimedOrder } from "../_shared/wire/claimed-order.ts";
import type { Json } from "../_shared/wire/write.ts";
import { repositionTick } from "./handler.ts";

/** The only symbol. */
export const BTC = "BTC-USD";
/** Noon of the day all of it plays on. */
export const NOW = Date.UTC(2026, 2, 1, 12);
const instruments = [
  {
    symbol: BTC,
    price_increment: "0.01",
    qty_increment: "0.00000001",
    min_qty: "0.00001",
    min_notional: "1",
    enabled: true,
  },
];

/** A claimed order as the database writes it. */
export const order = (part: Json = {}): Json => ({
  id: "o1",
  mode: "paper",
  symbol: BTC,
  side: "buy",
  purpose: "entry",
  urgency: "passive",
  status: "working",
  qty: "0.001",
  filled_qty: "0",
  average_price: null,
  fee: "0",
  limit_price: "20000",
  replace_count: 0,
  cancel_reason_code: null,
  next_action_at: "2026-03-01T11:59:59Z",
  lease_token: 7,
  lease_expires_at: "2026-03-01T12:01:00Z",
  action: "query",
  ...part,
});
/** What the broker says of it. */
export const standing = (part: Partial<ExecutionReport> = {}): ExecutionReport => ({
  clientOrderId: "o1",
  brokerOrderId: "b1",
  symbol: BTC,
  side: "buy",
  qty: "0.001",
  limitPrice: "20000",
  state: "working",
  filledQty: "0",
  averagePrice: null,
  fee: "0",
  fills: null,
  reason: null,
  observedAt: NOW,
  ...part,
});
/** The quote the broker gives. */
export const quote = {
  symbol: BTC,
  bid: "20100",
  ask: "20110",
  bidSize: null,
  askSize: null,
  source: "test",
  observedAt: NOW,
};
/** An answer that proves nothing, or that the order is not there. */
export const error = (kind: "not_found" | "unavailable") => refusal<BrokerError>({ kind, message: kind });
/** A definite refusal. */
export const refused = refusal<BrokerError>({ kind: "refused", code: "ORDER_CLOSED", message: "too late" });

/** A reposition tick over a store that claims these orders, and a broker whose calls are noted. */
export const setUp = (
  orders: readonly Json[],
  part: Partial<Broker>,
  claimed: readonly ClaimedOrder[] = [],
  quotes: readonly Json[] = [],
) => {
  const calls: string[] = [];
  const noted =
    <Args extends readonly unknown[], Answer>(
      name: string,
      idOf: (...args: Args) => string,
      call: (...args: Args) => Answer,
    ) =>
    (...args: Args): Answer => {
      calls.push(`${name} ${idOf(...args)}`);
      return call(...args);
    };
  const listening = (broker: Broker): Broker => ({
    ...broker,
    place: noted("place", ({ clientOrderId }) => clientOrderId, broker.place),
    cancel: noted("cancel", (id) => id, broker.cancel),
    getOrder: noted("get", (id) => id, broker.getOrder),
  });
  const store = fakeStore([running({ orders, instruments, quotes })], () => ({ orders: claimed }));
  const broker = listening({
    ...noBroker,
    quotes: async () => success([quote]),
    getOrder: async () => success(standing()),
    ...part,
  });
  const market = { tickers: async () => new Map(), candles: async () => success([]), trades: async () => success([]) };
  const deps: TickDeps = { store, market, brokers: () => broker };
  const run = (more: Partial<TickDeps> = {}) =>
    runTick("reposition-tick", repositionTick, { ...deps, ...more }, { slot: null, trigger: "wake" });
  const payload = (call: "commit" | "finish") => store.told.find((told) => told.call === call)?.payload ?? {};
  return { run, calls, store, payload };
};
