import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { makePlace, startInPlace } from "../tests/support/running-platform.ts";
import { emit, percentile } from "./emit.ts";
import { type LiveExchange, serveLiveExchange } from "./live-exchange.ts";
import { symbolOf } from "./market.ts";

const ORDERS = 50;
const KILLS = 10;
const SIGNALS = 30;
const EXCHANGE_MS = 30; // what a broker's answer takes over the internet, roughly
const CASH = "10000000";
const WAY = {
  way: "embedded platform: cron, net, functions in Deno, a live broker over HTTP",
  exchange_ms: EXCHANGE_MS,
};

type Times = Record<string, number>;

/**
 * Measures, on the embedded platform as it is started, how long after the kill switch's UPDATE the last of fifty cancels
 * has reached the exchange, and how long after an intent is submitted its order has.
 */
export async function benchWire(): Promise<void> {
  const exchange = await serveLiveExchange(CASH, EXCHANGE_MS);
  const place = await makePlace();
  const env = { ...place.env, LIVE_BROKER_URL: exchange.url };
  const platform = startInPlace({ ...place, env }, ["--simulate", "7"]);
  await platform.says("Zoe runs");
  const sql = postgres(place.databaseUrl, { max: 2, onnotice: () => {} });
  try {
    await openLive(sql);
    const signals: Times[] = [];
    for (let round = 0; round <= SIGNALS; round += 1) signals.push(await signal(sql, exchange));
    emitTimes("signal_to_wire", signals.slice(1), { from: "submit_intent called" });
    const kills: Times[] = [];
    for (let round = 0; round < KILLS; round += 1) kills.push(await kill(sql, exchange));
    emitTimes("kill_to_last_cancel", kills, { from: "UPDATE of kill_switch sent", orders: ORDERS });
  } finally {
    await sql.end();
    platform.child.kill("SIGINT");
    await platform.ended;
    place.remove();
    exchange.stop();
  }
}

/** One figure a percentile, each with the same percentile of every part of the way. */
function emitTimes(name: string, runs: readonly Times[], about: Record<string, unknown>): void {
  for (const share of [0.5, 0.95]) {
    const of = (part: string) =>
      percentile(
        runs.map((run) => run[part] ?? Number.NaN),
        share,
      );
    const parts = Object.keys(runs[0] ?? {}).filter((part) => part !== "total");
    const spent = Object.fromEntries(parts.map((part) => [`${part}_ms`, Math.round(of(part))]));
    emit(`${name}_ms`, of("total"), "ms", { percentile: share * 100, ...about, runs: runs.length, spent, ...WAY });
  }
}

/** A live account with cash, fifty instruments with quotes, limits that are not in the way, and no engine. */
async function openLive(sql: postgres.Sql): Promise<void> {
  const knobs = {
    TRADER_MODE: "disabled",
    LIVE_CONFIRM: "I UNDERSTAND THIS IS REAL MONEY",
    ORDER_TTL_SECONDS_ENTRY: "3600",
    QUOTE_MAX_AGE_SECONDS: "3600",
    MAX_DAILY_NOTIONAL: "1000000",
    MAX_OPEN_POSITIONS: "1000",
  };
  for (const [key, value] of Object.entries(knobs))
    await sql`update public.config set value = ${value} where key = ${key}`;
  await sql`
    insert into public.instruments (symbol, price_increment, qty_increment, min_qty, min_notional)
    select 'B' || lpad(i::text, 4, '0') || '-USD', 0.01, 0.00000001, 0.0001, 1 from generate_series(0, ${ORDERS - 1}::int) as i`;
  await sql.begin(async (tx) => {
    await tx`set local role zoe_engine`;
    await tx`insert into public.quotes (symbol, bid, ask, source, observed_at)
      select symbol, 99.99, 100.01, 'bench', private.clock() from public.instruments where symbol like 'B____-USD'`;
    await tx`select private.lock_account('live')`;
    await tx`update public.accounts set cash = ${CASH}, opened_at = private.clock() where mode = 'live'`;
  });
}

/** Submits a live entry and returns its order's id. */
async function submit(sql: postgres.Sql, symbol: string): Promise<string> {
  const intent = {
    engine: "manual",
    mode: "live",
    symbol,
    side: "buy",
    purpose: "entry",
    notional: "25",
    limit_price: "99.99",
    idempotency_key: randomUUID(),
  };
  const [row] = await sql`
    with answer as materialized (select public.submit_intent(${sql.json(intent)}) as answer)
    select answer, private.wake('reposition-tick', 'bench') from answer`;
  const answer = row?.answer as { order_id?: string };
  if (!answer.order_id) throw new Error(`the benchmark's intent was ${JSON.stringify(answer)}`);
  return answer.order_id;
}

async function signal(sql: postgres.Sql, exchange: LiveExchange): Promise<Times> {
  await quiet(sql);
  const began = performance.now();
  const id = await submit(sql, symbolOf(0));
  const committed = performance.now();
  const begun = await tickBegins(sql);
  await until(() => exchange.placedAt.has(id));
  const placed = exchange.placedAt.get(id) ?? Number.NaN;
  await until(() => isStatus(sql, "working", 1));
  await sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
  await until(() => isStatus(sql, "working", 0));
  return { total: placed - began, submit: committed - began, ...parts(committed, begun, placed, "place") };
}

async function kill(sql: postgres.Sql, exchange: LiveExchange): Promise<Times> {
  await quiet(sql);
  for (let index = 0; index < ORDERS; index += 1) await submit(sql, symbolOf(index));
  await until(() => isStatus(sql, "working", ORDERS));
  await quiet(sql);
  const known = new Set(exchange.canceledAt.keys());
  const began = performance.now();
  await sql`update public.config set value = 'true' where key = 'kill_switch'`;
  const committed = performance.now();
  const begun = await tickBegins(sql);
  await until(() => exchange.canceledAt.size >= known.size + ORDERS);
  const times = [...exchange.canceledAt].filter(([id]) => !known.has(id)).map(([, at]) => at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  await quiet(sql);
  await sql`update public.config set value = 'false' where key = 'kill_switch'`;
  return {
    total: last - began,
    update: committed - began,
    ...parts(committed, begun, first, "first_cancel"),
    other_cancels: last - first,
  };
}

/** From the commit to the tick's begin_tick having committed (net, function, claim), and from there to the first call at the broker. */
const parts = (committed: number, begun: number, reached: number, call: string): Times => ({
  wake_and_begin: Math.max(0, Math.min(begun, reached) - committed),
  [call]: Math.max(0, reached - begun),
});

/** Waits until a reposition tick has committed its beginning, and returns when that was seen. */
async function tickBegins(sql: postgres.Sql): Promise<number> {
  await until(() => isRunning(sql));
  return performance.now();
}

const isRunning = async (sql: postgres.Sql) =>
  (await sql`select from private.tick_leases where name = 'reposition-tick' and run_id is not null`).length > 0;

const isStatus = async (sql: postgres.Sql, status: string, orders: number) =>
  (await sql`select from public.crypto_orders where mode = 'live' and status = ${status}`).length === orders;

/** Waits until no order is on its way and no tick is at work. */
const quiet = (sql: postgres.Sql) =>
  until(
    async () =>
      (await sql`select from public.crypto_orders where status in ('new', 'submitted', 'cancel_pending')`).length ===
        0 && !(await isRunning(sql)),
  );

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const patience = performance.now() + 120_000;
  while (!(await condition())) {
    if (performance.now() > patience) throw new Error("the benchmark waited two minutes in vain");
    await sleep(2);
  }
}
