import type { PaperOrder } from "../../../shared/broker/paper/book.ts";
import type { ReportedFill } from "../../../shared/broker/port.ts";
import { type Amount, type Decimal, decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";
import { isOpen, stateAtExchange } from "./faults.ts";
import { AVERAGE_PLACES, asked } from "./hands.ts";
import type { World } from "./world.ts";

/** What an order, or one execution of it, comes to. */
interface Figures {
  readonly qty: Decimal;
  readonly notional: Decimal;
  readonly fee: Decimal;
}

/** An execution as it is booked: an order's own id before its name says that the broker has told no name. */
interface Booked extends Figures {
  readonly fillId: string;
  readonly isNamed: boolean;
}

/** What a person enters: all of an order, or the execution that `fillId` names. */
interface Correction {
  readonly fillId: string | null;
  readonly is: Figures;
}

const NOTHING: Figures = { qty: ZERO, notional: ZERO, fee: ZERO };

const isNear = (a: Decimal, b: Decimal): boolean =>
  a
    .minus(b)
    .abs()
    .lte(a.abs().plus(b.abs()).times(decimal("0.0000001")));
const areNear = (a: Figures, b: Figures): boolean =>
  a.qty.eq(b.qty) && isNear(a.notional, b.notional) && isNear(a.fee, b.fee);
const sumOf = (parts: readonly Figures[]): Figures =>
  parts.reduce(
    (sum, { qty, notional, fee }) => ({
      qty: sum.qty.plus(qty),
      notional: sum.notional.plus(notional),
      fee: sum.fee.plus(fee),
    }),
    NOTHING,
  );

const figuresOf = ({ qty, price, fee }: ReportedFill): Figures => ({
  qty: decimal(qty),
  notional: decimal(qty).times(decimal(price)),
  fee: decimal(fee),
});

async function bookedOf({ admin }: World, order: PaperOrder): Promise<Booked[]> {
  const rows = await admin`
    select f.fill_id, sum(f.qty) as qty, sum(f.qty * f.price) as notional, sum(f.fee) as fee
    from public.crypto_fills as f where f.order_id = ${order.clientOrderId}
    group by f.fill_id having sum(f.qty) <> 0 or sum(f.fee) <> 0 order by min(f.seq)`;
  return rows.map((row) => ({
    fillId: String(row.fill_id),
    isNamed: !String(row.fill_id).startsWith(`${order.clientOrderId}:`),
    qty: decimal(String(row.qty)),
    notional: decimal(String(row.notional)),
    fee: decimal(String(row.fee)),
  }));
}

/** The first thing that is to be corrected of an order, null when all is right. */
function correctionOf(
  order: PaperOrder,
  booked: readonly Booked[],
  namesOf: (fill: ReportedFill) => string[],
): Correction | null {
  const truth = sumOf(order.fills.map(figuresOf));
  if (areNear(sumOf(booked), truth)) return null;
  if (booked.length === 1 || booked.every(({ isNamed }) => !isNamed)) return { fillId: null, is: truth };
  const told = new Set<ReportedFill>();
  for (const execution of booked.filter(({ isNamed }) => isNamed)) {
    const fill = order.fills.find((one) => !told.has(one) && namesOf(one).includes(execution.fillId));
    if (fill) told.add(fill);
    const is = fill ? figuresOf(fill) : NOTHING;
    if (!areNear(execution, is)) return { fillId: execution.fillId, is };
  }
  const rest = sumOf(order.fills.filter((fill) => !told.has(fill)).map(figuresOf));
  const unnamed = booked.filter(({ isNamed }) => !isNamed);
  const [first, second] = unnamed;
  if (second) return { fillId: second.fillId, is: NOTHING };
  return first ? { fillId: first.fillId, is: rest } : null;
}

/** An order that is to be corrected, and how. */
interface WrongOrder {
  readonly order: PaperOrder;
  readonly correction: Correction;
}

/**
 * Orders that have ended here and there, of which somebody was told that something is odd or that an execution was
 * taken back, and of which more or something else is booked than the exchange's own record says.
 */
export async function wrongOrders(world: World): Promise<WrongOrder[]> {
  const { admin, exchange } = world;
  const { corrected } = exchange.backOffice;
  const closed = await admin`
    select o.id, o.filled_qty from public.crypto_orders as o
    where o.status in ('filled', 'canceled', 'expired', 'rejected') and o.filled_qty > 0 and (
      o.id = any (${[...corrected]}::uuid[])
      or exists (select from public.alerts as a where a.key = o.id::text and a.kind <> 'late_fill')
    )
    order by o.id`;
  const wrong: WrongOrder[] = [];
  for (const { id, filled_qty } of closed) {
    const order = exchange.state.orders[String(id)];
    if (!order || isOpen(order) || decimal(order.filledQty).gt(decimal(String(filled_qty)))) continue;
    const correction = correctionOf(order, await bookedOf(world, order), exchange.desk.namesOf(order));
    if (correction) wrong.push({ order, correction });
  }
  return wrong;
}

/** Somebody who sees the exchange's own record corrects what is booked of an order, one execution at a time. */
export async function correctByHand(world: World): Promise<void> {
  const [wrong] = await wrongOrders(world);
  if (!wrong) return;
  const { order, correction } = wrong;
  const { qty, notional, fee } = correction.is;
  const average: Amount | null = qty.eq(ZERO) ? null : toAmount(notional.div(qty).round(AVERAGE_PLACES));
  const paid = qty.eq(ZERO) ? null : toAmount(fee);
  const { exchange, trace, db } = world;
  trace(
    `  corrects ${exchange.nameOf(order.clientOrderId)} ${correction.fillId ?? ""}: ${toAmount(qty)} at ${average}, fee ${paid}`,
  );
  exchange.faults.note("corrected by hand", stateAtExchange(order));
  exchange.approximated.add(order.clientOrderId);
  await asked(
    world,
    db.sql`
      select public.correct_order(
        ${order.clientOrderId}, ${toAmount(qty)}, ${average}, ${paid}, 'simulation', ${correction.fillId})`,
  );
}
