import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { tickRpc } from "../support/tick-rpc.ts";
import { exit, NOON, submit } from "./guards-fixture.ts";
import { applyOne, handOver, openAlerts, quote, type Report, reconcile } from "./money-fixture.ts";

const SOL = "SOL-USD";
let db: TestDatabase;

/** What our account at the broker holds beside the coins of others. */
const books = (sol: string, change: Report = {}) => ({ cash: "99900", holdings: { [SOL]: sol }, ...change });

beforeEach(async () => {
  db = await testDatabase();
  await db.setClock(NOON);
  await quote(db, "99.99", "100.01");
  await db.sql`update public.config set value = '1000' where key in ('MAX_NOTIONAL_PER_TRADE', 'MAX_DAILY_NOTIONAL')`;
  return () => db.drop();
});

/** Opens the books over some foreign SOL and buys one. */
const buyOneBeside = async (foreign: string) => {
  await reconcile(db, { cash: "100000", holdings: { [SOL]: foreign } });
  const id = await handOver(db, { symbol: SOL, qty: "1", price: "100" });
  await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100" });
  await db.advanceClock(60);
};

/** Lets the broker's books say the same until the system is degraded by it. */
const degradeWith = async (sol: string) => {
  for (const status of ["suspect", "degraded"]) {
    await db.advanceClock(60);
    expect((await reconcile(db, books(sol))).status).toBe(status);
  }
  await quote(db, "90", "90.02");
};

const stop = (qty: string) => exit({ symbol: SOL, qty, limit_price: "89.8", metadata: { urgency: "stop_loss" } });

const freeQty = async () => {
  const ticks = tickRpc(db);
  const run = await ticks.start("trader-tick");
  await ticks.finish(run);
  return (run.work.positions as { free_qty: string }[])[0]?.free_qty;
};

describe("coins that were sold elsewhere", () => {
  it("leave a stop-loss of ours accepted: five foreign ones are gone, and our one is there", async () => {
    await buyOneBeside("5");
    expect((await reconcile(db, books("6"))).status).toBe("ok");
    await degradeWith("1");
    expect(await openAlerts(db)).toContain("degraded");
    const [account] = await db.sql`select degraded_reason from public.accounts where mode = 'paper'`;
    expect(account?.degraded_reason).toBe("SOL-USD at the broker differs by -5 (tolerance 0.000001)");
    expect(await freeQty()).toBe("1");
    expect(await submit(db, stop("1"))).toMatchObject({ status: "accepted" });
  });

  it("are taken from what was never ours first: of two left beside us one is ours to sell, and no more", async () => {
    await buyOneBeside("5");
    await degradeWith("2");
    expect(await submit(db, stop("1.5"))).toMatchObject({ code: "EXCEEDS_POSITION", evidence: { sellable: "1" } });
    expect(await submit(db, stop("1"))).toMatchObject({ status: "accepted" });
  });

  it("of ours are not sold again: the refusal names what is sellable, the engine is told it, and then it is sold", async () => {
    await buyOneBeside("5");
    await degradeWith("0.4");
    expect(await submit(db, stop("1"))).toMatchObject({
      code: "EXCEEDS_POSITION",
      evidence: { confirmed_by_broker: "0.4", sellable: "0.4" },
    });
    expect(await freeQty()).toBe("0.4");
    expect(await submit(db, stop("0.4"))).toMatchObject({ status: "accepted" });
  });

  it("within tolerance, which degrades nothing, make the exit so much smaller, or the broker would refuse it for ever", async () => {
    await buyOneBeside("0");
    expect((await reconcile(db, books("0.9999995"))).status).toBe("ok");
    expect(await freeQty()).toBe("0.9999995");
    expect(await submit(db, stop("1"))).toMatchObject({ evidence: { sellable: "0.9999995" } });
  });
});

describe("the broker's books", () => {
  beforeEach(() => buyOneBeside("0"));
  afterEach(async () => expect(await db.sql`select degraded from public.accounts where degraded`).toEqual([]));

  const beat = async () => {
    const [row] = await db.sql`
      select status, details ->> 'detail' as detail from public.health_heartbeat where component = 'reconciliation' and mode = 'paper'`;
    return row;
  };

  it.each([
    ["cash", null, "cash is missing"],
    ["cash", [], "cash is no amount"],
    ["holdings", undefined, "holdings are missing"],
    ["holdings", null, "holdings are missing"],
    ["holdings", [], "holdings are no object of quantities by symbol"],
    ["holdings", { [SOL]: null }, "a holding is no quantity"],
    ["holdings", { [SOL]: "-1" }, "a holding is no quantity"],
    ["open_orders", null, "open_orders are missing"],
    ["open_orders", undefined, "open_orders are missing"],
    ["open_orders", {}, "open_orders are no list"],
    ["open_orders", [{ symbol: SOL }], "an open order has no id"],
    ["observed_at", null, "observed_at is missing"],
  ])("with half of them missing are refused by name: %s %j", async (part, value, sentence) => {
    for (let minute = 0; minute < 3; minute += 1) {
      await db.advanceClock(60);
      const reason = `the broker's books are refused: ${sentence}`;
      expect(await reconcile(db, books("1", { [part]: value }))).toEqual({ mode: "paper", status: "skipped", reason });
      expect(await beat()).toEqual({ status: "error", detail: reason });
    }
    expect(await openAlerts(db)).toContain("books_refused");
    expect(await submit(db, stop("1"))).toMatchObject({ status: "accepted" });
    expect((await reconcile(db, books("1"))).status).toBe("ok");
    expect(await openAlerts(db)).not.toContain("books_refused");
  });

  it("that are empty, but given, are books", async () => {
    expect((await reconcile(db, { cash: "99900", holdings: {}, open_orders: [] })).status).toBe("suspect");
    expect((await reconcile(db, books("1"))).status).toBe("ok");
  });

  it("that are dated ahead are refused by name, and those of the next minutes are compared", async () => {
    const ahead = (seconds: number) => new Date(Date.parse(NOON) + 60_000 + seconds * 1000).toISOString();
    expect(await reconcile(db, books("1", { observed_at: ahead(21_600) }))).toEqual({
      mode: "paper",
      status: "skipped",
      reason: "the broker's books are refused: observed_at is 21600 s ahead of the clock; 5 s are let pass",
    });
    expect((await reconcile(db, books("1", { observed_at: ahead(6) }))).status).toBe("skipped");
    expect((await reconcile(db, books("1", { observed_at: ahead(5) }))).status).toBe("ok");
    await db.advanceClock(1);
    expect((await reconcile(db, books("1"))).status).toBe("ok");
    await db.advanceClock(60);
    expect((await reconcile(db, books("1"))).status).toBe("ok");
  });
});
