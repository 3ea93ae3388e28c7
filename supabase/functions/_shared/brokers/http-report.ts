import {
  type Balances,
  type ExecutionReport,
  REPORT_STATES,
  type ReportedFill,
  type ReportState,
} from "../../../../shared/broker/port.ts";
import type { Quote } from "../../../../shared/market/quote.ts";
import type { Amount } from "../../../../shared/money/decimal.ts";
import type { FeeRates } from "../../../../shared/money/fees.ts";
import type { Side } from "../../../../shared/orders/order.ts";
import * as read from "../wire/read.ts";

const SIDES: readonly Side[] = ["buy", "sell"];
const STATES: readonly ReportState[] = REPORT_STATES;
const positive = (body: unknown, field: string) => read.amount(body, field, read.POSITIVE);
const notNegative = (body: unknown, field: string) => read.amount(body, field, read.NOT_NEGATIVE);

/** Which currency a fee may be in is for the database to judge: it knows the symbol. */
const readFeeCurrency = (body: unknown): { readonly feeCurrency?: string } => {
  const feeCurrency = read.textOf(body, "fee_currency");
  return feeCurrency === null ? {} : { feeCurrency };
};

const readFill = (body: unknown): ReportedFill => ({
  fillId: read.text(body, "fill_id"),
  qty: positive(body, "qty"),
  price: positive(body, "price"),
  fee: read.amount(body, "fee"),
  ...readFeeCurrency(body),
  executedAt: read.instant(body, "executed_at"),
});

const readReport = (body: unknown): ExecutionReport => ({
  clientOrderId: read.textOf(body, "client_order_id") || read.text(body, "broker_order_id"),
  brokerOrderId: read.textOf(body, "broker_order_id"),
  symbol: read.text(body, "symbol"),
  side: read.oneOf(body, "side", SIDES),
  qty: positive(body, "qty"),
  limitPrice: read.nullable(body, "limit_price", positive),
  state: read.oneOf(body, "state", STATES),
  filledQty: notNegative(body, "filled_qty"),
  averagePrice: read.nullable(body, "average_price", positive),
  fee: read.amount(body, "fee"),
  ...readFeeCurrency(body),
  fills: read.nullable(body, "fills", (order, field) => read.list(read.fieldOf(order, field), readFill)),
  reason: read.textOf(body, "reason"),
  observedAt: read.instant(body, "observed_at"),
});

const readQuote = (body: unknown): Quote => ({
  symbol: read.text(body, "symbol"),
  bid: positive(body, "bid"),
  ask: positive(body, "ask"),
  bidSize: read.nullable(body, "bid_size", notNegative),
  askSize: read.nullable(body, "ask_size", notNegative),
  source: read.textOf(body, "source") ?? "broker",
  observedAt: read.instant(body, "observed_at"),
});

/** Reads an order as the exchange shows it, or returns a sentence about what is wrong with it. */
export const parseReport = (body: unknown): ExecutionReport | string => read.orSentence(() => readReport(body));

/** Reads a list of orders, or returns a sentence: one bad row makes the whole list unusable. */
export const parseReports = (body: unknown): readonly ExecutionReport[] | string =>
  read.orSentence(() => read.list(body, readReport));

/** Reads a list of quotes, or returns a sentence. */
export const parseQuotes = (body: unknown): readonly Quote[] | string =>
  read.orSentence(() => read.list(body, readQuote));

/** Half a tariff is none, and so is one that can't be read: it must not cost us the balances. */
const readFees = (body: unknown): FeeRates | null => {
  const fees = read.orSentence(() => ({
    makerBps: notNegative(body, "maker_bps"),
    takerBps: notNegative(body, "taker_bps"),
  }));
  return typeof fees === "string" ? null : fees;
};

/** Reads `{cash, reserved_cash?, maker_bps?, taker_bps?}` in USD and basis points, or returns a sentence. */
export const parseBalances = (body: unknown): Omit<Balances, "observedAt"> | string =>
  read.orSentence(() => ({
    cash: read.amount(body, "cash"),
    reservedCash: read.nullable(body, "reserved_cash", notNegative) ?? "0",
    fees: readFees(body),
  }));

/** Reads quantities by symbol, zero left out, or returns a sentence. */
export const parseHoldings = (body: unknown): Readonly<Record<string, Amount>> | string =>
  read.orSentence(() => {
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      throw new read.Malformed("holdings must be an object");
    }
    const quantities = Object.keys(body).map((symbol) => [symbol, notNegative(body, symbol)] as const);
    return Object.fromEntries(quantities.filter(([, qty]) => qty !== "0"));
  });
