import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Mode } from "../../lib/mode.ts";
import { useServerNow } from "../../lib/server-clock.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Table } from "../../ui/table.tsx";
import { CancelOrder } from "./cancel-order.tsx";
import { cancelColumn, closedColumns, openColumns } from "./order-columns.tsx";
import { isOpen } from "./order-state.ts";
import { OrderTimeline } from "./order-timeline.tsx";
import { type Order, ordersQuery } from "./orders-query.ts";

/** Open orders with age and next action, then the last closed ones; a click tells an order's story. */
export function OrdersPanel({ mode, canCommand }: { mode: Mode; canCommand: boolean }) {
  const query = useQuery(ordersQuery(mode));
  const [opened, setOpened] = useState<string>();
  const [canceling, setCanceling] = useState<Order>();
  const now = useServerNow();
  const story = {
    name: (order: Order) => `Story of ${order.side} ${order.purpose} ${order.symbol}`,
    onOpen: (order: Order) => setOpened(order.intent_group_id),
  };
  const open = query.data?.filter(isOpen) ?? [];
  const closed = query.data?.filter((order) => !isOpen(order)) ?? [];
  const forOpen = [...openColumns(now), ...(canCommand ? [cancelColumn(setCanceling)] : [])];
  return (
    <>
      <Panel title="Open orders" note={query.data && `${open.length} open; click a symbol for the story`}>
        <Loaded query={query} isEmpty={() => open.length === 0} empty="No order is open.">
          {() => <Table label="Open orders" columns={forOpen} rows={open} rowKey={(row) => row.id} open={story} />}
        </Loaded>
      </Panel>
      <Panel title="Closed orders" note="the last 20; click a symbol for the story">
        <Loaded query={query} isEmpty={() => closed.length === 0} empty="No order was closed yet.">
          {() => (
            <Table
              label="Closed orders"
              columns={closedColumns(now)}
              rows={closed}
              rowKey={(row) => row.id}
              open={story}
            />
          )}
        </Loaded>
      </Panel>
      {opened && <OrderTimeline intentGroupId={opened} canCommand={canCommand} onClose={() => setOpened(undefined)} />}
      {canceling && <CancelOrder order={canceling} onClose={() => setCanceling(undefined)} />}
    </>
  );
}
