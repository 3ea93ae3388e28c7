import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BusyDay, busyDay } from "../support/busy-day.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

const NOON = "2026-03-01T12:00:00.000000Z";
type Json = Record<string, unknown>;

let db: TestDatabase;
let day: BusyDay;
let viewer: { email: string; sql: postgres.Sql };
beforeAll(async () => {
  db = await testDatabase();
  day = await busyDay(db);
  viewer = await db.person("viewer");
});
afterAll(() => db.drop());

const read = async <T = Json[]>(call: string, sql = viewer.sql): Promise<T> =>
  (await sql.unsafe(`select public.${call} as answer`))[0]?.answer;

describe("the dashboard reads", () => {
  it("the header: who, state, limits, money and ages", async () => {
    await db.advanceClock(20);
    const header = await read<Json>("dashboard_header('paper')");
    expect(header).toMatchObject({
      mode: "paper",
      role: "viewer",
      email: viewer.email,
      now: "2026-03-01T12:00:20.000000Z",
      clock_speed: 0,
      trading_state: { state: "active", reasons: [] },
      kill_switch: false,
      quote_age_seconds: 20,
      market_source: "test",
      unresolved_orders: 0,
      last_tick: { "trader-tick": { outcome: "ok", started_at: NOON, age_seconds: 20, late: false } },
      // 2000 - 24 - 0.2 + 6.1 - 0.05 in cash; 0.0003 BTC at a mid of 61000; 24 USD bought and 20 USD still open, which hold back 0.19 in fees too.
      account: {
        cash: "1981.85",
        reserved_cash: "20",
        free_cash: "1961.66",
        equity: "2000.15",
        day_notional: "44",
        max_daily_notional: "200",
        open_positions: 2,
        max_open_positions: "3",
      },
      pnl: { unrealized: "0.3", fees: "0.25" },
    });
    await db.advanceClock(-20);
  });

  it("a late tick by itself, whether or not the watchdog runs", async () => {
    await db.advanceClock(181);
    const { last_tick } = await read<{ last_tick: Json }>("dashboard_header('paper')");
    expect(last_tick["trader-tick"]).toMatchObject({ late: true });
    await db.advanceClock(-181);
  });

  it("orders: the open ones first, then the closed", async () => {
    const orders = await read("dashboard_orders('paper')");
    expect(orders.map(({ id }) => id)).toEqual([day.working.order, ...orders.slice(1).map(({ id }) => id)]);
    expect(orders[0]).toMatchObject({
      symbol: "ETH-USD",
      side: "buy",
      purpose: "entry",
      status: "working",
      unresolved: false,
      qty: "0.01",
      filled_qty: "0",
      remaining_qty: "0.01",
      limit_price: "2000",
      notional: "20",
      replace_count: 0,
      requested_at: NOON,
      ttl_seconds: 60,
      strategy: "momentum",
      reason: "a test says so",
    });
    expect(orders).toHaveLength(3);
    expect(await read("dashboard_orders('live')")).toEqual([]);
  });

  it("positions at mid, with their exit state", async () => {
    expect(await read("dashboard_positions('paper')")).toEqual([
      expect.objectContaining({
        symbol: "BTC-USD",
        engine: "trader",
        qty: "0.0003",
        mark: "61000",
        value: "18.3",
        trail_armed: false,
      }),
    ]);
  });

  it("fills, the latest first, as exact text", async () => {
    const fills = await read("dashboard_fills('paper')");
    expect(fills.map(({ order_id }) => order_id).sort()).toEqual([day.bought.order, day.sold.order].sort());
    expect(fills).toContainEqual(
      expect.objectContaining({
        side: "sell",
        qty: "0.0001",
        price: "61000",
        fee: "0.05",
        notional: "6.1",
        late: false,
        // 6.1 less a cost of 6, its own fee of 0.05 and 0.05 of the buy's.
        realized_pnl: "0",
      }),
    );
    expect(fills).toContainEqual(expect.objectContaining({ side: "buy", realized_pnl: null }));
  });

  it("the latest scan of each symbol, prices, thoughts, runs, health and reconciliations", async () => {
    expect(await read("dashboard_scan('paper')")).toEqual([
      expect.objectContaining({ symbol: "BTC-USD", score: "70", score_breakdown: { trend: 20 }, created_at: NOON }),
    ]);
    expect(await read("dashboard_prices()")).toContainEqual({
      symbol: "BTC-USD",
      bid: "60999",
      ask: "61001",
      mid: "61000",
      observed_at: NOON,
      source: "test",
    });
    expect(await read("dashboard_thoughts(10)")).toContainEqual(expect.objectContaining({ content: "Best score 70" }));
    expect(await read("dashboard_runs(2)")).toHaveLength(2);
    expect((await read("dashboard_runs(100)"))[0]).toMatchObject({ name: "trader-tick", outcome: "ok", mode: "paper" });
    expect(await read("dashboard_health('paper')")).toContainEqual(
      expect.objectContaining({ component: "market_data", status: "ok", latency_ms: 40, age_seconds: 0 }),
    );
    const [latest] = await read("dashboard_reconciliations('paper')");
    expect(latest).toMatchObject({ status: "ok", local_cash: "1981.85", broker_cash: "1981.85", cash_diff: "0" });
  });

  it("open alerts of the mode and those of both, the worst first", async () => {
    await db.sql`select private.open_alert('audit', '', null, 'critical', 'both', 'd', 'a'), private.open_alert('audit', '', 'live', 'critical', 'live only', 'd', 'a')`;
    expect((await read("dashboard_alerts('paper')")).map(({ title }) => title)).toEqual(["both", "Orders rejected: 3"]);
    await db.sql`select private.resolve_alert('audit', '', null), private.resolve_alert('audit', '', 'live')`;
  });

  it("every knob with its range and source", async () => {
    expect(await read("dashboard_config()")).toContainEqual(
      expect.objectContaining({
        key: "MAX_DAILY_NOTIONAL",
        value: "200",
        source: "operator",
        default_value: "50",
        min: "0",
        updated_by: "sql:postgres",
      }),
    );
  });

  it("equity in at most 500 points that cover the whole span, however many snapshots there are", async () => {
    await db.sql`
      insert into public.crypto_cash_snapshots (mode, cash_available, buying_power, equity, source, taken_at)
      select 'live', n, n, n, 'test', ${NOON}::timestamptz - make_interval(mins => 5000 - n) from generate_series(1, 5000) as n`;
    const points = await read<{ at: string; equity: string }[]>("dashboard_equity('live', 30)");
    expect(points.length).toBeLessThanOrEqual(500);
    expect(points.length).toBeGreaterThan(450);
    expect(points.at(-1)).toEqual({ at: NOON, equity: "5000", cash: "5000" });
    expect(Number(points[0]?.equity)).toBeLessThan(20);
    expect(await read("dashboard_equity('paper', 1)")).toContainEqual(expect.objectContaining({ equity: "2000.15" }));
  });

  it("the whole story of an order", async () => {
    const story = await read<{ intent: Json; orders: (Json & { events: Json[] })[] }>(
      `order_timeline('${day.bought.intent}')`,
    );
    expect(story.intent).toMatchObject({ engine: "trader", purpose: "entry", status: "filled", target_notional: "24" });
    expect(story.orders).toHaveLength(1);
    expect(
      story.orders[0]?.events.map(({ from_status, to_status, actor }) => ({ from_status, to_status, actor })),
    ).toEqual([
      { from_status: null, to_status: "new", actor: "trader-tick" },
      { from_status: "new", to_status: "submitted", actor: "trader-tick" },
      { from_status: "submitted", to_status: "filled", actor: "broker" },
    ]);
    expect(await read("order_timeline('00000000-0000-4000-8000-000000000000')")).toBeNull();
  });

  it("whoami", async () => {
    expect(await read("whoami()")).toMatchObject({ role: "viewer", email: viewer.email });
  });
});

describe("a stranger who signed in", () => {
  it("is told nothing by any read", async () => {
    const stranger = db.as("authenticated", { sub: "7b0b9a7e-4f5f-4c60-8c6c-0a2a0d8a6b11" });
    const lists = [
      "alerts('paper')",
      "positions('paper')",
      "orders('paper')",
      "fills('paper')",
      "scan('paper')",
      "prices()",
      "equity('paper', 1)",
      "health('paper')",
      "runs(9)",
      "thoughts(9)",
      "config()",
      "reconciliations('paper')",
    ];
    for (const list of lists) expect(await read(`dashboard_${list}`, stranger), list).toEqual([]);
    expect(await read(`order_timeline('${day.bought.intent}')`, stranger)).toBeNull();
    expect(await read("trading_state('paper')", stranger)).toBeNull();
    const header = await read<Json>("dashboard_header('paper')", stranger);
    expect(header).toMatchObject({
      role: null,
      email: null,
      trading_state: null,
      kill_switch: null,
      account: null,
      pnl: null,
      quote_age_seconds: null,
    });
  });
});
