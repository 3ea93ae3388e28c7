import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { applyOne, asEngine, eventsOf, intentOf, openBooks, orderOf, positionOf, reconcile } from "./money-fixture.ts";
import {
  askForCancel,
  backToNoon,
  childOf,
  closeAll,
  exitOfOne,
  proveAbsent,
  recover,
  repricing,
  send,
} from "./reports-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

afterEach(() => backToNoon(db));

describe("the proof of a cancel for a reprice", () => {
  it("creates the child in the same transaction, at the report's price, for what is left", async () => {
    const id = await repricing(db, { qty: "0.25", price: "100" }, ["0.1", "100"]);
    const answer = await applyOne(db, id, {
      state: "canceled",
      filled_qty: "0.1",
      average_price: "100",
      replacement_price: "100.005",
    });
    const child = await orderOf(db, answer.child_order_id);
    expect(child).toMatchObject({
      parent_order_id: id,
      status: "new",
      limit_price: "100",
      replace_count: 1,
      purpose: "entry",
    });
    expect(Number(child.qty)).toBe(0.15);
    expect(child.intent_group_id).toBe((await orderOf(db, id)).intent_group_id);
    expect((await intentOf(db, id)).status).toBe("active");
    expect((await orderOf(db, id)).status).toBe("canceled");
    await closeAll(db);
    expect((await intentOf(db, id)).status).toBe("partially_filled");
  });

  it("spends no more than what is left of the notional at a higher price, rounded down to the increment", async () => {
    const id = await repricing(db, { qty: "0.25", price: "100" }, ["0.1", "100"]);
    const answer = await applyOne(db, id, {
      state: "canceled",
      filled_qty: "0.1",
      average_price: "100",
      replacement_price: "110",
    });
    const child = await orderOf(db, answer.child_order_id);
    expect(child.qty).toBe("0.13636363");
    await closeAll(db);
  });

  it("takes the touch of the last quote when the report brings no price", async () => {
    const id = await repricing(db, { qty: "0.25", price: "100" });
    const answer = await applyOne(db, id, { state: "canceled" });
    expect((await orderOf(db, answer.child_order_id)).limit_price).toBe("99.99");
    await closeAll(db);
  });

  it("ends the intent partially filled when the rest is below the minimum", async () => {
    const id = await repricing(db, { qty: "0.25", price: "100" }, ["0.245", "100"]);
    const answer = await applyOne(db, id, {
      state: "canceled",
      filled_qty: "0.245",
      average_price: "100",
      replacement_price: "100",
    });
    expect(answer.child_order_id).toBeUndefined();
    expect((await intentOf(db, id)).status).toBe("partially_filled");
  });

  it("re-runs the guards: a kill since then ends the entry, and says so in its log", async () => {
    const id = await repricing(db, { qty: "0.25", price: "100" });
    await asEngine(db, (sql) => sql`update public.config set value = 'true' where key = 'kill_switch'`);
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "100" });
    expect(answer.child_order_id).toBeUndefined();
    expect((await intentOf(db, id)).status).toBe("canceled");
  });

  it("re-runs the money guards: a limit lowered since then ends the entry", async () => {
    const id = await repricing(db, { qty: "0.25", price: "100" });
    await db.sql`update public.config set value = '10' where key = 'MAX_NOTIONAL_PER_TRADE'`;
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "100" });
    await db.sql`update public.config set value = '1000000' where key = 'MAX_NOTIONAL_PER_TRADE'`;
    expect(answer.child_order_id).toBeUndefined();
    expect(await eventsOf(db, id)).toContain("replacement_denied");
    expect((await intentOf(db, id)).status).toBe("canceled");
  });

  it("counts attempts up to the maximum, notes when it was reached, and lets the count stand after it", async () => {
    let id = await exitOfOne(db, "ETH-USD");
    const counts: number[] = [];
    for (let n = 0; n < 5; n++) {
      await applyOne(db, id);
      await askForCancel(db, id);
      const answer = await applyOne(db, id, { state: "canceled", replacement_price: "101" });
      id = answer.child_order_id ?? "";
      const child = await orderOf(db, id);
      counts.push(child.replace_count);
      expect((await intentOf(db, id)).max_reached_at !== null).toBe(child.replace_count >= 3);
      await send(db, id);
    }
    expect(counts).toEqual([1, 2, 3, 3, 3]);
    await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "101" });
    expect((await intentOf(db, id)).status).toBe("filled");
    expect((await positionOf(db, "ETH-USD"))?.qty).toBe("0");
  });
});

describe("an exit", () => {
  it("that the broker cancels or expires by itself is ordered again for the rest", async () => {
    const id = await exitOfOne(db, "SOL-USD");
    const first = await applyOne(db, id, { state: "expired", filled_qty: "0.4", average_price: "101" });
    expect(await orderOf(db, first.child_order_id)).toMatchObject({ qty: "0.6", limit_price: "100.01" });
    await send(db, first.child_order_id);
    const second = await applyOne(db, first.child_order_id ?? "", { state: "canceled" });
    expect(second.child_order_id).toMatch(/^[0-9a-f-]{36}$/);
    await send(db, second.child_order_id);
    await applyOne(db, second.child_order_id ?? "", { state: "filled", filled_qty: "0.6", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("that was proven absent is ordered again at once; a stop-loss below the bid", async () => {
    const id = await exitOfOne(db, "SOL-USD", { price: "99", urgency: "stop_loss" });
    await proveAbsent(db, id);
    const child = await childOf(db, id);
    expect(child).toMatchObject({ status: "new", urgency: "stop_loss", limit_price: "99.8" });
    await send(db, child?.id);
    await applyOne(db, child?.id, { state: "filled", filled_qty: "1", average_price: "99.8" });
  });

  it("that is a stop-loss stays marketable on a grid coarser than the cap", async () => {
    const id = await exitOfOne(db, "SOL-USD", { price: "99", urgency: "stop_loss" });
    await db.sql`update public.instruments set price_increment = 1 where symbol = 'SOL-USD'`;
    const { child_order_id: child } = await applyOne(db, id, { state: "expired" });
    await db.sql`update public.instruments set price_increment = 0.01 where symbol = 'SOL-USD'`;
    expect(await orderOf(db, child)).toMatchObject({ urgency: "stop_loss", limit_price: "99" });
    await send(db, child);
    await applyOne(db, child ?? "", { state: "filled", filled_qty: "1", average_price: "99" });
  });

  it("that the broker refuses is not abandoned: it is tried again with back-off", async () => {
    const id = await exitOfOne(db, "AVAX-USD");
    await applyOne(db, id, { kind: "refused", reason: "try later" });
    expect((await intentOf(db, id)).status).toBe("active");
    await recover(db);
    expect(await childOf(db, id)).toBeUndefined();
    await db.advanceClock(16);
    await recover(db);
    const child = await childOf(db, id);
    expect(child).toMatchObject({ status: "new", qty: "1" });
    await send(db, child?.id);
    await applyOne(db, child?.id, { kind: "refused", reason: "try later" });
    await db.advanceClock(16);
    await recover(db);
    expect(await childOf(db, child?.id)).toBeUndefined();
    await db.advanceClock(15);
    await recover(db);
    const next = await childOf(db, child?.id);
    await send(db, next?.id);
    await applyOne(db, next?.id, { state: "filled", filled_qty: "1", average_price: "100" });
  });

  it("that an operator cancels ends, whatever is left", async () => {
    const id = await exitOfOne(db, "DOGE-USD");
    await applyOne(db, id);
    await askForCancel(db, id, "operator");
    expect((await applyOne(db, id, { state: "canceled" })).child_order_id).toBeUndefined();
    expect((await intentOf(db, id)).status).toBe("canceled");
  });

  it("sells no more than the broker confirms while the books disagree", async () => {
    const id = await exitOfOne(db, "ETH-USD");
    await applyOne(db, id);
    await db.advanceClock(60);
    const books = async () => {
      const [row] = await db.sql<{ cash: string; holdings: Record<string, string> }[]>`
        select a.cash::text, (select coalesce(jsonb_object_agg(symbol, qty::text), '{}') from public.positions where mode = 'paper' and qty > 0) as holdings
        from public.accounts as a where a.mode = 'paper'`;
      return { cash: row?.cash, holdings: { ...row?.holdings, "ETH-USD": "0.3" } };
    };
    expect((await reconcile(db, await books())).status).toBe("suspect");
    await db.advanceClock(10);
    expect((await reconcile(db, await books())).status).toBe("degraded");
    await askForCancel(db, id);
    const answer = await applyOne(db, id, { state: "canceled", replacement_price: "101" });
    expect((await orderOf(db, answer.child_order_id)).qty).toBe("0.3");
  });
});
