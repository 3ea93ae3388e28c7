import type { Broker, BrokerError } from "../../../../shared/broker/port.ts";
import { refusal } from "../../../../shared/result.ts";

const MESSAGE = "no live broker is configured: set LIVE_BROKER_URL, or TRADER_MODE to paper";
const unknown = async () => refusal<BrokerError>({ kind: "unavailable", message: MESSAGE });
const refused = async () => refusal<BrokerError>({ kind: "refused", code: "no_live_broker", message: MESSAGE });

/** The broker of a mode that has none: it refuses every order, and knows nothing about any. */
export const noBroker: Broker = {
  place: refused,
  cancel: unknown,
  getOrder: unknown,
  listOpenOrders: unknown,
  balances: unknown,
  holdings: unknown,
  quotes: unknown,
};
