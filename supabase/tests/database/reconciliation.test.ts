import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { testDatabase } from "../support/database.ts";
import {
  applyOne,
  brokerFill,
  cashOf,
  handOver,
  NOON,
  openAlerts,
  openBooks,
  quote,
  reconcile,
} from "./money-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

const events = (mode = "paper") =>
  db.sql`select * from public.crypto_reconciliation_events where mode = ${mode} order by id`;

const account = async (mode = "paper") => {
  const [row] = await db.sql`select * from public.accounts where mode = ${mode}`;
  return row;
};

/** Buys at once and returns the order's id; the fill is executed at the clock's present. */
const buy = async (symbol: string, qty: string, price: string, mode = "paper") => {
  const id = await handOver(db, { symbol, qty, price, mode });
  const [row] = await db.sql<{ now: Date }[]>`select private.clock() as now`;
  const now = row?.now.toISOString();
  await applyOne(db, id, {
    state: "filled",
    filled_qty: qty,
    average_price: price,
    observed_at: now,
    fills: [{ ...brokerFill(`${id}-f`, qty, price), executed_at: now }],
  });
  return id;
};

describe("the first reconciliation", () => {
  it("opens the ledger with the broker's cash, once", async () => {
    const rows = await db.sql`select mode, kind, amount from public.cash_ledger order by id`;
    expect(rows.map((row) => [row.mode, row.kind, row.amount])).toEqual([
      ["paper", "opening", "2000"],
      ["live", "opening", "2000"],
    ]);
    await db.advanceClock(60);
    expect(await reconcile(db, { cash: "2000" })).toEqual({ mode: "paper", status: "ok" });
    expect(await db.sql`select id from public.cash_ledger where kind = 'opening'`).toHaveLength(2);
    expect((await account())?.opened_at.toISOString()).toBe("2026-03-01T12:00:00.000Z");
  });

  it("notes what the broker held before us: shown, expected to stay, never a position", async () => {
    const other = await testDatabase();
    await other.setClock(NOON);
    expect((await reconcile(other, { cash: "500", holdings: { "BTC-USD": "0.5", "XYZ-USD": "3" } })).status).toBe("ok");
    await other.advanceClock(60);
    expect((await reconcile(other, { cash: "500", holdings: { "BTC-USD": "0.5", "XYZ-USD": "3" } })).status).toBe("ok");
    const alerts =
      await other.sql`select key, count from public.alerts where kind = 'unknown_holding' and resolved_at is null order by key`;
    expect(alerts.map((alert) => [alert.key, alert.count])).toEqual([
      ["BTC-USD", 1],
      ["XYZ-USD", 1],
    ]);
    expect(await other.sql`select * from public.positions`).toHaveLength(0);
    await other.advanceClock(60);
    expect((await reconcile(other, { cash: "500", holdings: { "BTC-USD": "0.2", "XYZ-USD": "3" } })).status).toBe(
      "suspect",
    );
    await other.drop();
  });
});

describe("a reconciliation", () => {
  beforeEach(async () => {
    await db.advanceClock(60);
    await quote(db, "99.99", "100.01");
  });

  it("over the same facts writes no second event but refreshes when it was seen", async () => {
    await reconcile(db, { cash: "2000" });
    const before = await events();
    await db.advanceClock(60);
    await reconcile(db, { cash: "2000.00" });
    const after = await events();
    expect(after).toHaveLength(before.length);
    expect(after.at(-1)?.last_seen_at.getTime()).toBe(before.at(-1)?.last_seen_at.getTime() + 60_000);
    expect(after.at(-1)?.taken_at).toEqual(before.at(-1)?.taken_at);
  });

  it("lets differences within tolerance pass, and shows them", async () => {
    expect((await reconcile(db, { cash: "1998.1" })).status).toBe("ok");
    expect((await events()).at(-1)).toMatchObject({
      status: "ok",
      cash_diff: "-1.9",
      cash_tolerance: "2.0",
      qty_tolerance: "0.000001",
    });
    await db.advanceClock(1);
    expect((await reconcile(db, { cash: "2000", holdings: { "BTC-USD": "0.000001" } })).status).toBe("ok");
    expect((await events()).at(-1)?.holdings_diff).toEqual({ "BTC-USD": "0.000001" });
  });

  it("is suspect at first, degraded when seen again ten seconds later, and ends when the books agree", async () => {
    expect(await reconcile(db, { cash: "1990" })).toEqual({
      mode: "paper",
      status: "suspect",
      reason: "cash at the broker differs by -10 USD (tolerance 2.0)",
    });
    expect((await account())?.degraded).toBe(false);
    await db.advanceClock(9);
    expect((await reconcile(db, { cash: "1990" })).status).toBe("suspect");
    expect((await events()).filter((event) => event.status === "suspect" && event.broker_cash === "1990")).toHaveLength(
      1,
    );
    await db.advanceClock(1);
    expect((await reconcile(db, { cash: "1990" })).status).toBe("degraded");
    expect(await account()).toMatchObject({
      degraded: true,
      degraded_reason: "cash at the broker differs by -10 USD (tolerance 2.0)",
    });
    expect(await openAlerts(db)).toContain("degraded");
    const [state] = await db.sql`select private.trading_state('paper') as state`;
    expect(state?.state.state).toBe("reducing");
    const count = (await events()).length;
    await db.advanceClock(60);
    await reconcile(db, { cash: "1990" });
    expect(await events()).toHaveLength(count);
    expect((await reconcile(db, { cash: "2000" })).status).toBe("ok");
    expect((await account())?.degraded).toBe(false);
    expect(await openAlerts(db)).not.toContain("degraded");
  });

  it("finds a holding that is off by more than its tolerance, in either direction", async () => {
    await buy("ETH-USD", "1", "100", "live");
    await db.advanceClock(5);
    for (const qty of ["0.99999", "1.00001"]) {
      const verdict = await reconcile(db, { cash: "1900", holdings: { "ETH-USD": qty } }, "live");
      expect([verdict.status, verdict.reason?.slice(0, 32)]).toEqual(["suspect", `ETH-USD at the broker differs by`]);
      await db.advanceClock(1);
      expect((await reconcile(db, { cash: "1900", holdings: { "ETH-USD": "1" } }, "live")).status).toBe("ok");
      await db.advanceClock(1);
    }
    expect((await events("live")).at(-1)).toMatchObject({
      local_holdings: { "ETH-USD": "1" },
      broker_holdings: { "ETH-USD": "1" },
      holdings_diff: {},
    });
  });

  it("is not degraded by a mismatch when a fill was booked in between", async () => {
    expect((await reconcile(db, { cash: "1900" })).status).toBe("suspect");
    await db.advanceClock(20);
    await buy("SOL-USD", "0.1", "100");
    await db.advanceClock(5);
    expect((await reconcile(db, { cash: "1900", holdings: { "SOL-USD": "0.1" } })).status).toBe("suspect");
    await db.advanceClock(10);
    expect((await reconcile(db, { cash: "1900", holdings: { "SOL-USD": "0.1" } })).status).toBe("degraded");
    expect((await reconcile(db, { cash: "1990", holdings: { "SOL-USD": "0.1" } })).status).toBe("ok");
  });

  it("proves nothing with books that were read before a fill, or that are older than the last ones", async () => {
    const [row] = await db.sql<{ now: Date }[]>`select private.clock() as now`;
    await db.advanceClock(3);
    await buy("SOL-USD", "0.1", "100");
    const count = (await events()).length;
    expect(
      await reconcile(db, { cash: "1990", holdings: { "SOL-USD": "0.1" }, observed_at: row?.now.toISOString() }),
    ).toMatchObject({
      status: "skipped",
      reason: "a fill came after the broker's books were read",
    });
    await db.advanceClock(3);
    expect((await reconcile(db, { cash: "1980", holdings: { "SOL-USD": "0.2" } })).status).toBe("ok");
    expect((await reconcile(db, { cash: "1990", observed_at: row?.now.toISOString() })).status).toBe("skipped");
    expect(await events()).toHaveLength(count + 1);
  });

  it("answers books that can't be read as skipped, and its heartbeat says so", async () => {
    for (const book of [
      { cash: "NaN" },
      { cash: null },
      { cash: "2000", holdings: { "BTC-USD": "lots" } },
      { cash: "2000", observed_at: "now-ish" },
    ]) {
      expect((await reconcile(db, book)).status).toBe("skipped");
    }
    const [beat] =
      await db.sql`select status from public.health_heartbeat where component = 'reconciliation' and mode = 'paper'`;
    expect(beat?.status).toBe("error");
  });
});

describe("cash_ledger", () => {
  it("always adds up to the account's cash", async () => {
    const { cash, ledger } = await cashOf(db);
    expect(cash).toBe(ledger);
  });
});
