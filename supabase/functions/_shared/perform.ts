import type { Broker, BrokerError, ExecutionReport } from "../../../shared/broker/port.ts";
import { type Amount, decimal } from "../../../shared/money/decimal.ts";
import { each } from "./each.ts";
import { count, type TickRun } from "./run.ts";
import type { ClaimedOrder } from "./wire/claimed-order.ts";
import { type Json, type ReportKind, writeAnswer, writeReport } from "./wire/write.ts";

/** What a broker said about one claimed order: reports to write, and how the order stands if that is known. */
export interface Performed {
  readonly order: ClaimedOrder;
  readonly reports: readonly Json[];
  readonly standing: ExecutionReport | null;
}

/** The price for the child of an order whose `reprice` cancel is proven; null leaves it to the database. */
export type ReplacementPrice = (order: ClaimedOrder) => Amount | null;

/** Nothing is started on an order this near to its lease's end: somebody else may hold it before the broker has answered. */
const LEASE_MARGIN_MS = 15_000;

const nothing = (order: ClaimedOrder): Performed => ({ order, reports: [], standing: null });

/** A refusal is definite only for what was asked; of a look-up it says nothing about the order. */
const lookUpKind = ({ kind }: BrokerError): ReportKind => (kind === "refused" ? "unavailable" : kind);

const send = async (run: TickRun, order: ClaimedOrder): Promise<Performed> => {
  const { id: clientOrderId, symbol, side, qty, limitPrice, urgency } = order;
  const placed = await run.broker(order.mode).place({ clientOrderId, symbol, side, qty, limitPrice, urgency });
  count(run.findings, "sent");
  if (placed.ok) return { order, reports: [writeReport(order, placed.value)], standing: placed.value };
  const { kind, message } = placed.error;
  const reason = placed.error.kind === "refused" ? `${placed.error.code}: ${message}` : message;
  count(run.findings, kind === "refused" ? "refused" : "send_unknown");
  const told: ReportKind = kind === "not_found" ? "unavailable" : kind;
  return { order, reports: [writeAnswer(order, told, reason, run.now())], standing: null };
};

const query = async (run: TickRun, order: ClaimedOrder, price: Amount | null): Promise<Performed> => {
  const found = await run.broker(order.mode).getOrder(order.id);
  count(run.findings, "queried");
  if (found.ok) return { order, reports: [writeReport(order, found.value, price)], standing: found.value };
  return {
    order,
    reports: [writeAnswer(order, lookUpKind(found.error), found.error.message, run.now())],
    standing: null,
  };
};

const isClosed = (standing: ExecutionReport): boolean =>
  standing.state !== "working" && standing.state !== "partially_filled";

type Asked = Awaited<ReturnType<Broker["cancel"]>>;

/** What the broker answered to the cancels of a batch, by order. */
export type AskedCancels = ReadonlyMap<string, Asked>;

const inTime = (run: TickRun, { leaseExpiresAt }: ClaimedOrder): boolean =>
  run.now() <= leaseExpiresAt - LEASE_MARGIN_MS;

/** Sends every cancel among the orders, before anything else is asked: after a kill each of them is in a hurry. */
export const askCancels = async (run: TickRun, orders: readonly ClaimedOrder[]): Promise<AskedCancels> => {
  const asked = new Map<string, Asked>();
  const cancels = orders.filter(({ action }) => action === "cancel");
  await each(cancels, run.concurrency, async (order) => {
    if (!inTime(run, order)) return;
    asked.set(order.id, await run.broker(order.mode).cancel(order.id));
    count(run.findings, "cancels_sent");
  });
  return asked;
};

/** Looks how an order stands whose cancel was asked for: only a report of the order itself proves anything. */
const proveCancel = async (
  run: TickRun,
  order: ClaimedOrder,
  price: Amount | null,
  asked: Asked | undefined,
): Promise<Performed> => {
  if (asked === undefined) return nothing(order);
  const looked = await query(run, order, price);
  if (looked.standing === null || isClosed(looked.standing)) return looked;
  if (asked.ok)
    return {
      ...looked,
      reports: [...looked.reports, writeAnswer(order, "cancel_requested", null, asked.value.observedAt)],
    };
  const { kind, message } = asked.error;
  const told: ReportKind = kind === "refused" ? "cancel_refused" : kind === "not_found" ? "unavailable" : kind;
  return { ...looked, reports: [...looked.reports, writeAnswer(order, told, message, run.now())] };
};

const performOne = (
  run: TickRun,
  order: ClaimedOrder,
  price: ReplacementPrice,
  asked: AskedCancels,
): Promise<Performed> => {
  switch (order.action) {
    case "send":
      return send(run, order);
    case "query":
      return query(run, order, price(order));
    case "cancel":
      return proveCancel(run, order, price(order), asked.get(order.id));
    default:
      return order.action satisfies never;
  }
};

/** Does at the broker what each claimed order asks for, as long as its lease lasts: all cancels first, unless they were `asked` already. */
export const performOrders = async (
  run: TickRun,
  orders: readonly ClaimedOrder[],
  price: ReplacementPrice,
  asked?: AskedCancels,
): Promise<Performed[]> => {
  const answers = asked ?? (await askCancels(run, orders));
  return each(orders, run.concurrency, (order) =>
    inTime(run, order) ? performOne(run, order, price, answers) : Promise.resolve(nothing(order)),
  );
};

/** Returns the reports of all, in order. */
export const reportsOf = (performed: readonly Performed[]): Json[] => performed.flatMap(({ reports }) => reports);

/** Tells whether an order has filled further than we knew. */
export const hasNewFill = ({ order, standing }: Performed): boolean =>
  standing !== null && decimal(standing.filledQty).gt(decimal(order.filledQty));
