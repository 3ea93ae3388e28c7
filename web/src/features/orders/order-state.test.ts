import { expect, it } from "vitest";
import { canBeCanceled } from "./order-state.ts";
import type { Order } from "./orders-query.ts";

const pending = (cancel_reason_code: string | null) =>
  canBeCanceled({ status: "cancel_pending", cancel_reason_code, unresolved: false } as Order);

it("a person can stop an order that the engine cancels only to order the rest, and asks for no other cancel twice", () => {
  expect(["reprice", "late_fill", "back_from_absent"].map(pending)).toEqual([true, true, true]);
  expect(["operator_dashboard", "kill_switch", "manual_sql"].map(pending)).toEqual([false, false, false]);
});
