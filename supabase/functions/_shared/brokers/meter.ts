import type { Broker, BrokerAnswer, BrokerError } from "../../../../shared/broker/port.ts";
import type { Mode } from "../../../../shared/orders/order.ts";
import { refusal } from "../../../../shared/result.ts";
import { messageOf } from "../log.ts";
import type { Json } from "../wire/write.ts";

/** A broker whose answers are counted: a definite answer is good, `unavailable` and `throttled` are errors, and so is a throw. */
export interface MeteredBroker extends Broker {
  /**
   * Returns what safe mode is decided on: a heartbeat for each of the last like answers in a row, at most three, and
   * before them the last three in a row of before, which what came after does not undo.
   */
  heartbeats(): readonly Json[];
}

const MOST_IN_A_ROW = 3;

interface Answered {
  readonly ok: boolean;
  readonly latencyMs: number;
  readonly detail: string | null;
}

const writeHeartbeat = (mode: Mode, { ok, latencyMs, detail }: Answered): Json => ({
  component: "broker_api",
  mode,
  status: ok ? "ok" : "error",
  ok,
  latency_ms: Math.round(latencyMs),
  details: detail === null ? {} : { detail },
});

/** What an adapter throws is as unknown as silence: the order may have arrived. */
const caught = async <Value>(call: () => BrokerAnswer<Value>): BrokerAnswer<Value> => {
  try {
    return await call();
  } catch (thrown) {
    return refusal<BrokerError>({ kind: "unavailable", message: messageOf(thrown) });
  }
};

/** Wraps a broker with a meter. */
export const metered = (mode: Mode, broker: Broker, elapsedMs: () => number): MeteredBroker => {
  let before: Answered[] = [];
  let lastInARow: Answered[] = [];
  const note = (answered: Answered) => {
    const isLike = lastInARow[0]?.ok === answered.ok;
    if (!isLike && lastInARow.length === MOST_IN_A_ROW) before = lastInARow;
    lastInARow = [...(isLike ? lastInARow : []), answered].slice(-MOST_IN_A_ROW);
  };
  const timed = async <Value>(call: () => BrokerAnswer<Value>): BrokerAnswer<Value> => {
    const start = elapsedMs();
    const given = await caught(call);
    const failed = !given.ok && (given.error.kind === "unavailable" || given.error.kind === "throttled");
    note({ ok: !failed, latencyMs: elapsedMs() - start, detail: failed ? given.error.message.slice(0, 500) : null });
    return given;
  };
  return {
    place: (order) => timed(() => broker.place(order)),
    cancel: (id) => timed(() => broker.cancel(id)),
    getOrder: (id) => timed(() => broker.getOrder(id)),
    listOpenOrders: () => timed(() => broker.listOpenOrders()),
    balances: () => timed(() => broker.balances()),
    holdings: () => timed(() => broker.holdings()),
    quotes: (symbols) => timed(() => broker.quotes(symbols)),
    heartbeats: () => [...before, ...lastInARow].map((answered) => writeHeartbeat(mode, answered)),
  };
};
