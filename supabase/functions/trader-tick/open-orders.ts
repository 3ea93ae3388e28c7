import { each } from "../_shared/each.ts";
import { count, type TickRun } from "../_shared/run.ts";
import { writeReport } from "../_shared/wire/write.ts";

/**
 * Asks the broker how the live orders stand, so that a fill is booked before the next decision and not only at the
 * order's TTL. What it says is a report like any other; silence and absence are left to the reposition tick, which
 * holds the lease that proving them takes, and so is a reprice: its proof must come with the child's price.
 */
export const reportOpenOrders = async (run: TickRun): Promise<void> => {
  const { mode, openOrders } = run.work;
  const handedOver = openOrders.filter(
    ({ status, cancelReasonCode }) => status !== "new" && cancelReasonCode !== "reprice",
  );
  if (mode === null || handedOver.length === 0) return;
  const broker = run.broker(mode);
  const open = await broker.listOpenOrders();
  if (!open.ok) return;
  const standing = new Map(open.value.map((report) => [report.clientOrderId, report]));
  const reports = await each(handedOver, run.concurrency, async (order) => {
    const listed = standing.get(order.id);
    if (listed !== undefined) return listed;
    const found = await broker.getOrder(order.id);
    return found.ok ? found.value : null;
  });
  for (const report of reports) {
    if (report !== null) run.findings.reports.push(writeReport({ id: report.clientOrderId, leaseToken: null }, report));
  }
  count(run.findings, "orders_checked", handedOver.length);
};
