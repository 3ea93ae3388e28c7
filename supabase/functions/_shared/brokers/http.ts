import type { Broker, BrokerAnswer, BrokerError, ExecutionReport } from "../../../../shared/broker/port.ts";
import type { Millis } from "../../../../shared/market/instant.ts";
import { type Result, refusal, success } from "../../../../shared/result.ts";
import { requestJson } from "../request-json.ts";
import { classify } from "./classify.ts";
import { parseBalances, parseHoldings, parseQuotes, parseReport, parseReports } from "./http-report.ts";

/** How to reach an exchange that speaks the broker port as JSON over HTTP; `now` stamps books that carry no time, by when they were asked for: a fill may come while they are on their way. */
export interface HttpBrokerOptions {
  readonly url: string;
  readonly token?: string | null;
  readonly timeoutMs?: number;
  readonly now: () => Millis;
}

const TIMEOUT_MS = 5_000;

const garbage = (message: string): { readonly ok: false; readonly error: BrokerError } =>
  refusal({ kind: "unavailable", message: `the broker's answer makes no sense: ${message}` });

/** Brokers and the runtime repeat what they were sent; their words end up in the order's events. */
const withoutSecret = (message: string, token: string | null | undefined): string =>
  token ? message.replaceAll(token, "[redacted]") : message;

type Read<Value> = (body: unknown) => Value | string;

const callWith = ({ url, token, timeoutMs = TIMEOUT_MS }: HttpBrokerOptions) => {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  return async <Value>(
    method: "GET" | "POST",
    path: string,
    read: Read<Value>,
    body?: unknown,
  ): Promise<Result<Value, BrokerError>> => {
    const answer = await requestJson({ method, url: `${url}${path}`, headers, timeoutMs, body });
    const error = classify(answer);
    if (error !== null) return refusal({ ...error, message: withoutSecret(error.message, token) });
    const value = read(answer.kind === "answer" ? answer.body : undefined);
    return typeof value === "string" ? garbage(value) : success(value);
  };
};

const readOrder =
  (clientOrderId: string): Read<ExecutionReport> =>
  (body) => {
    const report = parseReport(body);
    if (typeof report === "string" || report.clientOrderId === clientOrderId) return report;
    return `asked for order ${clientOrderId}, got ${report.clientOrderId}`;
  };

/** A refused look-up says nothing about the order. */
const notDefinite = async <Value>(answer: BrokerAnswer<Value>): BrokerAnswer<Value> => {
  const given = await answer;
  if (given.ok || given.error.kind !== "refused") return given;
  return refusal({ kind: "unavailable", message: `${given.error.message} (${given.error.code})` });
};

/** "No such order" is no answer to a placement. */
const notAbout = async <Value>(answer: BrokerAnswer<Value>): BrokerAnswer<Value> => {
  const given = await answer;
  if (given.ok || given.error.kind !== "not_found") return given;
  return refusal({ kind: "unavailable", message: given.error.message });
};

/** Returns the broker behind an HTTP address. Every fault of the network or the broker is a typed answer, never a throw. */
export const httpBroker = (options: HttpBrokerOptions): Broker => {
  const call = callWith(options);
  const orderPath = (id: string) => `/orders/${encodeURIComponent(id)}`;
  return {
    place: ({ clientOrderId, symbol, side, qty, limitPrice }) =>
      notAbout(
        call("POST", "/orders", readOrder(clientOrderId), {
          client_order_id: clientOrderId,
          symbol,
          side,
          qty,
          limit_price: limitPrice,
        }),
      ),
    cancel: (clientOrderId) =>
      call("POST", `${orderPath(clientOrderId)}/cancel`, () => ({ clientOrderId, observedAt: options.now() }), {}),
    getOrder: (clientOrderId) => notDefinite(call("GET", orderPath(clientOrderId), readOrder(clientOrderId))),
    listOpenOrders: () => notDefinite(call("GET", "/orders?state=open", parseReports)),
    balances: () => {
      const observedAt = options.now();
      return notDefinite(
        call("GET", "/balances", (body) => {
          const balances = parseBalances(body);
          return typeof balances === "string" ? balances : { ...balances, observedAt };
        }),
      );
    },
    holdings: () => {
      const observedAt = options.now();
      return notDefinite(
        call("GET", "/holdings", (body) => {
          const quantities = parseHoldings(body);
          return typeof quantities === "string" ? quantities : { quantities, observedAt };
        }),
      );
    },
    quotes: (symbols) =>
      notDefinite(call("GET", `/quotes?symbols=${symbols.map(encodeURIComponent).join(",")}`, parseQuotes)),
  };
};
