import type { OrderStatus } from "../../../../shared/orders/status.ts";
import { duration, instant, price, share, usd, words } from "../../lib/format.ts";
import { secondsSince } from "../../lib/server-clock.ts";
import { Badge, type Tone } from "../../ui/badge.tsx";
import type { Column } from "../../ui/table.tsx";
import { Two } from "../../ui/two.tsx";
import { canBeCanceled, isCancelAsked } from "./order-state.ts";
import type { Order } from "./orders-query.ts";

const TONE: Record<OrderStatus, Tone> = {
  new: "quiet",
  submitted: "warn",
  working: "calm",
  partially_filled: "calm",
  filled: "good",
  cancel_pending: "warn",
  canceled: "quiet",
  expired: "quiet",
  rejected: "bad",
};

/** The columns of orders that may still trade or be tried again: age and next action run with the server's clock. */
export const openColumns = (now: number): readonly Column<Order>[] => [
  name,
  { title: "Status", width: 17, cell: (row) => <Two main={status(row)} more={nextAction(row, now)} /> },
  limit,
  filled,
  {
    title: "Age",
    width: 12,
    numeric: true,
    minor: true,
    cell: (row) => <Two main={duration(secondsSince(row.requested_at, now))} more={`repriced ${row.replace_count}`} />,
  },
];

/** The columns of orders that are done. */
export const closedColumns = (now: number): readonly Column<Order>[] => [
  name,
  {
    title: "Status",
    width: 17,
    cell: (row) => <Two main={status(row)} more={whyClosed(row)} title={whyClosed(row)} />,
  },
  limit,
  filled,
  {
    title: "Closed",
    width: 15,
    numeric: true,
    minor: true,
    cell: (row) => (
      <Two main={instant(row.closed_at ?? row.requested_at, now)} more={`repriced ${row.replace_count}`} />
    ),
  },
];

/** The column with each order's cancel button; it says so while the broker's proof is awaited. A reprice can still be stopped. */
export const cancelColumn = (ask: (order: Order) => void): Column<Order> => ({
  title: "Cancel",
  width: 9,
  cell: (row) => (
    <button
      type="button"
      disabled={!canBeCanceled(row)}
      aria-label={`Cancel ${row.side} ${row.symbol}`}
      onClick={() => ask(row)}
    >
      {isCancelAsked(row) ? "Asked" : "Cancel"}
    </button>
  ),
});

const name: Column<Order> = {
  title: "Order",
  width: 12,
  cell: (row) => (
    <Two
      main={<strong>{row.symbol}</strong>}
      more={`${row.side} ${row.urgency === "stop_loss" ? "stop-loss" : words(row.purpose)}`}
    />
  ),
};

const limit: Column<Order> = {
  title: "Limit",
  width: 11,
  numeric: true,
  cell: (row) => <Two main={price(row.limit_price)} more={usd(row.notional)} />,
};

const filled: Column<Order> = {
  title: "Filled",
  width: 12,
  numeric: true,
  minor: true,
  cell: (row) => (
    <Two main={share(row.filled_qty, row.qty)} more={row.average_price ? `at ${price(row.average_price)}` : "–"} />
  ),
};

function status(order: Order) {
  return (
    <Badge tone={TONE[order.status]} title={order.last_error ?? undefined}>
      {words(order.status)}
    </Badge>
  );
}

function nextAction(order: Order, now: number): string {
  if (order.unresolved) return "fate unknown, asking";
  if (order.retry_at) {
    const left = -secondsSince(order.retry_at, now);
    return left > 0 ? `tries again in ${duration(left)}` : "waits to be tried again";
  }
  if (!order.next_action_at) return "waits";
  const left = -secondsSince(order.next_action_at, now);
  return left > 0 ? `looks again in ${duration(left)}` : "looks again now";
}

function whyClosed(order: Order): string {
  if (order.unresolved) return "fate unknown, asking";
  if (order.status === "rejected") return order.last_error ?? "no reason given";
  return words(order.cancel_reason_code ?? order.strategy ?? order.engine);
}
