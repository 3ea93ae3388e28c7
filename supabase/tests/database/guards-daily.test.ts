import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  accepted,
  asEngine,
  entry,
  exit,
  hold,
  moveOrder,
  openMarket,
  passTime,
  setKnob,
  submit,
} from "./guards-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openMarket();
});
afterEach(() => db.drop());

const fillToday = (amount: string) =>
  asEngine(db, (sql) => sql`update public.accounts set day_notional = day_notional + ${amount} where mode = 'paper'`);

describe("MAX_DAILY_NOTIONAL", () => {
  it("counts what was filled and what is still open, to the cent", async () => {
    await fillToday("20");
    await accepted(db, entry({ notional: "10" }));
    expect(await submit(db, entry({ symbol: "ETH-USD", notional: "20.01" }))).toMatchObject({
      code: "MAX_DAILY_NOTIONAL",
      evidence: { day: "2026-03-01", filled: "20", open: "10", notional: "20.01", limit: "50" },
    });
    expect(await submit(db, entry({ symbol: "ETH-USD", notional: "20" }))).toMatchObject({ status: "accepted" });
  });

  it("gives back what was canceled", async () => {
    const first = await accepted(db, entry());
    await accepted(db, entry({ symbol: "ETH-USD" }));
    expect(await submit(db, entry({ symbol: "SOL-USD" }))).toMatchObject({ code: "MAX_DAILY_NOTIONAL" });
    await moveOrder(db, first, "submitted", "cancel_pending");
    expect(await submit(db, entry({ symbol: "SOL-USD" })), "not before proof").toMatchObject({
      code: "MAX_DAILY_NOTIONAL",
    });
    await moveOrder(db, first, "canceled");
    expect(await submit(db, entry({ symbol: "SOL-USD" }))).toMatchObject({ status: "accepted" });
  });

  it("still counts a closed order whose fate is unknown", async () => {
    const first = await accepted(db, entry());
    await moveOrder(db, first, "submitted", "canceled");
    await asEngine(db, (sql) => sql`update public.crypto_orders set unresolved = true where id = ${first}`);
    await accepted(db, entry({ symbol: "ETH-USD" }));
    expect(await submit(db, entry({ symbol: "SOL-USD" }))).toMatchObject({ evidence: { open: "50" } });
  });

  it("ignores exits", async () => {
    await setKnob(db, "MAX_DAILY_NOTIONAL", "25");
    await hold(db, "ETH-USD", "10");
    await accepted(db, exit({ symbol: "ETH-USD", qty: "10" }));
    expect(await submit(db, entry())).toMatchObject({ status: "accepted" });
  });

  it("begins anew at midnight UTC, whatever the session's time zone, with open orders carried over", async () => {
    await db.setClock("2026-03-01T23:59:59Z");
    await passTime(db, 0);
    await fillToday("40");
    await accepted(db, entry({ notional: "10" }));
    const sql = db.as("service_role", {}, { connection: { TimeZone: "Pacific/Kiritimati" } });
    expect(await submit(db, entry({ symbol: "ETH-USD", notional: "2" }), sql)).toMatchObject({
      code: "MAX_DAILY_NOTIONAL",
      evidence: { day: "2026-03-01" },
    });
    await passTime(db, 1);
    expect(await submit(db, entry({ symbol: "ETH-USD", notional: "25" }), sql)).toMatchObject({ status: "accepted" });
    const [account] = await db.sql`select day::text, day_notional from public.accounts where mode = 'paper'`;
    expect(account).toEqual({ day: "2026-03-02", day_notional: "0" });
    expect(await submit(db, entry({ symbol: "SOL-USD", notional: "15.01" }))).toMatchObject({
      evidence: { filled: "0", open: "35" },
    });
  });

  it("reads the day after the lock: what waited over midnight counts for the new day", async () => {
    await db.setClock("2026-03-01T23:59:59Z");
    await fillToday("50");
    const holder = await db.connect("postgres", { max: 1 }).reserve();
    await holder`begin`;
    await holder`select private.lock_accounts()`;
    const waiting = submit(db, entry());
    await waitForLockWait(db);
    await passTime(db, 1);
    await holder`commit`;
    expect(await waiting).toMatchObject({ status: "accepted" });
    holder.release();
  });
});

async function waitForLockWait(database: TestDatabase): Promise<void> {
  for (;;) {
    const waiting = await database.admin`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%submit_intent%'`;
    if (waiting.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
