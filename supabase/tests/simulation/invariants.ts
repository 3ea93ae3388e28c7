import { isLegalTransition, type OrderStatus } from "../../../shared/orders/status.ts";
import { alwaysQuery } from "./always-query.ts";
import { isOpen } from "./faults.ts";
import { spoiltBooksAreRefused, stopsCanBeSold } from "./invariants-exits.ts";
import { onlyConfirmedPricesCount } from "./invariants-market.ts";
import { bothBooksAreEqual, executionsAreBookedOnce, theDaysAddUp } from "./invariants-money.ts";
import { positionsOpenAnew } from "./invariants-positions.ts";
import { nothingIsAskedForEver } from "./invariants-questions.ts";
import type { World } from "./world.ts";

/** Looks for something that must not be, and returns a sentence for each that is. */
export type Check = (world: World) => Promise<string[]>;

/** No two open orders of one symbol and side at the exchange, unless one had been proven absent before it appeared. */
const oneLiveOrderASide: Check = async ({ exchange }) => {
  const seen = new Map<string, string>();
  const found: string[] = [];
  for (const order of Object.values(exchange.state.orders)) {
    const { clientOrderId, symbol, side } = order;
    if (!isOpen(order) || exchange.absence.isProven(clientOrderId)) continue;
    const key = `${symbol} ${side}`;
    const other = seen.get(key);
    if (other)
      found.push(`two live orders at the exchange: ${exchange.nameOf(other)} and ${exchange.nameOf(clientOrderId)}`);
    seen.set(key, clientOrderId);
  }
  return found;
};

const neverSentTwice: Check = async ({ exchange }) =>
  exchange.sentTwice.map((name) => `${name} was sent to the exchange twice`);

const onlyLeaseholdersWrite: Check = async ({ leases }) => leases.violations;

const theBookHolds: Check = async ({ admin, exchange }) => {
  const orders = Object.values(exchange.state.orders);
  const rows = await alwaysQuery(admin, {
    all: orders.map(({ clientOrderId }) => clientOrderId),
    open: orders.filter(isOpen).map(({ clientOrderId }) => clientOrderId),
    provenAbsent: exchange.absence.proven(),
  });
  return rows.map(({ problem }) => withNames(problem, exchange.nameOf.bind(exchange)));
};

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const withNames = (problem: string, nameOf: (id: string) => string) => problem.replace(UUID, (id) => nameOf(id));

interface LoggedStep {
  readonly order_id: string;
  readonly is_corrected: boolean;
  readonly from_status: OrderStatus | null;
  readonly to_status: OrderStatus | null;
  readonly reason: string | null;
  readonly status: OrderStatus;
}

/** Where only a person's correction takes an order, and what the exchange says of it next. */
const CORRECTED = [
  "filled canceled",
  "partially_filled working",
  "canceled working",
  "canceled partially_filled",
  "expired working",
  "expired partially_filled",
];

const everyStepIsLegalAndLogged: Check = async ({ admin }) => {
  const rows = await admin<LoggedStep[]>`
    select e.order_id, e.from_status, e.to_status, e.reason, o.status, exists (
      select from public.order_events as c where c.order_id = e.order_id and c.event_type = 'corrected'
    ) as is_corrected
    from public.order_events as e join public.crypto_orders as o on o.id = e.order_id
    order by e.order_id, e.id`;
  const found: string[] = [];
  const last = new Map<string, LoggedStep>();
  for (const step of rows) {
    const { order_id, from_status, to_status } = step;
    const before = last.get(order_id);
    if (to_status === null || from_status === to_status) continue;
    if (from_status !== (before?.to_status ?? null))
      found.push(`order ${order_id}: an event starts at ${from_status}, the last ended at ${before?.to_status}`);
    const isLegal = from_status === null || isLegalTransition(from_status, to_status, before?.reason);
    if (!isLegal && !(step.is_corrected && CORRECTED.includes(`${from_status} ${to_status}`)))
      found.push(`order ${order_id}: illegal ${from_status} -> ${to_status}`);
    last.set(order_id, step);
  }
  for (const [id, { to_status, status }] of last) {
    if (to_status !== status) found.push(`order ${id} is ${status}, its events end at ${to_status}`);
  }
  return found;
};

const nothingIsLeft: Check = async ({ admin, exchange }) => {
  const orders = await admin`
    select id, status, unresolved from public.crypto_orders
    where status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending') or unresolved`;
  const intents = await admin`select id, purpose, symbol from public.order_intents where status = 'active'`;
  const held = await admin`
    select p.symbol, p.qty from public.positions as p where p.qty > 0 and not private.dust(p.mode, p.symbol, p.qty / 1.2)`;
  const resting = Object.values(exchange.state.orders).filter(isOpen);
  const [account] = await admin`select degraded, degraded_reason from public.accounts where mode = 'paper'`;
  return [
    ...orders.map(
      (row) =>
        `order ${exchange.nameOf(String(row.id))} never ended: ${row.status}${row.unresolved ? ", unresolved" : ""}`,
    ),
    ...intents.map((row) => `intent to ${row.purpose} ${row.symbol} is active and has no order: ${row.id}`),
    ...held.map((row) => `an exit was forgotten: ${row.qty} of ${row.symbol} is still held`),
    ...resting.map((order) => `${exchange.nameOf(order.clientOrderId)} still rests at the exchange`),
    ...(account?.degraded ? [`still degraded: ${account.degraded_reason}`] : []),
  ];
};

const MOST_RECONCILIATIONS = 8;

/** Dust may come to be worth a sale by a change of its price alone: a reconciliation after that may write what was sold. */
const secondReconciliationWritesNothing: Check = async (world) => {
  const count = async () => {
    const [row] = await world.admin`
      select (select count(*) from public.crypto_reconciliation_events) || ' reconciliations, '
        || (select count(*) from public.crypto_fills) || ' fills, '
        || (select count(*) from public.order_events) || ' events, '
        || (select count(*) from public.cash_ledger) || ' ledger rows' as written,
        (select count(*) from public.crypto_orders) as orders,
        (select count(*) from public.crypto_orders where closed_at is null) as live`;
    return { written: String(row?.written), orders: Number(row?.orders), live: Number(row?.live) };
  };
  await world.advance(125); // a crashed run's lease must not keep the first one out
  let before = await count();
  for (let reconciliations = 1; reconciliations <= MOST_RECONCILIATIONS; reconciliations += 1) {
    await world.tick({ name: "trader-tick", fate: null });
    const after = await count();
    const isSecond = reconciliations > 1;
    if (isSecond && after.written === before.written) return [];
    if (isSecond && after.orders === before.orders && before.live === 0)
      return [`a second reconciliation wrote something: ${before.written}, then ${after.written}`];
    before = after;
    await world.advance(15);
  }
  return [`reconciliations write on and on: ${before.written}`];
};

const auditHolds: Check = async ({ db }) => {
  await db.sql`select private.seal_audit()`;
  const [audit] = await db.sql`select public.verify_audit_log() as answer`;
  const [wrong] = await db.sql`select private.check_invariants() as count`;
  return [
    ...(audit?.answer?.ok === true ? [] : [`the audit log does not verify: ${JSON.stringify(audit?.answer)}`]),
    ...(Number(wrong?.count) === 0 ? [] : [`check_invariants counts ${wrong?.count}`]),
  ];
};

/** What may be wrong for a moment only. */
const EVERY_STEP: readonly Check[] = [
  oneLiveOrderASide,
  neverSentTwice,
  onlyLeaseholdersWrite,
  theBookHolds,
  spoiltBooksAreRefused,
  onlyConfirmedPricesCount,
];
/** What stays wrong once it is. */
const NOW_AND_THEN: readonly Check[] = [executionsAreBookedOnce, theDaysAddUp, positionsOpenAnew, stopsCanBeSold];
const STRIDE = 3;
const ALWAYS: readonly Check[] = [...EVERY_STEP, ...NOW_AND_THEN];
const SETTLED: readonly Check[] = [
  ...ALWAYS,
  everyStepIsLegalAndLogged,
  bothBooksAreEqual,
  nothingIsLeft,
  nothingIsAskedForEver,
  secondReconciliationWritesNothing,
  auditHolds,
];

/** The same after a step; what is dear to look at, and stays wrong once it is, only after every third. */
export const checkStep = (world: World, step: number): Promise<string[]> =>
  runChecks(step % STRIDE === 0 ? ALWAYS : EVERY_STEP, world);

/** Returns a sentence for each thing that must never be false and is. */
export const checkAlways = (world: World): Promise<string[]> => runChecks(ALWAYS, world);

/** The same, with what must be true once the world has come to rest. */
export const checkAfterSettling = (world: World): Promise<string[]> => runChecks(SETTLED, world);

async function runChecks(checks: readonly Check[], world: World): Promise<string[]> {
  const found: string[] = [];
  for (const check of checks) found.push(...(await check(world)));
  for (const violation of found) world.trace(`!! ${violation}`);
  return found;
}
