import { expect, it } from "vitest";
import { canBeCanceled, isOpen } from "./order-state.ts";
import type { Order } from "./orders-query.ts";

const pending = (cancel_reason_code: string | null) =>
  canBeCanceled({ status: "cancel_pending", cancel_reason_code, unresolved: false, retry_at: null } as Order);

it("a person can stop an order that the engine cancels only to order the rest, and asks for no other cancel twice", () => {
  expect(["reprice", "late_fill", "back_from_absent", "vanished"].map(pending)).toEqual([true, true, true, true]);
  expect(["operator_dashboard", "kill_switch", "manual_sql"].map(pending)).toEqual([false, false, false]);
});

it("a refused exit that waits for its next try counts as open and can be stopped", () => {
  const refused = { status: "rejected", cancel_reason_code: null, unresolved: false, retry_at: null } as Order;
  const waiting = { ...refused, retry_at: "2026-01-01T12:00:15Z" };
  expect([refused, waiting].map(isOpen)).toEqual([false, true]);
  expect([refused, waiting].map(canBeCanceled)).toEqual([false, true]);
});
