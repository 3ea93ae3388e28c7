import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { asEngine, eventsOf, handOver, intentOf, NOON, openBooks } from "./money-fixture.ts";
import { applyNow, askForCancel, childOf, exitOfOne, recover, send, startAfresh } from "./reports-fixture.ts";

let db: TestDatabase;
let operator: { email: string; sql: postgres.Sql };

beforeAll(async () => {
  db = await openBooks();
  operator = await db.person("operator");
});
afterAll(() => db.drop());
beforeEach(() => startAfresh(db));

const cancel = async (id: string) =>
  (await operator.sql`select public.request_cancel(${id}, 'enough') as answer`)[0]?.answer;
const shown = async (id: string) => {
  const [row] = await operator.sql`select public.dashboard_orders('paper') as orders`;
  return row?.orders.find((order: { id: string }) => order.id === id);
};

describe("an exit that waits for its next try after a refusal", () => {
  it("is shown with the time of that try, and a cancel ends it", async () => {
    const id = await exitOfOne(db, "SOL-USD");
    await applyNow(db, id, { kind: "refused", reason: "halted" });
    expect(await intentOf(db, id)).toMatchObject({ status: "active" });
    expect(Date.parse((await shown(id)).retry_at) - Date.parse(NOON)).toBe(15_000);
    expect(await cancel(id)).toMatchObject({ status: "rejected", changed: true });
    expect(await intentOf(db, id)).toMatchObject({ status: "canceled" });
    expect(await eventsOf(db, id)).toContain("retry_canceled");
    expect(await shown(id)).toMatchObject({ retry_at: null, cancel_reason_code: "enough" });
    await db.advanceClock(60);
    await recover(db);
    expect(await childOf(db, id)).toBeUndefined();
    expect(await cancel(id)).toMatchObject({ status: "rejected", changed: false });
  });

  it("is not waiting any more once its next order is there", async () => {
    const id = await exitOfOne(db, "AVAX-USD");
    await applyNow(db, id, { kind: "refused" });
    await db.advanceClock(16);
    await recover(db);
    const child = await childOf(db, id);
    expect(await shown(id)).toMatchObject({ retry_at: null });
    expect(await cancel(id)).toMatchObject({ changed: false });
    expect(await cancel(child?.id)).toMatchObject({ status: "canceled", changed: true });
    expect(await intentOf(db, id)).toMatchObject({ status: "canceled" });
  });

  it("is not shown when nothing waits: an order that filled while its parent's fate is unknown", async () => {
    const id = await exitOfOne(db, "BTC-USD", { qty: "0.5" });
    await db.advanceClock(20);
    await applyNow(db, id, { state: "partially_filled", filled_qty: "0.2", average_price: "101" });
    await askForCancel(db, id, "reprice");
    await db.advanceClock(1);
    await applyNow(db, id, { state: "canceled", filled_qty: "0.2", average_price: "101" });
    const child = (await childOf(db, id))?.id;
    await db.advanceClock(1);
    await applyNow(db, id, { state: "working", filled_qty: "0.2", average_price: "101" });
    await send(db, child);
    await applyNow(db, child, { state: "filled", filled_qty: "0.3", average_price: "101" });
    expect(await shown(child)).toMatchObject({ status: "filled", retry_at: null });
    expect(await cancel(child)).toMatchObject({ changed: false });
  });

  it("is not shown as an order that filled, though the rest of its intent still waits for a price", async () => {
    const id = await exitOfOne(db, "ETH-USD", { qty: "0.5", price: "101" });
    await asEngine(
      db,
      (sql) => sql`
        update public.order_intents as i set target_qty = 1 from public.crypto_orders as o where o.id = ${id} and i.id = o.intent_group_id`,
    );
    await db.admin`alter table public.quotes disable trigger user`;
    await db.admin`delete from public.quotes where symbol = 'ETH-USD'`;
    await applyNow(db, id, { state: "filled", filled_qty: "0.5", average_price: "101" });
    expect(await intentOf(db, id)).toMatchObject({ status: "active" });
    expect(await shown(id)).toMatchObject({ status: "filled", retry_at: null });
    expect(await cancel(id)).toMatchObject({ changed: false });
  });

  it("does not concern entries, which end with a refusal", async () => {
    const id = await handOver(db);
    await applyNow(db, id, { kind: "refused" });
    expect(await cancel(id)).toMatchObject({ status: "rejected", changed: false });
    expect(await intentOf(db, id)).toMatchObject({ status: "failed" });
  });
});
