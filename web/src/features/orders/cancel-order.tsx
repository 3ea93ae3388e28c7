import { useQueryClient } from "@tanstack/react-query";
import { price, quantity } from "../../lib/format.ts";
import { callRpc } from "../../lib/rpc.ts";
import { Confirm } from "../../ui/confirm.tsx";
import type { Order } from "./orders-query.ts";

/** Asks whether an order shall be canceled, and asks the broker for it. */
export function CancelOrder({ order, onClose }: { order: Order; onClose: () => void }) {
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
