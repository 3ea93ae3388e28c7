import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  applyOne,
  asEngine,
  eventsOf,
  handOver,
  intentOf,
  NOON,
  openAlerts,
  openBooks,
  orderOf,
  quote,
} from "./money-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

afterEach(async () => {
  await asEngine(db, (sql) => sql`update public.config set value = default_value where key = 'kill_switch'`);
  await db.setClock(NOON);
  await quote(db, "99.99", "100.01");
});

const askForCancel = (id: string, reason = "reprice") =>
  asEngine(db, (sql) => sql`select private.cancel_orders(array[${id}::uuid], ${reason}, 'test')`);

const send = (id: string | undefined) =>
  asEngine(
    db,
    (sql) => sql`
      update public.crypto_orders set status = 'submitted', unresolved = true, submitted_at = private.clock() where id = ${id ?? null}`,
  );

const recover = () => asEngine(db, (sql) => sql`select private.recover_intents()`);

const childOf = async (id: string) => {
  const [row] = await db.sql`select * from public.crypto_orders where parent_order_id = ${id}`;
  return row;
};

/** A working order whose cancel for a reprice is under way. */
const repricing = async (wish: Parameters<typeof handOver>[1], filled?: [qty: string, price: string]) => {
  const id = await handOver(db, wish);
  await applyOne(db, id, filled ? { state: "partially_filled", filled_qty: filled[0], average_price: filled[1] } : {});
  await askForCancel(id);
  return id;
};

const closeAll = async () => {
  const live = await db.sql`
    select id, filled_qty, average_price from public.crypto_orders
    where status in ('new', 'submitted', 'working', 'partially_filled', 'cancel_pending')`;
  for (const row of live) {
    await askForCancel(row.id, "operator");
    if ((await orderOf(db, row.id)).status === "canceled") continue;
    await applyOne(db, row.id, { state: "canceled", filled_qty: row.filled_qty, average_price: row.average_price });
  }
};

describe("recovery", () => {
  it("gives an exit its missing order once a price is there, and counts nothing twice", async () => {
    const entry = await handOver(db, { symbol: "BTC-USD", qty: "1", price: "100", mode: "live" });
    await applyOne(db, entry, { state: "filled", filled_qty: "1", average_price: "100" });
    const id = await handOver(db, { symbol: "BTC-USD", side: "sell", qty: "1", price: "101", mode: "live" });
    await db.admin`alter table public.quotes disable trigger user`;
    await db.admin`delete from public.quotes where symbol = 'BTC-USD'`;
    expect((await applyOne(db, id, { state: "canceled" })).child_order_id).toBeUndefined();
    expect((await intentOf(db, id)).status).toBe("active");
    await recover();
    expect(await childOf(id)).toBeUndefined();
    await quote(db, "99.99", "100.01");
    await recover();
    await recover();
    const children = await db.sql`select * from public.crypto_orders where parent_order_id = ${id}`;
    expect(children).toHaveLength(1);
    expect(children[0]).toMatchObject({ limit_price: "100.01", qty: "1", status: "new" });
  });

  it("ends an entry that was to be repriced when no fresh quote is there", async () => {
    await closeAll();
    await asEngine(
      db,
      (sql) =>
        sql`update public.accounts set degraded = false, degraded_reason = null, degraded_since = null where true`,
    );
    const id = await repricing({ symbol: "DOGE-USD", qty: "25", price: "1" });
    await db.advanceClock(120);
    expect((await applyOne(db, id, { state: "canceled" })).child_order_id).toBeUndefined();
    expect((await intentOf(db, id)).status).toBe("canceled");
  });
});

describe("a late fill", () => {
  it("is booked, told, and shrinks a child that was not handed over yet", async () => {
    const id = await repricing({ symbol: "AVAX-USD", qty: "0.25", price: "100" });
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "100" });
    expect((await orderOf(db, answer.child_order_id)).qty).toBe("0.25");
    await applyOne(db, id, { state: "canceled", filled_qty: "0.1", average_price: "100" });
    expect(await orderOf(db, id)).toMatchObject({ status: "canceled", filled_qty: "0.1" });
    expect((await orderOf(db, answer.child_order_id)).qty).toBe("0.15");
    expect(await openAlerts(db)).toContain("late_fill");
    expect(await eventsOf(db, id)).toContain("late_fill");
    const [fill] = await db.sql`select late from public.crypto_fills where order_id = ${id}`;
    expect(fill?.late).toBe(true);
    await closeAll();
  });

  it("of everything fills the order and cancels the child on the spot", async () => {
    const id = await repricing({ symbol: "AVAX-USD", qty: "0.25", price: "100" });
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "100" });
    expect((await applyOne(db, id, { state: "filled", filled_qty: "0.25", average_price: "100" })).status).toBe(
      "filled",
    );
    expect(await orderOf(db, answer.child_order_id)).toMatchObject({
      status: "canceled",
      cancel_reason_code: "late_fill",
    });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("cancels a child that was handed over, and orders the rest when that is proven", async () => {
    const id = await repricing({ symbol: "AVAX-USD", qty: "0.25", price: "100" });
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "100" });
    const child = answer.child_order_id ?? "";
    await send(child);
    await applyOne(db, child);
    await applyOne(db, id, { state: "canceled", filled_qty: "0.1", average_price: "100" });
    expect(await orderOf(db, child)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "late_fill" });
    const second = await applyOne(db, child, { state: "canceled", filled_qty: "0.05", average_price: "100" });
    expect((await orderOf(db, second.child_order_id)).qty).toBe("0.1");
    await closeAll();
    expect((await intentOf(db, id)).status).toBe("partially_filled");
  });

  it("of an intent that had ended raises its status", async () => {
    const id = await handOver(db, { symbol: "AVAX-USD" });
    await applyOne(db, id, { state: "canceled" });
    expect((await intentOf(db, id)).status).toBe("canceled");
    await applyOne(db, id, { state: "canceled", filled_qty: "0.1", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("partially_filled");
    await applyOne(db, id, { state: "filled", filled_qty: "0.25", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("is looked for with back-off as long as LATE_FILL_WATCH_SECONDS, and no longer once the broker has answered after that", async () => {
    const id = await handOver(db, { symbol: "AVAX-USD" });
    await applyOne(db, id, { state: "canceled" });
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      const [row] = await db.sql<{ seconds: number | null }[]>`
        select extract(epoch from next_action_at - private.clock())::integer as seconds from public.crypto_orders where id = ${id}`;
      if (row?.seconds == null) break;
      waits.push(row.seconds);
      await db.advanceClock(row.seconds);
      await applyOne(db, id, { state: "canceled" });
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 120, 25]);
    expect(waits.reduce((sum, wait) => sum + wait)).toBe(300);
  });
});
