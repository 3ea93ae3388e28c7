import type postgres from "postgres";
import { beforeEach, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { entry, quoteAt, tickRpc } from "../support/tick-rpc.ts";

const NOON = "2026-03-01T12:00:00Z";
let db: TestDatabase;
let ticks: ReturnType<typeof tickRpc>;

const open = (kind: string) =>
  db.sql`select key, mode, severity, title, detail, action, count, acknowledged_at from public.alerts where kind = ${kind} and resolved_at is null`;
const watch = () => db.sql`select private.run_watchdog()`;
/** Acts as the engine's role, which alone may write the book. */
const asEngine = (write: (sql: postgres.TransactionSql) => Promise<unknown>) =>
  db.sql.begin(async (sql) => {
    await sql`set local role zoe_engine`;
    await write(sql);
  });

/** A working order of the engine's, and its id. */
async function placeOrder(symbol = "BTC-USD"): Promise<string> {
  await asEngine(
    (sql) => sql`select private.record_quotes(${sql.json([quoteAt(NOON, symbol, "100", "100.01")] as never)})`,
  );
  await db.sql`update public.config set value = '1000' where key in ('MAX_DAILY_NOTIONAL')`;
  const [row] =
    await ticks.sql`select public.submit_intent(${ticks.sql.json(entry(symbol, { symbol, limit_price: "100" }) as never)}) as answer`;
  if (row?.answer.status !== "accepted") throw new Error(JSON.stringify(row?.answer));
  await asEngine(
    (sql) =>
      sql`update public.crypto_orders set status = 'submitted', submitted_at = private.clock() where id = ${row.answer.order_id}`,
  );
  await asEngine(
    (sql) =>
      sql`update public.crypto_orders set status = 'working', unresolved = false where id = ${row.answer.order_id}`,
  );
  return row.answer.order_id;
}

beforeEach(async () => {
  db = await testDatabase();
  ticks = tickRpc(db);
  await db.setClock(NOON);
  await db.sql`select vault.create_secret('http://127.0.0.1', 'project_url'), vault.create_secret('token', 'cron_token')`;
  const book = { mode: "paper", cash: "2000", holdings: {}, open_orders: [], observed_at: NOON };
  const run = await ticks.start("trader-tick");
  await ticks.finish(run, { outcome: "ok", quotes: [quoteAt(NOON)], broker_books: [book] });
  return () => db.drop();
});

describe("the watchdog finds", () => {
  it("an order that is working five minutes after its last reprice, and counts such orders", async () => {
    const ids = [await placeOrder("BTC-USD"), await placeOrder("ETH-USD")];
    await asEngine((sql) => sql`update public.crypto_orders set replace_count = 3 where id = any (${ids})`);
    await asEngine(
      (sql) => sql`update public.order_intents set max_reached_at = private.clock() where status = 'active'`,
    );
    await db.advanceClock(299);
    await watch();
    expect(await open("stuck_orders")).toEqual([]);
    await db.advanceClock(1);
    await watch();
    const [alert] = await open("stuck_orders");
    expect(alert).toMatchObject({ mode: "paper", count: 2, title: "Stuck orders: 2", severity: "warning" });
    expect(alert?.detail).toContain("BTC-USD");
    expect(alert?.action).toContain("update crypto_orders set status = 'canceled'");
    await asEngine(
      (sql) =>
        sql`update public.crypto_orders set status = 'canceled', closed_at = private.clock() where id = ${ids[0] ?? ""}`,
    );
    await watch();
    expect(await open("stuck_orders")).toEqual([expect.objectContaining({ count: 1, title: "Stuck orders: 1" })]);
    await asEngine(
      (sql) =>
        sql`update public.crypto_orders set status = 'canceled', closed_at = private.clock() where id = ${ids[1] ?? ""}`,
    );
    await watch();
    expect(await open("stuck_orders")).toEqual([]);
  });

  it("an order whose fate has been unknown for a minute", async () => {
    const id = await placeOrder();
    await asEngine((sql) => sql`update public.crypto_orders set unresolved = true where id = ${id}`);
    await watch();
    expect(await open("order_unresolved")).toEqual([]);
    await db.advanceClock(60);
    await watch();
    expect(await open("order_unresolved")).toEqual([expect.objectContaining({ count: 1, severity: "critical" })]);
    await asEngine((sql) => sql`update public.crypto_orders set unresolved = false where id = ${id}`);
    await watch();
    expect(await open("order_unresolved")).toEqual([]);
  });

  it("a cancel the broker has not confirmed in a minute", async () => {
    const id = await placeOrder();
    await db.sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
    await db.advanceClock(60);
    await watch();
    expect(await open("cancel_unconfirmed")).toEqual([expect.objectContaining({ title: "Cancels not confirmed: 1" })]);
    await asEngine(
      (sql) => sql`update public.crypto_orders set status = 'canceled', closed_at = private.clock() where id = ${id}`,
    );
    await watch();
    expect(await open("cancel_unconfirmed")).toEqual([]);
  });

  it("such a cancel within seconds, though the minute of the watchdog itself is not over", async () => {
    const id = await placeOrder();
    await watch();
    await db.sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
    await db.advanceClock(59);
    await db.sql`select private.dispatch_ticks()`;
    expect(await open("cancel_unconfirmed")).toEqual([]);
    await db.advanceClock(1);
    await db.sql`select private.dispatch_ticks()`;
    expect(await open("cancel_unconfirmed")).toMatchObject([{ count: 1 }]);
  });

  it("an entry that is alive a minute after a halt, because the broker refuses its cancel again and again", async () => {
    const id = await placeOrder();
    await db.sql`update public.config set value = 'true' where key = 'kill_switch'`;
    for (let seconds = 0; seconds < 60; seconds += 10) {
      await watch();
      expect(await open("cancel_unconfirmed")).toEqual([]);
      const refusal = { order_id: id, kind: "cancel_refused", reason: "not now" };
      await ticks.sql`select public.apply_execution_reports(${ticks.sql.json([refusal])})`;
      await db.advanceClock(10);
      await asEngine((sql) => sql`select private.cancel_halted_entries('paper')`);
    }
    await watch();
    expect(await open("cancel_unconfirmed")).toMatchObject([{ severity: "critical", count: 1, mode: "paper" }]);
  });

  it("three rejections within ten minutes, with their count, until they are old", async () => {
    for (const symbol of ["BTC-USD", "ETH-USD", "SOL-USD"]) {
      const id = await placeOrder(symbol);
      await watch();
      expect(await open("rejections")).toEqual([]);
      await asEngine(
        (sql) => sql`
        update public.crypto_orders set status = 'rejected', closed_at = private.clock(), reject_reason = 'no buying power' where id = ${id}`,
      );
    }
    await watch();
    expect(await open("rejections")).toEqual([
      expect.objectContaining({
        count: 3,
        title: "Orders rejected: 3 in 10 minutes",
        detail: "The last reason: no buying power.",
      }),
    ]);
    await db.advanceClock(601);
    await watch();
    expect(await open("rejections")).toEqual([]);
  });

  it("a tick that is late by three cadences, and says with which error", async () => {
    const minutes = async (count: number) => {
      for (let minute = 0; minute < count; minute++) {
        await db.advanceClock(60);
        await watch();
      }
    };
    await watch();
    await minutes(3);
    expect(await open("tick_stalled")).toEqual([]);
    await ticks.finish(await ticks.start("trader-tick"), { outcome: "error", error: "Coinbase is down" });
    await minutes(1);
    const stalled = await open("tick_stalled");
    expect(stalled.map(({ key }) => key)).toEqual(["trader-tick"]);
    expect(stalled[0]?.detail).toContain("Coinbase is down");
    await ticks.finish(await ticks.start("trader-tick"));
    await watch();
    expect(await open("tick_stalled")).toEqual([]);
  });

  it("nothing late right after the platform was switched on again", async () => {
    await watch();
    await db.advanceClock(86_400);
    await watch();
    expect(await open("tick_stalled")).toEqual([]);
    expect(await open("market_data")).toEqual([]);
  });

  it("orders that wait for a reposition tick nobody runs", async () => {
    await watch();
    await asEngine((sql) => sql`select private.record_quotes(${sql.json([quoteAt(NOON)] as never)})`);
    await ticks.sql`select public.submit_intent(${ticks.sql.json(entry("waiting") as never)})`;
    await db.sql`select private.dispatch_ticks()`;
    await db.advanceClock(61);
    await watch();
    expect((await open("tick_stalled")).map(({ key }) => key)).toEqual(["reposition-tick"]);
  });

  it("market data that has stopped", async () => {
    await watch();
    for (let minute = 0; minute < 4; minute++) {
      await db.advanceClock(60);
      await watch();
    }
    expect(await open("market_data")).toEqual([expect.objectContaining({ mode: null, severity: "critical" })]);
    const run = await ticks.start("trader-tick");
    await ticks.commit(run, { quotes: [quoteAt("2026-03-01T12:04:00Z")] });
    await watch();
    expect(await open("market_data")).toEqual([]);
  });

  it("a Vault secret that is gone, by name", async () => {
    await db.admin`delete from vault.secrets where name = 'cron_token'`;
    await watch();
    expect(await open("missing_secret")).toEqual([
      expect.objectContaining({ detail: "No secret named cron_token: no tick can be called." }),
    ]);
    await db.sql`select vault.create_secret('token', 'cron_token')`;
    await watch();
    expect(await open("missing_secret")).toEqual([]);
  });

  it("runs that never finished, and says so", async () => {
    const run = await ticks.start("trader-tick");
    await db.advanceClock(121);
    await watch();
    expect(await db.sql`select outcome, error from public.tick_runs where id = ${run.run_id}`).toEqual([
      { outcome: "error", error: "the run never finished: its lease expired" },
    ]);
  });

  it("an exit's warning settled once the order is closed", async () => {
    const id = await placeOrder();
    await db.sql`select private.open_alert('stale_exit_quote', ${id}, 'paper', 'warning', 't', 'd', 'a')`;
    await watch();
    expect(await open("stale_exit_quote")).toHaveLength(1);
    await asEngine(
      (sql) => sql`update public.crypto_orders set status = 'canceled', closed_at = private.clock() where id = ${id}`,
    );
    await watch();
    expect(await open("stale_exit_quote")).toEqual([]);
  });
});
