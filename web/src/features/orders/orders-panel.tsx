import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { duration, instant, price, quantity, usd, words } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { Badge, type Tone } from "../../ui/badge.tsx";
import { Confirm } from "../../ui/confirm.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { OrderTimeline } from "./order-timeline.tsx";
import { isOpen, type Order, type OrderStatus, ordersQuery } from "./orders-query.ts";

/** Open orders with age and next action, then the last closed ones; a click tells an order's story. */
export function OrdersPanel({ mode, canCommand }: { mode: Mode; canCommand: boolean }) {
  const query = useQuery(ordersQuery(mode));
  const [opened, setOpened] = useState<string>();
  const [canceling, setCanceling] = useState<Order>();
  const now = useServerNow();
  const show = (order: Order) => setOpened(order.intent_group_id);
  const openColumns = [...common, ...openOnly(now), ...(canCommand ? [cancelColumn(setCanceling)] : [])];
  const open = query.data?.filter(isOpen);
  const closed = query.data?.filter((order) => !isOpen(order)) ?? [];
  return (
    <>
      <Panel title="Open orders" note={open && `${open.length} open`}>
        <Loaded query={query} isEmpty={() => open?.length === 0} empty="No order is open.">
          {() => (
            <Table label="Open orders" columns={openColumns} rows={open ?? []} rowKey={(row) => row.id} onOpen={show} />
          )}
        </Loaded>
      </Panel>
      <Panel title="Closed orders" note="the last 20; click one for its story">
        <Loaded query={query} isEmpty={() => closed.length === 0} empty="No order was closed yet.">
          {() => (
            <Table
              label="Closed orders"
              columns={[...common, ...closedOnly(now)]}
              rows={closed}
              rowKey={(row) => row.id}
              onOpen={show}
            />
          )}
        </Loaded>
      </Panel>
      {opened && <OrderTimeline intentGroupId={opened} onClose={() => setOpened(undefined)} />}
      {canceling && <CancelOrder order={canceling} onClose={() => setCanceling(undefined)} />}
    </>
  );
}

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

function status(order: Order) {
  return (
    <Badge tone={TONE[order.status]} title={order.last_error ?? undefined}>
      {words(order.status)}
      {order.unresolved && " (unresolved)"}
    </Badge>
  );
}

const common: readonly Column<Order>[] = [
  { title: "Symbol", cell: (row) => <strong>{row.symbol}</strong> },
  { title: "Order", cell: (row) => `${row.side} ${row.urgency === "stop_loss" ? "stop-loss" : words(row.purpose)}` },
  { title: "Status", cell: status },
  { title: "Limit", numeric: true, cell: (row) => price(row.limit_price) },
  { title: "Amount", numeric: true, minor: true, cell: (row) => usd(row.notional) },
  { title: "Filled", numeric: true, cell: (row) => `${quantity(row.filled_qty)} / ${quantity(row.qty)}` },
  { title: "Repriced", numeric: true, minor: true, cell: (row) => row.replace_count },
];

const openOnly = (now: number): readonly Column<Order>[] => [
  { title: "Age", numeric: true, cell: (row) => duration(secondsSince(row.requested_at, now)) },
  {
    title: "Next action",
    numeric: true,
    minor: true,
    cell: (row) => {
      if (!row.next_action_at) return "–";
      const left = -secondsSince(row.next_action_at, now);
      return left > 0 ? `in ${duration(left)}` : "due now";
    },
  },
];

const closedOnly = (now: number): readonly Column<Order>[] => [
  { title: "Average", numeric: true, minor: true, cell: (row) => price(row.average_price) },
  { title: "Why", minor: true, cell: (row) => words(row.cancel_reason_code ?? row.reason) },
  { title: "Asked at", numeric: true, cell: (row) => instant(row.requested_at, now) },
];

const cancelColumn = (ask: (order: Order) => void): Column<Order> => ({
  title: "Cancel",
  cell: (row) => (
    <button
      type="button"
      disabled={row.status === "cancel_pending"}
      onClick={(event) => {
        event.stopPropagation();
        ask(row);
      }}
    >
      {row.status === "cancel_pending" ? "Asked" : "Cancel"}
    </button>
  ),
});

function CancelOrder({ order, onClose }: { order: Order; onClose: () => void }) {
  const queries = useQueryClient();
  const cancel = async () => {
    await callRpc("request_cancel", { order_id: order.id, reason: "operator_dashboard" });
    await queries.invalidateQueries({ queryKey: ["orders"] });
  };
  return (
    <Confirm
      title={`Cancel ${order.side} ${order.symbol}?`}
      confirm="Cancel the order"
      danger
      onConfirm={cancel}
      onClose={onClose}
    >
      <p>
        {quantity(order.remaining_qty)} at {price(order.limit_price)} is asked back from the broker. The order shows
        “cancel pending” until the broker has proven it; a fill that comes first is booked.
      </p>
    </Confirm>
  );
}
