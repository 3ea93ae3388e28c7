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
  await setKnob(db, "EDGE_FACTORY_MODE", "paper");
  await setKnob(db, "MAX_DAILY_NOTIONAL", "1000");
});
afterEach(() => db.drop());

const lock = async () => {
  const [row] = await db.sql`select engine, fencing_token, instance_id, locked_at, renewed_at from public.trade_locks`;
  return row;
};
const other = (change = {}) => entry({ engine: "edge_factory", ...change });

describe("a trade lock", () => {
  it("keeps another engine out while it is fresh, though nothing is left of its order", async () => {
    await moveOrder(db, await accepted(db, entry({ metadata: { instance_id: "a" } })), "submitted", "canceled");
    await passTime(db, 299);
    expect(await submit(db, other())).toMatchObject({
      code: "SYMBOL_LOCKED",
      message: "BTC-USD is locked by trader since 2026-03-01T12:00:00.000000Z.",
      evidence: { engine: "trader", ttl_seconds: 300 },
    });
    expect((await lock())?.instance_id).toBe("a");
  });

  it("expires after its time to live when its engine has nothing there, and the next one gets a newer token", async () => {
    await moveOrder(db, await accepted(db, entry()), "submitted", "canceled");
    const first = await lock();
    await passTime(db, 300);
    await accepted(db, other());
    const second = await lock();
    expect(second?.engine).toBe("edge_factory");
    expect(Number(second?.fencing_token)).toBeGreaterThan(Number(first?.fencing_token));
  });

  it("never expires while its engine has a live order", async () => {
    const id = await accepted(db, entry());
    await passTime(db, 100_000);
    expect((await submit(db, other())).code).toBe("SYMBOL_LOCKED");
    await moveOrder(db, id, "submitted", "working");
    expect((await submit(db, other())).code).toBe("SYMBOL_LOCKED");
  });

  it("never expires while its engine has an order of unknown fate", async () => {
    const id = await accepted(db, entry());
    await moveOrder(db, id, "submitted", "canceled");
    await asEngine(db, (sql) => sql`update public.crypto_orders set unresolved = true where id = ${id}`);
    await passTime(db, 100_000);
    expect((await submit(db, other())).code).toBe("SYMBOL_LOCKED");
  });

  it("never expires while its engine has a position above dust; dust does not hold it", async () => {
    await moveOrder(db, await accepted(db, entry()), "submitted", "canceled");
    await hold(db, "BTC-USD", "0.25");
    await passTime(db, 100_000);
    expect((await submit(db, other())).code).toBe("SYMBOL_LOCKED");
    await asEngine(
      db,
      (sql) => sql`update public.positions set qty = 0.009, engine = 'trader' where symbol = 'BTC-USD'`,
    );
    await asEngine(
      db,
      (sql) => sql`
        insert into public.trade_locks (symbol, mode, engine, fencing_token, ttl_seconds, renewed_at)
        values ('BTC-USD', 'paper', 'trader', 1, 300, private.clock() - interval '1 day') on conflict do nothing`,
    );
    expect(await submit(db, other())).toMatchObject({ status: "accepted" });
  });

  it("is renewed by its own engine without a new token", async () => {
    await moveOrder(db, await accepted(db, entry()), "submitted", "canceled");
    const first = await lock();
    await passTime(db, 250);
    await moveOrder(db, await accepted(db, entry()), "submitted", "canceled");
    const second = await lock();
    expect(second?.fencing_token).toBe(first?.fencing_token);
    await passTime(db, 250);
    expect((await submit(db, other())).code).toBe("SYMBOL_LOCKED");
  });

  it("fences out an instance that comes with an older token", async () => {
    await moveOrder(db, await accepted(db, entry()), "submitted", "canceled");
    const token = (await lock())?.fencing_token;
    expect(await submit(db, entry({ metadata: { fencing_token: "0" } }))).toMatchObject({ code: "SYMBOL_LOCKED" });
    expect(await submit(db, entry({ metadata: { fencing_token: token } }))).toMatchObject({ status: "accepted" });
  });

  it("lets an operator's manual exit pass and stays with its engine", async () => {
    await hold(db, "BTC-USD", "0.25");
    await moveOrder(db, await accepted(db, entry()), "submitted", "canceled");
    expect((await submit(db, entry({ engine: "manual" }))).code).toBe("SYMBOL_LOCKED");
    await accepted(db, exit({ engine: "manual" }));
    expect((await lock())?.engine).toBe("trader");
  });

  it("that was taken before a late fill made another engine the holder lets that engine's exit pass, and stays", async () => {
    const id = await accepted(db, other());
    await moveOrder(db, id, "submitted", "working");
    await hold(db, "BTC-USD", "0.25", "trader");
    expect((await submit(db, entry())).code).toBe("SYMBOL_LOCKED");
    await accepted(db, exit({ qty: "0.25" }));
    expect((await lock())?.engine).toBe("edge_factory");
  });

  it("frees itself when the sale has left the symbol flat", async () => {
    await moveOrder(db, await accepted(db, entry()), "submitted", "filled");
    await hold(db, "BTC-USD", "0.25");
    const id = await accepted(db, exit({ qty: "0.25" }));
    await moveOrder(db, id, "submitted", "working");
    await asEngine(db, (sql) => sql`update public.positions set qty = 0 where symbol = 'BTC-USD'`);
    expect((await lock())?.engine, "while the sell is still live").toBe("trader");
    await moveOrder(db, id, "filled");
    expect(await lock()).toBeUndefined();
    expect(await submit(db, other())).toMatchObject({ status: "accepted" });
  });

  it("is one for each mode", async () => {
    await accepted(db, entry());
    await setKnob(db, "EDGE_FACTORY_MODE", "live");
    await setKnob(db, "LIVE_CONFIRM", "I UNDERSTAND THIS IS REAL MONEY");
    expect(await submit(db, other({ mode: "live" }))).toMatchObject({ status: "accepted" });
  });
});
