import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { BTC, booksAt19400, leaveDust, NEW, OLD, trade } from "./dust-fixture.ts";
import { exit, submit } from "./guards-fixture.ts";
import { applyOne, asEngine, handOver, quote } from "./money-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await booksAt19400();
});
afterEach(() => db.drop());

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
    await leaveDust(db);
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
    await trade(db, "buy", "0.00005157", "19400");
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
    await trade(db, "buy", "0.001", "20000", OLD);
    expect(await watch()).toEqual([]);
    await trade(db, "sell", "0.00096", "19700");
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
    await leaveDust(db);
    expect(await watch()).toHaveLength(1);
    const id = await handOver(db, { symbol: BTC, qty: "0.001", price: "19400", ...NEW });
    expect(await watch(), "an entry is on its way").toEqual([]);
    await applyOne(db, id, { state: "canceled" });
    expect(await watch()).toHaveLength(1);
    await trade(db, "buy", "0.001", "19400", NEW);
    expect(await watch()).toEqual([]);
    await trade(db, "sell", "0.001", "19400");
    expect(await watch()).toHaveLength(1);
    await asEngine(
      db,
      (sql) =>
        sql`select private.give_up_lots('paper', ${BTC}, 0.00004, private.clock()), private.refresh_position('paper', ${BTC})`,
    );
    expect(await watch()).toEqual([]);
  });

  it("but a crumb under a cent is not", async () => {
    await trade(db, "buy", "0.001", "20000");
    await trade(db, "sell", "0.0009999", "20000");
    expect(await watch()).toEqual([]);
  });
});
