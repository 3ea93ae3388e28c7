import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { BTC, booksAt19400, leaveDust, NEW, OLD, trade } from "./dust-fixture.ts";
import { applyOne, asEngine, brokerFill, handOver, positionOf, quote } from "./money-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await booksAt19400();
});
afterEach(() => db.drop());

describe("a position over dust opens anew", () => {
  it("with stop, target, deadline, strategy, high-water mark, opening and entry price of the new entry", async () => {
    await leaveDust(db);
    await db.advanceClock(60);
    const id = await handOver(db, { symbol: BTC, qty: "0.001", price: "19400", ...NEW });
    const executed_at = "2026-03-01T12:01:00Z";
    await applyOne(db, id, {
      state: "filled",
      filled_qty: "0.001",
      average_price: "19400",
      fills: [{ ...brokerFill("n1", "0.001", "19400"), executed_at }],
    });
    expect(await positionOf(db)).toMatchObject({
      qty: "0.00104",
      stop_price: "19012",
      target_price: "19788",
      exit_by: new Date("2026-03-01T18:00:00Z"),
      strategy: "new",
      engine: "trader",
      trail_armed: false,
      high_water: "19400",
      opened_at: new Date(executed_at),
      // What its exits are judged by is what was paid for it; the dust's cost is in the average alone.
      entry_price: "19400",
      average_price: "19423.0769230769",
    });
  });

  it("as the manual entry's, not the trader's, and the other way round", async () => {
    await leaveDust(db);
    await trade(db, "buy", "0.001", "19400", { engine: "manual", strategy: "by hand" });
    expect(await positionOf(db)).toMatchObject({
      engine: "manual",
      strategy: "by hand",
      stop_price: null,
      exit_by: null,
    });
    await trade(db, "sell", "0.001", "19400");
    await trade(db, "buy", "0.001", "19400", NEW);
    expect(await positionOf(db)).toMatchObject({ engine: "trader", strategy: "new", stop_price: "19012" });
  });

  it("as a manual one when a lot is adopted over it", async () => {
    await leaveDust(db);
    await asEngine(db, (sql) => sql`select private.adopt_lot('paper', ${BTC}, 0.01)`);
    expect(await positionOf(db)).toMatchObject({
      engine: "manual",
      strategy: null,
      stop_price: null,
      target_price: null,
      exit_by: null,
      trail_armed: false,
      high_water: "19401",
      entry_price: "19401",
    });
  });

  it("but an adopted lot beside a real position leaves it the engine's", async () => {
    await trade(db, "buy", "0.001", "20000", OLD);
    await asEngine(db, (sql) => sql`select private.adopt_lot('paper', ${BTC}, 0.01)`);
    expect(await positionOf(db)).toMatchObject({ engine: "trader", stop_price: "19700", entry_price: "20000" });
  });

  it("once: the next fills of the same entry go on with it, though the first was dust by itself", async () => {
    await leaveDust(db);
    const id = await handOver(db, { symbol: BTC, qty: "0.001", price: "19400", ...NEW });
    const part = (filled_qty: string, state = "partially_filled") =>
      applyOne(db, id, { state, filled_qty, average_price: "19400" });
    await part("0.000005");
    expect(await positionOf(db)).toMatchObject({ stop_price: "19012", high_water: "19400" });
    await asEngine(
      db,
      (sql) =>
        sql`update public.positions set stop_price = 19100, high_water = 19500, trail_armed = true where symbol = ${BTC}`,
    );
    await part("0.00002");
    await part("0.001", "filled");
    expect(await positionOf(db)).toMatchObject({ stop_price: "19100", high_water: "19500", trail_armed: true });
  });

  it("and no late fill of an older entry takes it over, not even while it is dust itself", async () => {
    await leaveDust(db);
    const older = await handOver(db, { symbol: BTC, qty: "0.001", price: "19300", engine: "manual", strategy: "late" });
    await applyOne(db, older, { state: "canceled" });
    const id = await handOver(db, { symbol: BTC, qty: "0.001", price: "19400", ...NEW });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.000005", average_price: "19400" });
    await applyOne(db, older, { state: "canceled", filled_qty: "0.0005", average_price: "19300" });
    expect(await positionOf(db)).toMatchObject({ engine: "trader", strategy: "new", stop_price: "19012" });
    await applyOne(db, id, { state: "filled", filled_qty: "0.001", average_price: "19400" });
    await applyOne(db, older, { state: "canceled", filled_qty: "0.001", average_price: "19300" });
    expect(await positionOf(db)).toMatchObject({ engine: "trader", strategy: "new", stop_price: "19012" });
  });

  it("also for the rest of an entry that comes late, when what it had bought is sold but for dust", async () => {
    const id = await handOver(db, { symbol: BTC, qty: "0.002", price: "20000", ...OLD });
    await applyOne(db, id, { state: "canceled", filled_qty: "0.001", average_price: "20000" });
    await asEngine(
      db,
      (sql) => sql`update public.positions set stop_price = 20300, trail_armed = true where symbol = ${BTC}`,
    );
    await trade(db, "sell", "0.00096", "20300");
    await applyOne(db, id, { state: "canceled", filled_qty: "0.002", average_price: "20000" });
    expect(await positionOf(db)).toMatchObject({ stop_price: "19700", trail_armed: false, entry_price: "20000" });
  });

  it("and keeps its exit state, whatever a tick had worked out for the position before", async () => {
    await leaveDust(db);
    const before = (await positionOf(db))?.opening_lot;
    await trade(db, "buy", "0.001", "19400", NEW);
    const write = (opening_lot: unknown, stop_price: string) =>
      asEngine(
        db,
        (sql) =>
          sql`select private.record_exit_states('paper', ${sql.json([{ symbol: BTC, opening_lot: String(opening_lot), stop_price }])})`,
      );
    await write(before, "19700");
    expect(await positionOf(db)).toMatchObject({ stop_price: "19012" });
    await write((await positionOf(db))?.opening_lot, "19100");
    expect(await positionOf(db)).toMatchObject({ stop_price: "19100" });
  });
});

describe("an exit that waits to be tried again", () => {
  it("never sells what a new entry has bought over the dust its position has become", async () => {
    await trade(db, "buy", "0.001", "20000", OLD);
    const sell = await handOver(db, { symbol: BTC, side: "sell", qty: "0.001", price: "19700" });
    await applyOne(db, sell, { kind: "refused", reason: "try later" });
    await quote(db, "900", "901");
    await trade(db, "buy", "0.02", "900", NEW);
    await db.advanceClock(3600);
    await quote(db, "900", "901");
    await asEngine(db, (sql) => sql`select private.recover_intents()`);
    const intents = await db.sql`select purpose, status from public.order_intents order by created_at`;
    expect(intents.map(({ purpose, status }) => [purpose, status])).toEqual([
      ["entry", "filled"],
      ["exit", "failed"],
      ["entry", "filled"],
    ]);
    expect(await positionOf(db)).toMatchObject({ qty: "0.021", strategy: "new" });
  });
});
