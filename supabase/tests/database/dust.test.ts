import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { exit, submit } from "./guards-fixture.ts";
import { applyOne, asEngine, brokerFill, handOver, openBooks, positionOf, quote } from "./money-fixture.ts";

const BTC = "BTC-USD";
let db: TestDatabase;
beforeEach(async () => {
  db = await openBooks();
  await quote(db, "19400", "19402");
});
afterEach(() => db.drop());

/** Buys or sells at once and returns the order's id. */
async function trade(side: "buy" | "sell", qty: string, price: string, more: object = {}) {
  const id = await handOver(db, { side, symbol: BTC, qty, price, ...more });
  const fills = [brokerFill(`${id}-f`, qty, price)];
  await applyOne(db, id, { state: "filled", filled_qty: qty, average_price: price, fills });
  return id;
}

const OLD = {
  strategy: "old",
  metadata: { stop_price: "19700", target_price: "20400", exit_by: "2026-03-01T14:00:00Z" },
};
const NEW = {
  strategy: "new",
  metadata: { stop_price: "19012", target_price: "19788", exit_by: "2026-03-01T18:00:00Z" },
};

/** The trader's position, sold down to 0.00004 BTC: 0.776 USD, below the minimum of 1 USD though above that of quantity. */
async function leaveDust() {
  await trade("buy", "0.001", "20000", OLD);
  await asEngine(
    db,
    (sql) => sql`update public.positions set trail_armed = true, high_water = 20500 where symbol = ${BTC}`,
  );
  await trade("sell", "0.00096", "19700");
  expect(await positionOf(db)).toMatchObject({ qty: "0.00004", stop_price: "19700", engine: "trader" });
}

describe("a position over dust opens anew", () => {
  it("with stop, target, deadline, strategy, high-water mark, opening and entry price of the new entry", async () => {
    await leaveDust();
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
    await leaveDust();
    await trade("buy", "0.001", "19400", { engine: "manual", strategy: "by hand" });
    expect(await positionOf(db)).toMatchObject({
      engine: "manual",
      strategy: "by hand",
      stop_price: null,
      exit_by: null,
    });
    await trade("sell", "0.001", "19400");
    await trade("buy", "0.001", "19400", NEW);
    expect(await positionOf(db)).toMatchObject({ engine: "trader", strategy: "new", stop_price: "19012" });
  });

  it("as a manual one when a lot is adopted over it", async () => {
    await leaveDust();
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
    await trade("buy", "0.001", "20000", OLD);
    await asEngine(db, (sql) => sql`select private.adopt_lot('paper', ${BTC}, 0.01)`);
    expect(await positionOf(db)).toMatchObject({ engine: "trader", stop_price: "19700", entry_price: "20000" });
  });

  it("once: the next fills of the same entry go on with it, though the first was dust by itself", async () => {
    await leaveDust();
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
    await leaveDust();
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
    await trade("sell", "0.00096", "20300");
    await applyOne(db, id, { state: "canceled", filled_qty: "0.002", average_price: "20000" });
    expect(await positionOf(db)).toMatchObject({ stop_price: "19700", trail_armed: false, entry_price: "20000" });
  });

  it("and keeps its exit state, whatever a tick had worked out for the position before", async () => {
    await leaveDust();
    const before = (await positionOf(db))?.opening_lot;
    await trade("buy", "0.001", "19400", NEW);
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

describe("dust is told by the last good price", () => {
  const isDust = async (qty: string) => {
    const [row] = await db.sql<{ dust: boolean }[]>`select private.dust('paper', ${BTC}, ${qty}) as dust`;
    return row?.dust;
  };

  it("the bid, however old; without one the close of the newest candle; without any price quantity alone decides", async () => {
    expect(await isDust("0.00005")).toBe(true);
    expect(await isDust("0.00006")).toBe(false);
    await db.advanceClock(6 * 3600);
    expect(await isDust("0.00005")).toBe(true);
    await db.admin`delete from public.quotes where symbol = ${BTC}`;
    expect(await isDust("0.00005")).toBe(false);
    expect(await isDust("0.000009")).toBe(true);
    await db.admin`
      insert into public.crypto_candles (symbol, timeframe, open_time, open, high, low, close, volume) values
        (${BTC}, '1m', '2026-03-01T11:58:00Z', 30000, 30000, 30000, 30000, 1),
        (${BTC}, '1m', '2026-03-01T11:59:00Z', 19400, 19400, 19400, 19400, 1)`;
    expect(await isDust("0.00005")).toBe(true);
    expect(await isDust("0.00006")).toBe(false);
  });

  it("and is the same in the header's count, the positions limit, the lock and the list of positions", async () => {
    await leaveDust();
    const [row] = await db.admin`
      select private.header_account('paper') ->> 'open_positions' as header, private.is_held('paper', ${BTC}) as held,
        public.dashboard_positions('paper') -> 0 ->> 'is_dust' as listed`;
    expect(row).toEqual({ header: "0", held: false, listed: "true" });
    await quote(db, "30000", "30010");
    const [later] = await db.admin`
      select private.header_account('paper') ->> 'open_positions' as header, private.is_held('paper', ${BTC}) as held,
        public.dashboard_positions('paper') -> 0 ->> 'is_dust' as listed`;
    expect(later).toEqual({ header: "1", held: true, listed: "false" });
  });

  it("a kill that flattens sells what is worth the minimum at the bid, at a limit the broker takes", async () => {
    await trade("buy", "0.00005157", "19400");
    await db.sql`update public.config set value = 'true' where key in ('KILL_SWITCH_FLATTEN', 'kill_switch')`;
    const [candidate] = await db.admin`select qty::text, price::text from private.flatten_candidates()`;
    expect(candidate).toEqual({ qty: "0.00005157", price: "19391.12" });
    const flatten = exit({ engine: "manual", purpose: "flatten", qty: "0.00005157", limit_price: "19391.12" });
    expect(await submit(db, flatten)).toMatchObject({ status: "accepted" });
  });
});

describe("what can't be sold any more is told", () => {
  const watch = async () => {
    await asEngine(db, (sql) => sql`select private.run_watchdog()`);
    return db.sql`
      select key, mode, severity, count, acknowledged_at is not null as seen, detail from public.alerts
      where kind = 'unsellable' and resolved_at is null`;
  };

  it("once, as information that a person can put away, until it is worth a sale by more than a hair", async () => {
    await trade("buy", "0.001", "20000", OLD);
    expect(await watch()).toEqual([]);
    await trade("sell", "0.00096", "19700");
    const told = {
      key: BTC,
      mode: "paper",
      severity: "info",
      count: 1,
      seen: false,
      detail: "0.00004 BTC-USD, worth 0.78 USD, is below what the broker lets be sold (0.00001 and 1 USD).",
    };
    expect(await watch()).toEqual([told]);
    await db.admin`update public.alerts set acknowledged_at = private.clock(), acknowledged_by = 'me' where kind = 'unsellable'`;
    expect(await watch()).toEqual([{ ...told, seen: true }]);
    await quote(db, "25100", "25110");
    expect(await watch(), "at the minimum it would come and go").toHaveLength(1);
    await quote(db, "26300", "26310");
    expect(await watch()).toEqual([]);
    await quote(db, "25100", "25110");
    expect(await watch()).toEqual([]);
  });

  it("until a new entry covers it, or it is gone", async () => {
    await leaveDust();
    expect(await watch()).toHaveLength(1);
    const id = await handOver(db, { symbol: BTC, qty: "0.001", price: "19400", ...NEW });
    expect(await watch(), "an entry is on its way").toEqual([]);
    await applyOne(db, id, { state: "canceled" });
    expect(await watch()).toHaveLength(1);
    await trade("buy", "0.001", "19400", NEW);
    expect(await watch()).toEqual([]);
    await trade("sell", "0.001", "19400");
    expect(await watch()).toHaveLength(1);
    await asEngine(
      db,
      (sql) =>
        sql`select private.give_up_lots('paper', ${BTC}, 0.00004, private.clock()), private.refresh_position('paper', ${BTC})`,
    );
    expect(await watch()).toEqual([]);
  });

  it("but a crumb under a cent is not", async () => {
    await trade("buy", "0.001", "20000");
    await trade("sell", "0.0009999", "20000");
    expect(await watch()).toEqual([]);
  });
});

describe("an exit that waits to be tried again", () => {
  it("never sells what a new entry has bought over the dust its position has become", async () => {
    await trade("buy", "0.001", "20000", OLD);
    const sell = await handOver(db, { symbol: BTC, side: "sell", qty: "0.001", price: "19700" });
    await applyOne(db, sell, { kind: "refused", reason: "try later" });
    await quote(db, "900", "901");
    await trade("buy", "0.02", "900", NEW);
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
