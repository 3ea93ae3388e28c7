import {
  type ExecutionReport,
  REPORT_STATES,
  type ReportedFill,
  type ReportState,
} from "../../../../shared/broker/port.ts";
import { parseInstant } from "../../../../shared/market/instant.ts";
import type { Quote } from "../../../../shared/market/quote.ts";
import { type AmountRules, parseAmount } from "../../../../shared/money/amount.ts";
import type { Amount } from "../../../../shared/money/decimal.ts";
import type { Side } from "../../../../shared/orders/order.ts";
import { fieldOf, textOf } from "../request-json.ts";

class Malformed extends Error {}

const amount = (body: unknown, field: string, rules: AmountRules): Amount => {
  const parsed = parseAmount(fieldOf(body, field), field, rules);
  if (!parsed.ok) throw new Malformed(parsed.error.message);
  return parsed.value;
};

const text = (body: unknown, field: string): string => {
  const value = textOf(body, field);
  if (value === null || value === "") throw new Malformed(`${field} is missing`);
  return value;
};

const instant = (body: unknown, field: string): number => {
  const at = parseInstant(text(body, field));
  if (at === null) throw new Malformed(`${field} is no ISO 8601 time with a zone`);
  return at;
};

const oneOf = <Word extends string>(body: unknown, field: string, words: readonly Word[]): Word => {
  const found = words.find((word) => word === fieldOf(body, field));
  if (found === undefined) throw new Malformed(`${field} must be one of ${words.join(", ")}`);
  return found;
};

const POSITIVE: AmountRules = { sign: "positive" };
const NOT_NEGATIVE: AmountRules = { sign: "not_negative" };
const SIDES: readonly Side[] = ["buy", "sell"];
const STATES: readonly ReportState[] = REPORT_STATES;

const readFill = (body: unknown): ReportedFill => ({
  fillId: text(body, "fill_id"),
  qty: amount(body, "qty", POSITIVE),
  price: amount(body, "price", POSITIVE),
  fee: amount(body, "fee", {}),
  executedAt: instant(body, "executed_at"),
});

const readFills = (body: unknown): ReportedFill[] | null => {
  const fills = fieldOf(body, "fills") ?? null;
  if (fills === null) return null;
  if (!Array.isArray(fills)) throw new Malformed("fills must be a list");
  return fills.map(readFill);
};

const readReport = (body: unknown): ExecutionReport => ({
  clientOrderId: text(body, "client_order_id"),
  brokerOrderId: textOf(body, "broker_order_id"),
  symbol: text(body, "symbol"),
  side: oneOf(body, "side", SIDES),
  qty: amount(body, "qty", POSITIVE),
  limitPrice: amount(body, "limit_price", POSITIVE),
  state: oneOf(body, "state", STATES),
  filledQty: amount(body, "filled_qty", NOT_NEGATIVE),
  averagePrice: (fieldOf(body, "average_price") ?? null) === null ? null : amount(body, "average_price", POSITIVE),
  fee: amount(body, "fee", {}),
  fills: readFills(body),
  reason: textOf(body, "reason"),
  observedAt: instant(body, "observed_at"),
});

const readQuote = (body: unknown): Quote => ({
  symbol: text(body, "symbol"),
  bid: amount(body, "bid", POSITIVE),
  ask: amount(body, "ask", POSITIVE),
  bidSize: (fieldOf(body, "bid_size") ?? null) === null ? null : amount(body, "bid_size", NOT_NEGATIVE),
  askSize: (fieldOf(body, "ask_size") ?? null) === null ? null : amount(body, "ask_size", NOT_NEGATIVE),
  source: textOf(body, "source") ?? "broker",
  observedAt: instant(body, "observed_at"),
});

const orMalformed = <Value>(read: () => Value): Value | string => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Malformed) return thrown.message;
    throw thrown;
  }
};

const listOf = <Value>(body: unknown, read: (item: unknown) => Value): Value[] => {
  if (!Array.isArray(body)) throw new Malformed("the answer must be a list");
  return body.map(read);
};

/** Reads an order as the exchange shows it, or returns a sentence about what is wrong with it. */
export const parseReport = (body: unknown): ExecutionReport | string => orMalformed(() => readReport(body));

/** Reads a list of orders, or returns a sentence: one bad row makes the whole list unusable. */
export const parseReports = (body: unknown): readonly ExecutionReport[] | string =>
  orMalformed(() => listOf(body, readReport));

/** Reads a list of quotes, or returns a sentence. */
export const parseQuotes = (body: unknown): readonly Quote[] | string => orMalformed(() => listOf(body, readQuote));

/** Reads `{cash, reserved_cash?}` in USD, or returns a sentence. */
export const parseBalances = (body: unknown): { readonly cash: Amount; readonly reservedCash: Amount } | string =>
  orMalformed(() => ({
    cash: amount(body, "cash", {}),
    reservedCash: (fieldOf(body, "reserved_cash") ?? null) === null ? "0" : amount(body, "reserved_cash", NOT_NEGATIVE),
  }));

/** Reads quantities by symbol, zero left out, or returns a sentence. */
export const parseHoldings = (body: unknown): Readonly<Record<string, Amount>> | string =>
  orMalformed(() => {
    if (typeof body !== "object" || body === null || Array.isArray(body))
      throw new Malformed("holdings must be an object");
    const quantities = Object.keys(body).map((symbol) => [symbol, amount(body, symbol, NOT_NEGATIVE)] as const);
    return Object.fromEntries(quantities.filter(([, qty]) => qty !== "0"));
  });
