import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { tickRpc } from "../support/tick-rpc.ts";
import { accepted, entry } from "./guards-fixture.ts";
import { applyOne, handOver, openBooks, orderOf } from "./money-fixture.ts";
import { askForCancel } from "./reports-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openBooks();
});
afterAll(() => db.drop());

interface Timeline {
  intent: { id: string; status: string; symbol: string };
  orders: { id: string; parent_order_id: string | null; replace_count: number; events: Record<string, unknown>[] }[];
}

async function timelineOf(intentGroupId: string): Promise<Timeline> {
  const [row] = await db.sql<{ story: Timeline }[]>`select public.order_timeline(${intentGroupId}) as story`;
  if (!row) throw new Error("no story");
  return row.story;
}

describe("order_timeline", () => {
  it("tells a chain in order: who did what, from, to, price, quantity, reason and trace id, of parent and child", async () => {
    const id = await handOver(db, { qty: "0.25", price: "100" });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.1", average_price: "99.5" });
    await askForCancel(db, id, "reprice");
    const ticks = tickRpc(db);
    const run = await ticks.start("reposition-tick");
    const proof = {
      order_id: id,
      kind: "report",
      state: "canceled",
      filled_qty: "0.1",
      average_price: "99.5",
      fee: "0",
      observed_at: run.now,
      lease_token: run.work.orders[0]?.lease_token,
      replacement_price: "100",
    };
    await ticks.finish(run, { outcome: "ok", reports: [proof] });
    const { intent, orders } = await timelineOf((await orderOf(db, id)).intent_group_id);
    expect(intent).toMatchObject({ status: "active", symbol: "BTC-USD" });
    expect(orders.map(({ parent_order_id, replace_count }) => [parent_order_id, replace_count])).toEqual([
      [null, 0],
      [id, 1],
    ]);
    const fields = [
      "actor",
      "event_type",
      "from_status",
      "to_status",
      "price",
      "qty",
      "filled_qty",
      "reason",
      "trace_id",
    ];
    const told = orders.map(({ events }) => events.map((event) => fields.map((field) => event[field])));
    const trace = run.run_id;
    expect(told).toEqual([
      [
        ["sql:postgres", "created", null, "new", "100", "0.25", "0", "entry", null],
        ["sql:postgres", "submitted", "new", "submitted", "100", "0.25", "0", null, null],
        ["broker", "partially_filled", "submitted", "partially_filled", "99.5", "0.25", "0.1", null, null],
        ["test", "cancel_pending", "partially_filled", "cancel_pending", "99.5", "0.25", "0.1", "reprice", null],
        ["broker", "canceled", "cancel_pending", "canceled", "99.5", "0.25", "0.1", "reprice", trace],
      ],
      [["broker", "created", null, "new", "100", "0.15", "0", `replaces ${id}`, trace]],
    ]);
  });

  it("gives what is done outside of a tick the trace of its intent", async () => {
    const id = await accepted(db, entry({ symbol: "ETH-USD" }));
    await db.sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
    const { intent, orders } = await timelineOf((await orderOf(db, id)).intent_group_id);
    expect(orders[0]?.events.map(({ to_status, trace_id }) => [to_status, trace_id])).toEqual([
      ["new", intent.id],
      ["canceled", intent.id],
    ]);
  });
});
