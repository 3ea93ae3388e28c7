import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { price, quantity, usd } from "../../lib/format.ts";
import { callRpc } from "../../lib/rpc.ts";
import { useCommand } from "../../ui/command.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Figure } from "./figure.tsx";
import type { Execution, Order } from "./orders-query.ts";

/** What is booked of an order; an operator whose broker took some of it back, or changed it, says here what is right. */
export function Executions(props: {
  order: Order;
  executions: readonly Execution[];
  label: string;
  canCommand: boolean;
}) {
  const { order, executions, label, canCommand } = props;
  const isKnown = order.status !== "new" && order.status !== "submitted";
  return (
    <>
      {executions.length > 0 && (
        <Table label={label} columns={columns} rows={executions} rowKey={(row) => row.fill_id} />
      )}
      {canCommand && isKnown && (executions.length > 0 || order.closed_at) && (
        <details>
          <summary>The broker took back or changed what it had told</summary>
          <CorrectOrder order={order} executions={executions} />
        </details>
      )}
    </>
  );
}

function CorrectOrder({ order, executions }: { order: Order; executions: readonly Execution[] }) {
  const queries = useQueryClient();
  const [fillId, setFillId] = useState("");
  const [filled, setFilled] = useState("");
  const [average, setAverage] = useState("");
  const [fee, setFee] = useState("");
  const [reason, setReason] = useState("");
  const correct = useCommand(async () => {
    await callRpc("correct_order", {
      order_id: order.id,
      filled_qty: filled,
      average_price: average || null,
      fee: fee || null,
      reason,
      fill_id: fillId || null,
    });
    await queries.invalidateQueries();
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    correct.run();
  };
  return (
    <form className="command" onSubmit={submit}>
      <p>
        Look the order up in the broker's own record and say what was filled after all: 0 when all of it was taken back.
        What is booked is reversed and what is right is booked, with your name, and the lots of {order.symbol} are
        folded anew. The order is then asked about again. If only its status was wrong and the broker has it open, give
        the quantity that is booked and leave price and fee empty.
      </p>
      {executions.length > 1 && (
        <label className="field">
          Which execution
          <select value={fillId} onChange={(event) => setFillId(event.target.value)}>
            <option value="">The whole order</option>
            {executions.map((execution) => (
              <option key={execution.fill_id} value={execution.fill_id}>
                {quantity(execution.qty)} at {price(execution.price)} ({execution.fill_id})
              </option>
            ))}
          </select>
        </label>
      )}
      <Figure label="Filled after all" value={filled} onChange={setFilled} required />
      <Figure label="Average price of that, USD" value={average} onChange={setAverage} />
      <Figure label="Fee of that, USD" value={fee} onChange={setFee} />
      <label className="field">
        Why the broker changed it
        <input required value={reason} onChange={(event) => setReason(event.target.value)} />
      </label>
      <button type="submit" className="danger" disabled={correct.busy}>
        {correct.busy ? "Working…" : "Correct the books"}
      </button>
      {correct.error}
    </form>
  );
}

const columns: readonly Column<Execution>[] = [
  {
    title: "Execution",
    width: 40,
    cell: (row) => (row.revisions > 1 ? `${row.fill_id} (corrected)` : row.fill_id),
  },
  { title: "Quantity", width: 20, numeric: true, cell: (row) => quantity(row.qty) },
  { title: "Price", width: 20, numeric: true, cell: (row) => price(row.price) },
  { title: "Fee", width: 20, numeric: true, cell: (row) => usd(row.fee) },
];
