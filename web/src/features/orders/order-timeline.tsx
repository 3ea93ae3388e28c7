import { useQuery } from "@tanstack/react-query";
import { instant, price, quantity, usd, words } from "../../lib/format.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Modal } from "../../ui/modal.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { type OrderEvent, type Timeline, timelineQuery } from "./orders-query.ts";

/** The whole story of an intent: why, its chain of orders, and what happened to each. */
export function OrderTimeline({ intentGroupId, onClose }: { intentGroupId: string; onClose: () => void }) {
  const query = useQuery(timelineQuery(intentGroupId));
  return (
    <Modal label="Order timeline" wide onClose={onClose}>
      <Loaded query={query}>{(timeline) => <Story timeline={timeline} />}</Loaded>
      <div className="dialog-buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Modal>
  );
}

function Story({ timeline }: { timeline: Timeline }) {
  const { intent, orders } = timeline;
  const target = intent.target_notional ? usd(intent.target_notional) : `${quantity(intent.target_qty)}`;
  return (
    <>
      <h2>
        {intent.side} {intent.symbol}: {words(intent.purpose)}, {words(intent.status)}
      </h2>
      <p>
        {words(intent.engine)} wanted {target} at {instant(intent.created_at)}
        {intent.strategy && ` by ${words(intent.strategy)}`}
        {intent.reason && `: ${intent.reason}`}.
      </p>
      {orders.map((order, index) => (
        <section key={order.id} className="chain">
          <h3>
            Order {index + 1} of {orders.length}: {quantity(order.qty)} at {price(order.limit_price)},{" "}
            {words(order.status)}
            {order.cancel_reason_code && ` (${words(order.cancel_reason_code)})`}
          </h3>
          <p className="note">client order id {order.id}</p>
          <Table
            label={`Events of order ${index + 1}`}
            columns={columns}
            rows={order.events}
            rowKey={(row) =>
              `${row.ts}${row.event_type}${row.from_status}${row.to_status}${row.filled_qty}${row.reason}`
            }
          />
        </section>
      ))}
    </>
  );
}

const columns: readonly Column<OrderEvent>[] = [
  { title: "Time", cell: (row) => <time dateTime={row.ts}>{instant(row.ts)}</time> },
  { title: "What", cell: (row) => words(row.event_type) },
  {
    title: "From → to",
    cell: (row) =>
      row.from_status === row.to_status ? words(row.to_status) : `${words(row.from_status)} → ${words(row.to_status)}`,
  },
  { title: "Price", numeric: true, cell: (row) => price(row.price) },
  { title: "Filled", numeric: true, cell: (row) => (row.filled_qty ? quantity(row.filled_qty) : "–") },
  { title: "Why", cell: (row) => words(row.reason) },
  { title: "Who", cell: (row) => row.actor },
  { title: "Trace", minor: true, cell: (row) => row.trace_id?.slice(0, 8) ?? "–" },
];
