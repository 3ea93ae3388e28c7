import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { quantity } from "../../lib/format.ts";
import { callRpc } from "../../lib/rpc.ts";
import { useCommand } from "../../ui/command.tsx";
import { Figure } from "./figure.tsx";
import type { Order } from "./orders-query.ts";

/** Lets an operator who has looked at the broker's own record say how an order of unknown fate ended. */
export function SettleOrder({ order }: { order: Order }) {
  const queries = useQueryClient();
  const [filled, setFilled] = useState("");
  const [average, setAverage] = useState("");
  const [fee, setFee] = useState("");
  const [reason, setReason] = useState("");
  const settle = useCommand(async () => {
    await callRpc("settle_order", {
      order_id: order.id,
      filled_qty: filled,
      average_price: average || null,
      fee: fee || null,
      reason,
    });
    await queries.invalidateQueries();
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    settle.run();
  };
  return (
    <form className="command" onSubmit={submit}>
      <p>
        Nobody knows how this order stands: the broker is asked again and again. If it never answers, look it up in the
        broker's own record by its client order id and say how it ended. {quantity(order.filled_qty)} of{" "}
        {quantity(order.qty)} are booked already; what you add is booked with your name. An exit's rest is then ordered
        again, an entry's is not, and the order is watched for a while in case it turns out otherwise.
      </p>
      <Figure label="Filled in all" value={filled} onChange={setFilled} required />
      <Figure label="Average price of all, USD" value={average} onChange={setAverage} />
      <Figure label="Fee of all, USD" value={fee} onChange={setFee} />
      <label className="field">
        What the broker's record shows
        <input required value={reason} onChange={(event) => setReason(event.target.value)} />
      </label>
      <button type="submit" className="danger" disabled={settle.busy}>
        {settle.busy ? "Working…" : "It is over: settle it"}
      </button>
      {settle.error}
    </form>
  );
}
