import type { BrokerError } from "../../../../shared/broker/port.ts";
import { type HttpAnswer, retryAfterSeconds } from "../request-json.ts";
import { textOf } from "../wire/read.ts";

const unavailable = (message: string): BrokerError => ({ kind: "unavailable", message });

/** Credentials and clocks can be wrong for a while without saying anything about an order. */
const SAYS_NOTHING = new Set([401, 403, 408, 425]);
/** The order is there already: a query tells how it stands. */
const DUPLICATE = "duplicate_client_order_id";

/**
 * Tells what an answer that is no success means; null for a success. Only a 4xx with a code of its own is definite:
 * no answer, a timeout, a 5xx, a redirect or garbage proves nothing about the order.
 */
export const classify = (answer: HttpAnswer): BrokerError | null => {
  if (answer.kind === "no_answer") return unavailable(answer.message);
  const { status, body, headers } = answer;
  if (status >= 200 && status < 300) return null;
  const code = textOf(body, "code");
  const message = textOf(body, "message") ?? `HTTP ${status}`;
  if (status === 429) return { kind: "throttled", message, retryAfterSeconds: retryAfterSeconds(headers) };
  if (status === 404 && code === "order_not_found") return { kind: "not_found", message };
  if (status < 400 || status >= 500 || SAYS_NOTHING.has(status) || !code || code.toLowerCase() === DUPLICATE) {
    return unavailable(`${message} (HTTP ${status})`);
  }
  return { kind: "refused", code, message };
};
