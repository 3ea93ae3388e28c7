import { useQueryClient } from "@tanstack/react-query";
import { price, quantity, words } from "../../lib/format.ts";
import { callRpc } from "../../lib/rpc.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { waits } from "./order-state.ts";
import type { Order } from "./orders-query.ts";

interface CancelAnswer {
  readonly status: string;
  /** False when the order was final, or its cancel had been asked for already. */
  readonly changed: boolean;
}

/** Asks whether an order shall be canceled, and asks the broker for it; says so when there was nothing left to cancel. */
export function CancelOrder({ order, onClose }: { order: Order; onClose: () => void }) {
  const queries = useQueryClient();
  const cancel = async () => {
    const args = { order_id: order.id, reason: "operator_dashboard" };
    const { status, changed } = await callRpc<CancelAnswer>("request_cancel", args);
    await queries.invalidateQueries({ queryKey: ["orders"] });
    if (!changed) throw new Error(`The order is ${words(status)} already: nothing was changed.`);
  };
  return (
    <Confirm
      title={`Cancel ${order.side} ${order.symbol}?`}
      confirm={waits(order) ? "Do not try again" : "Cancel the order"}
      danger
      onConfirm={cancel}
      onClose={onClose}
    >
      {waits(order) ? (
        <p>
          It is {words(order.status)} and waits for its next try: {order.last_error ?? "no reason given"}. Nothing of it
          is at the broker. After this, this exit is not tried again; while something is held, the engine or a kill
          switch that flattens may still decide on another.
        </p>
      ) : (
        <p>
          {quantity(order.remaining_qty)} at {price(order.limit_price)} is asked back from the broker. The order shows
          “cancel pending” until the broker has proven it; a fill that comes first is booked.
        </p>
      )}
    </Confirm>
  );
}
