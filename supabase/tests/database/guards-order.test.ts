import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { accepted, asEngine, entry, hold, moveOrder, openMarket, setKnob, submit } from "./guards-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openMarket();
});
afterAll(() => db.drop());

describe("submit_intent", () => {
  it("names the first guard that fails, in the order of the design", async () => {
    await hold(db, "ETH-USD", "1", "edge_factory");
    const wrong = () => entry({ symbol: "ETH-USD", notional: "1000000", engine: "trader" });
    const code = async (intent = wrong()) => (await submit(db, intent)).code;
    await asEngine(db, async (sql) => {
      await sql`update public.quotes set observed_at = private.clock() - interval '1 day' where true`;
      await sql`
        insert into public.trade_locks (symbol, mode, engine, fencing_token, ttl_seconds)
        values ('ETH-USD', 'paper', 'edge_factory', 1, 300)`;
      await sql`select private.enter_safe_mode('paper', 'a', null)`;
      await sql`select private.enter_degraded('paper', 'b')`;
    });
    await setKnob(db, "TRADER_MODE", "live");
    await setKnob(db, "kill_switch", "true");
    await setKnob(db, "MAX_OPEN_POSITIONS", "0");
    expect(await code({ ...wrong(), notional: "NaN" })).toBe("INVALID_INTENT");
    expect(await code()).toBe("MODE_NOT_ARMED");
    await setKnob(db, "TRADER_MODE", "paper");
    expect(await code()).toBe("KILL_SWITCH");
    await setKnob(db, "kill_switch", "false");
    expect(await code()).toBe("SAFE_MODE");
    await asEngine(db, (sql) => sql`select private.leave_safe_mode('paper', 'test')`);
    expect(await code()).toBe("DEGRADED");
    await asEngine(db, (sql) => sql`select private.leave_degraded('paper')`);
    expect(await code()).toBe("STALE_QUOTE");
    await asEngine(db, (sql) => sql`update public.quotes set observed_at = private.clock() where true`);
    expect(await code()).toBe("SYMBOL_LOCKED");
    const free = { ...wrong(), symbol: "SOL-USD" };
    const key = () => ({ ...free, idempotency_key: randomUUID() });
    await setKnob(db, "MAX_OPEN_POSITIONS", "3");
    const live = await accepted(db, { ...key(), notional: "2" });
    await moveOrder(db, live, "submitted");
    await asEngine(db, (sql) => sql`update public.accounts set cash = 0 where mode = 'paper'`);
    await setKnob(db, "MAX_OPEN_POSITIONS", "0");
    expect(await code(key())).toBe("ORDER_UNRESOLVED");
    await moveOrder(db, live, "working");
    expect(await code(key())).toBe("ORDER_WORKING");
    await moveOrder(db, live, "canceled");
    expect(await code(key())).toBe("MAX_NOTIONAL_PER_TRADE");
    await setKnob(db, "MAX_NOTIONAL_PER_TRADE", "1000000");
    expect(await code(key())).toBe("MAX_DAILY_NOTIONAL");
    await setKnob(db, "MAX_DAILY_NOTIONAL", "10000000");
    expect(await code(key())).toBe("MAX_OPEN_POSITIONS");
    await setKnob(db, "MAX_OPEN_POSITIONS", "3");
    expect(await code(key())).toBe("INSUFFICIENT_CASH");
  });
});
