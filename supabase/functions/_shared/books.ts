import type { ExecutionReport } from "../../../shared/broker/port.ts";
import type { Mode } from "../../../shared/orders/order.ts";
import { count, type TickRun } from "./run.ts";
import { writeBook } from "./wire/write.ts";

/** Reads the broker's own books into the findings, for reconciliation; half a book is none. Returns the open orders when they are known. */
export const readBooks = async (run: TickRun, mode: Mode): Promise<readonly ExecutionReport[] | null> => {
  const broker = run.broker(mode);
  const askedAt = run.now();
  const open = await broker.listOpenOrders();
  const balances = await broker.balances();
  const holdings = await broker.holdings();
  if (open.ok && balances.ok && holdings.ok) {
    run.findings.books.push(writeBook(mode, askedAt, balances.value, holdings.value, open.value));
  } else {
    count(run.findings, "books_unavailable");
  }
  return open.ok ? open.value : null;
};
