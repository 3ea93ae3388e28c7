import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  apply,
  applyOne,
  asEngine,
  handOver,
  intentOf,
  openAlerts,
  openBooks,
  orderOf,
  quote,
  report,
} from "./money-fixture.ts";

let db: TestDatabase;
let id: string;
const symbols = ["BTC-USD", "ETH-USD", "SOL-USD", "AVAX-USD"];

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

beforeEach(async () => {
  await asEngine(db, (sql) => sql`update public.alerts set resolved_at = private.clock() where resolved_at is null`);
});

const entryIn = async (symbol: string | undefined) => {
  id = await handOver(db, { symbol: symbol ?? "BTC-USD" });
  return id;
};

const secondsAhead = async () => {
  const [row] = await db.sql<{ seconds: number }[]>`
    select extract(epoch from next_action_at - private.clock())::integer as seconds from public.crypto_orders where id = ${id}`;
  return row?.seconds;
};

/** A report observed at the database's own present. */
const now = async (change: Record<string, unknown>) => {
  const [row] = await db.sql<{ now: Date }[]>`select private.clock() as now`;
  const [answer] = await apply(db, report(id, { observed_at: row?.now.toISOString(), ...change }));
  return answer;
};

const askForCancel = (reason: string) =>
  asEngine(db, (sql) => sql`select private.cancel_orders(array[${id}::uuid], ${reason}, 'test')`);

describe("a refusal", () => {
  it("of the placement rejects the order and fails the entry", async () => {
    await entryIn(symbols[0]);
    expect(await now({ kind: "refused", reason: "insufficient buying power" })).toMatchObject({ status: "rejected" });
    const row = await orderOf(db, id);
    expect([row.unresolved, row.reject_reason, row.next_action_at]).toEqual([false, "insufficient buying power", null]);
    expect((await intentOf(db, id)).status).toBe("failed");
    expect((await now({ kind: "refused" }))?.result).toBe("unchanged");
  });

  it("of the placement that comes when the order works already is told and changes nothing", async () => {
    await entryIn(symbols[0]);
    await now({});
    await db.advanceClock(1);
    expect(await now({ kind: "refused" })).toMatchObject({ result: "unchanged", status: "working" });
    expect(await openAlerts(db)).toContain("contradictory_report");
    await db.advanceClock(1);
    await now({ state: "canceled" });
  });

  it("of the placement also ends an order whose cancel was asked for meanwhile", async () => {
    await entryIn(symbols[0]);
    await askForCancel("operator");
    expect(await now({ kind: "refused" })).toMatchObject({ status: "rejected" });
    expect((await intentOf(db, id)).status).toBe("canceled");
  });

  it("of a cancel puts the order back to work, partially filled if it was", async () => {
    await entryIn(symbols[0]);
    await now({});
    await askForCancel("reprice");
    expect(await now({ kind: "cancel_refused", reason: "too late" })).toMatchObject({ status: "working" });
    expect(await secondsAhead()).toBe(60);
    await askForCancel("operator");
    await db.advanceClock(1);
    await now({ state: "partially_filled", filled_qty: "0.1", average_price: "100" });
    expect(await now({ kind: "cancel_refused" })).toMatchObject({ status: "partially_filled" });
    expect(await secondsAhead()).toBe(5);
    expect((await orderOf(db, id)).cancel_reason_code).toBeNull();
    expect((await now({ kind: "cancel_refused" }))?.result).toBe("unchanged");
    await db.advanceClock(1);
    await now({ state: "canceled", filled_qty: "0.1", average_price: "100" });
  });
});

describe("a cancel", () => {
  it("is pending until proven: an accepted request and a report that it still works prove nothing", async () => {
    await quote(db, "99.99", "100.01");
    await entryIn(symbols[0]);
    await now({});
    await askForCancel("operator");
    expect(await now({ kind: "cancel_requested" })).toMatchObject({ result: "unchanged", status: "cancel_pending" });
    await db.advanceClock(2);
    expect(await now({})).toMatchObject({ status: "cancel_pending" });
    for (let n = 0; n < 8; n++) await now({ kind: "unavailable" });
    expect(await orderOf(db, id)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "operator" });
    await db.advanceClock(2);
    expect(await now({ state: "canceled" })).toMatchObject({ status: "canceled" });
    expect((await intentOf(db, id)).status).toBe("canceled");
  });

  it("that loses the race against a fill books the fill", async () => {
    await entryIn(symbols[0]);
    await applyOne(db, id);
    await askForCancel("kill_switch");
    expect(await now({ state: "filled", filled_qty: "0.25", average_price: "100" })).toMatchObject({
      status: "filled",
    });
    expect((await intentOf(db, id)).status).toBe("filled");
  });

  it("with a part filled ends its intent partially filled, and for want of attempts exhausted", async () => {
    await entryIn(symbols[0]);
    await now({ state: "partially_filled", filled_qty: "0.1", average_price: "100" });
    await askForCancel("liquidity_guard");
    await db.advanceClock(1);
    await now({ state: "canceled", filled_qty: "0.1", average_price: "100" });
    expect((await intentOf(db, id)).status).toBe("partially_filled");
    await entryIn(symbols[0]);
    await now({});
    await askForCancel("max_reprices");
    await db.advanceClock(1);
    await now({ state: "canceled" });
    expect((await intentOf(db, id)).status).toBe("exhausted");
  });
});
