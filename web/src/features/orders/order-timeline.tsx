import { useQuery } from "@tanstack/react-query";
import { instant, price, quantity, usd, words } from "../../lib/format.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Modal } from "../../ui/modal.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Two } from "../../ui/two.tsx";
import { Executions } from "./correct-order.tsx";
import { type OrderEvent, type Timeline, timelineQuery } from "./orders-query.ts";
import { SettleOrder } from "./settle-order.tsx";

/** The whole story of an intent: why, its chain of orders, and what happened to each. An operator can settle one of unknown fate, and correct what the broker took back. */
export function OrderTimeline(props: { intentGroupId: string; canCommand: boolean; onClose: () => void }) {
  const { intentGroupId, canCommand, onClose } = props;
  const query = useQuery(timelineQuery(intentGroupId));
  return (
    <Modal label="Order timeline" wide onClose={onClose}>
      <Loaded query={query} isEmpty={(timeline) => timeline === null} empty="There is no such order.">
        {(timeline) => timeline && <Story timeline={timeline} canCommand={canCommand} />}
      </Loaded>
      <div className="dialog-buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Modal>
  );
}

function Story({ timeline, canCommand }: { timeline: Timeline; canCommand: boolean }) {
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
            {order.unresolved && ", fate unknown"}
            {order.cancel_reason_code && ` (${words(order.cancel_reason_code)})`}
          </h3>
          <p className="note">client order id {order.id}</p>
          {order.can_be_settled && canCommand && <SettleOrder order={order} />}
          <Table
            label={`Events of order ${index + 1}`}
            columns={columns}
            rows={order.events}
            rowKey={(row) => row.id}
          />
          <Executions
            order={order}
            executions={order.executions}
            label={`Executions of order ${index + 1}`}
            canCommand={canCommand}
          />
        </section>
      ))}
    </>
  );
}

const columns: readonly Column<OrderEvent>[] = [
  {
    title: "Time",
    width: 15,
    cell: (row) => <Two main={<time dateTime={row.ts}>{instant(row.ts)}</time>} more={row.actor} title={row.actor} />,
  },
  { title: "What", width: 21, cell: (row) => <Two main={words(row.event_type)} more={change(row)} /> },
  { title: "Price", width: 11, numeric: true, minor: true, cell: (row) => price(row.price) },
  {
    title: "Filled",
    width: 12,
    numeric: true,
    minor: true,
    cell: (row) => <Two main={quantity(row.filled_qty)} more={row.qty ? `of ${quantity(row.qty)}` : "–"} />,
  },
  {
    title: "Why",
    width: 30,
    minor: true,
    cell: (row) => (
      <Two main={words(row.reason)} more={`trace ${row.trace_id ?? "–"}`} title={row.reason ?? undefined} />
    ),
  },
];

const change = ({ from_status, to_status }: OrderEvent): string =>
  from_status === to_status || !from_status ? words(to_status) : `${words(from_status)} → ${words(to_status)}`;
