import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasMarketData, marketDataFile } from "../support/market-data.ts";
import { makePlace, type Place, type Running, startInPlace } from "../support/running-platform.ts";
import { engineBooks, exchangeBooks, innerDisagreements, recount } from "./acceptance-books.ts";
import { killEverything, seeded } from "./recovery-kill.ts";
import { type Sight, watchPlatform } from "./recovery-watch.ts";

const KILLS = 20;
const SPEED = 60;
const OPENING_CASH = "50000";
const SEED = Number(process.env.RECOVERY_SEED ?? Math.floor(Math.random() * 1e9));

const RECORDINGS = ["btcusd_1m_trade", "btcusd_1m_quote", "ethusd_1m_trade", "ethusd_1m_quote"].map(
  (name) => `lean_coinbase_${name}.csv`,
);
const MARKET = hasMarketData(...RECORDINGS)
  ? ["--replay", RECORDINGS.map(marketDataFile).join(","), "--start", "2017-09-03T06:00"]
  : ["--simulate", "7", "--start", "2026-03-01"];

/** Makes trading busy: enter whatever the score, leave soon, reprice often, in every tick of ten seconds. */
const BUSY = {
  PAPER_STARTING_CASH: OPENING_CASH,
  TRADER_TICK_SECONDS: "10",
  TRADER_ENTRY_SCORE: "0",
  TRADER_COST_FILTER_RATIO: "0",
  TRADER_STOP_PCT: "0.1",
  TRADER_TARGET_PCT: "0.1",
  TRADER_MAX_HOLD_MINUTES: "1",
  MAX_DAILY_NOTIONAL: "1000000",
  ORDER_TTL_SECONDS_ENTRY: "10",
  ORDER_TTL_SECONDS_EXIT: "5",
  MAX_CROSS_SPREAD_BPS: "200",
  LIQUIDITY_GUARD_SPREAD_PCT: "10",
  LATE_FILL_WATCH_SECONDS: "10",
};

let place: Place;
let sql: postgres.Sql;
let platform: Running;
const sights: Sight[] = [];

const start = () => {
  platform = startInPlace(place, [...MARKET, "--speed", String(SPEED)]);
  return platform;
};
const setKnobs = async (knobs: Record<string, string>) => {
  for (const [key, value] of Object.entries(knobs)) await sql`update config set value = ${value} where key = ${key}`;
};

beforeAll(async () => {
  place = await makePlace();
  sql = postgres(place.databaseUrl, { max: 2, onnotice: () => {}, max_lifetime: null });
});

afterAll(async () => {
  await sql?.end({ timeout: 1 });
  platform?.child.kill("SIGINT");
  await platform?.ended;
  place?.remove();
});

/** Moments of a boot, by what the console says then; before the first one nothing runs yet that could lose anything. */
const BOOT_STEPS = ["Postgres 17", "Migrations", "Market server", "API gateway", "Scheduler"];

/** One life of the platform, killed at a random moment: mostly some time after its first tick has begun, sometimes while it boots. */
async function liveAndDie(life: number, random: () => number): Promise<void> {
  const step = life > 0 && random() < 0.25 ? BOOT_STEPS[Math.floor(random() * BOOT_STEPS.length)] : undefined;
  const moment = Math.round(random() * (step ? 300 : 3000));
  const running = start();
  const watch = watchPlatform(place, running, SPEED);
  await running.says(step ?? "Zoe runs");
  if (life === 0) await setKnobs(BUSY);
  if (!step) await watch.tickBegan;
  await sleep(moment);
  const killed = await killEverything(running);
  const sight = await watch.end();
  sights.push(sight);
  const { orders = [], runs = [] } = sight.last ?? {};
  console.log(
    `kill ${life + 1}: ${moment} ms after ${step ?? "the first tick"}, ${killed} processes, ` +
      `${orders.length} orders with a timer, at work: ${runs.join(" and ") || "no tick"}`,
  );
}

describe(`a platform whose every process is killed with SIGKILL at ${KILLS} random moments (seed ${SEED})`, () => {
  it("goes on each time where it stood, and its books agree to the last digit", { timeout: 900_000 }, async () => {
    const random = seeded(SEED);
    for (let life = 0; life < KILLS; life += 1) await liveAndDie(life, random);
    const last = start();
    const watch = watchPlatform(place, last, SPEED);
    await last.says("Zoe runs");
    await setKnobs({ TRADER_ENTRY_SCORE: "100" });
    await untilSettled();
    sights.push(await watch.end());
    await booksAgree();
    await nothingIsStuck();
    timersWereKept(await reactions());
    await wasWorthIt();
  });

  it("sent every order once, and never two of a symbol and side at a time", async () => {
    const sent = await sql<{ order_id: string; times: number }[]>`
      select order_id, count(*)::int as times from order_events where from_status = 'new' and to_status = 'submitted' group by order_id`;
    expect(sent.filter(({ times }) => times !== 1)).toEqual([]);
    const known = Object.keys((await exchangeBooks(sql)).orders);
    expect(known.filter((id) => !sent.some(({ order_id }) => order_id === id))).toEqual([]);
    expect(await overlaps()).toEqual([]);
    const doubled = await sql`select id, last_error from crypto_orders where last_error ~* 'duplicate'`;
    expect(doubled).toEqual([]);
  });

  it("stops in order after all that", async () => {
    platform.child.kill("SIGINT");
    expect(await platform.ended).toBe(0);
  });
});

/** Waits until nothing is held, open, unknown or watched any more. */
async function untilSettled(): Promise<void> {
  for (;;) {
    const [row] = await sql<{ busy: boolean }[]>`
      select exists (select from crypto_orders where closed_at is null or unresolved or next_action_at is not null)
        or exists (select from order_intents where status = 'active')
        or exists (select from positions where qty > 0)
        or exists (select from tick_runs where outcome = 'running') as busy`;
    if (!row?.busy) return;
    await sleep(200);
  }
}

async function booksAgree(): Promise<void> {
  const [engine, exchange] = [await engineBooks(sql), await exchangeBooks(sql)];
  expect(engine).toEqual(exchange);
  expect({ cash: engine.cash, holdings: engine.holdings }).toEqual(recount(OPENING_CASH, exchange.orders));
  expect(await innerDisagreements(sql)).toEqual([]);
  const [account] = await sql`select reserved_cash::float8 as reserved, degraded from accounts where mode = 'paper'`;
  expect(account).toMatchObject({ reserved: 0, degraded: false });
  const bad = await sql`
    select kind, title, detail from alerts
    where kind in ('degraded', 'overfill', 'contradictory_report', 'invariant', 'audit', 'unknown_broker_order', 'unknown_holding')`;
  expect(bad).toEqual([]);
  const [audit] = await sql<{ answer: { ok: boolean } }[]>`select verify_audit_log() as answer`;
  expect(audit?.answer).toMatchObject({ ok: true });
}

async function nothingIsStuck(): Promise<void> {
  const stuck = await sql`
    select name, started_at from tick_runs
    where outcome = 'running' and started_at < private.clock() - interval '180 seconds'`;
  expect(stuck).toEqual([]);
  const errors = await sql`
    select name, error from tick_runs where outcome = 'error' and error <> 'the run never finished: its lease expired'`;
  expect(errors).toEqual([]);
  const slots = await sql`select slot_name from pg_replication_slots where not active`;
  expect(slots).toEqual([]);
}

/** What the reposition tick did to an order, and when. */
const reactions = () => sql<{ order_id: string; event_type: string; ts: Date }[]>`
  select order_id, event_type, ts from order_events where actor = 'reposition-tick' or event_type = 'escalated' order by id`;

/** A timer that was running when the power went is neither cut short nor begun anew by the restart. */
function timersWereKept(events: Awaited<ReturnType<typeof reactions>>): void {
  let before: Sight["last"] = null;
  for (const { recovered, last } of sights) {
    for (const order of recovered?.orders ?? []) {
      const known = before?.orders.find(({ id, version }) => id === order.id && version === order.version);
      if (known) expect(order).toEqual(known);
      const next = events.find(({ order_id, ts }) => order_id === order.id && ts.getTime() > (recovered?.clock ?? 0));
      if (order.next_action_at && next && next.event_type !== "escalated")
        expect(next.ts.getTime()).toBeGreaterThanOrEqual(Date.parse(order.next_action_at));
    }
    before = last ?? before;
  }
}

/** Guards against a test that shows nothing: orders were open at kills, ticks were cut off, and much was traded. */
async function wasWorthIt(): Promise<void> {
  const [done] = await sql`
    select (select count(*)::int from crypto_fills) as fills, count(*)::int as orders,
      count(*) filter (where parent_order_id is not null)::int as replacements,
      count(*) filter (where reject_reason = 'never_reached_broker')::int as "never sent",
      (select count(*)::int from tick_runs where outcome = 'error') as "ticks cut off"
    from crypto_orders`;
  console.log(JSON.stringify(done));
  expect(done?.fills).toBeGreaterThan(3);
  expect(sights.filter(({ last }) => (last?.orders.length ?? 0) > 0).length).toBeGreaterThan(3);
  expect(sights.filter(({ last }) => (last?.runs.length ?? 0) > 0).length).toBeGreaterThan(1);
  expect(sights.filter(({ recovered }) => recovered !== null).length).toBeGreaterThan(KILLS / 2);
}

/** Pairs of orders that the exchange had open at the same time for one symbol and side. */
const overlaps = () => sql`
  with orders as (
    select e.key as id, e.value as doc from paper_exchange.book as b, jsonb_each(b.state -> 'orders') as e
    union all
    select c.client_order_id::text, c.doc from paper_exchange.closed_orders as c
  ), spans as (
    select id, doc ->> 'symbol' as symbol, doc ->> 'side' as side, (doc ->> 'acceptAt')::numeric as opened,
      coalesce((doc ->> 'closedAt')::numeric, 'Infinity') as closed
    from orders
  )
  select a.id as one, b.id as other from spans as a
  join spans as b on a.symbol = b.symbol and a.side = b.side and a.id < b.id and a.opened < b.closed and b.opened < a.closed`;
