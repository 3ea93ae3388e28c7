import type { TestDatabase } from "../tests/support/test-database.ts";
import { type Call, type Caller, callerOverRest, callerOverSql, serveRest } from "./call.ts";
import { emit, percentile } from "./emit.ts";
import { goByRealTime, openBenchMarket, symbolOf } from "./market.ts";
import { openClientBook, submitAsClient } from "./predecessor.ts";

const SYMBOLS = 200;
const ROUNDS_ALONE = 10;
const CONNECTIONS = [1, 4, 16, 64];
const ROUNDS = 6;
const REST_POOL = 16;

/** A way to submit an entry of 25 USD; false when it was turned down. */
interface Way {
  readonly name: string;
  readonly submit: (call: Call, symbol: string, key: string) => Promise<boolean>;
  readonly caller: () => Caller;
  readonly clear: () => Promise<unknown>;
}

/**
 * Times `submit_intent` alone and from many connections, beside guards that the client runs itself: both over the same
 * bare REST gateway. And how many entries each lets through when 64 callers want them at once and two are allowed.
 */
export async function benchSubmitIntent(db: TestDatabase): Promise<void> {
  await openBenchMarket(db, SYMBOLS);
  await goByRealTime(db);
  await openClientBook(db);
  const rest = await serveRest(db, REST_POOL);
  const sql: Way = {
    name: "submit_intent",
    submit: submitIntent,
    caller: () => callerOverSql(db.as("service_role", {}, { max: 1 })),
    // Cancels on the spot what was never sent, so that every round finds the symbols free.
    clear: () => db.sql`update public.crypto_orders set status = 'canceled' where status = 'new'`,
  };
  const overRest: Way = { ...sql, name: "submit_intent_over_rest", caller: () => callerOverRest(rest.url) };
  const client: Way = {
    ...overRest,
    name: "client_side_guards_over_rest",
    submit: submitAsClient,
    clear: async () => {},
  };
  for (const way of [sql, overRest, client]) await emitLatency(way);
  for (const connections of CONNECTIONS) {
    await emitRate(sql, connections);
    const ours = await emitRate(overRest, connections);
    const theirs = await emitRate(client, connections);
    emit("submit_intent_to_client_side_guards", ours / theirs, "ratio", { connections, over: "REST" });
  }
  await db.sql`update public.config set value = '50' where key = 'MAX_DAILY_NOTIONAL'`;
  await db.sql`update client_side.config set value = '50' where key = 'MAX_DAILY_NOTIONAL'`;
  await db.sql`update client_side.days set notional = 0`;
  for (const way of [overRest, client]) await emitAccepted(way, 64);
  await rest.stop();
}

async function submitIntent(call: Call, symbol: string, key: string): Promise<boolean> {
  const intent = {
    engine: "trader",
    mode: "paper",
    symbol,
    side: "buy",
    purpose: "entry",
    notional: "25",
    limit_price: "99.99",
  };
  const [row] = await call("select public.submit_intent($1::text::jsonb) as answer", [
    JSON.stringify({ ...intent, idempotency_key: key }),
  ]);
  const answer = row?.answer as { status: string; code?: string };
  if (answer.status === "denied" && answer.code !== "MAX_DAILY_NOTIONAL")
    throw new Error(`the benchmark's intent was ${JSON.stringify(answer)}`);
  return answer.status === "accepted";
}

let keys = 0;
const nextKey = () => {
  keys += 1;
  return `bench-${keys}`;
};

async function emitLatency({ name, caller, submit, clear }: Way): Promise<void> {
  const { call, end } = caller();
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS_ALONE; round += 1) {
    for (let index = 0; index < SYMBOLS; index += 1) {
      const started = performance.now();
      await submit(call, symbolOf(index), nextKey());
      if (round > 0) times.push(performance.now() - started);
    }
    await clear();
  }
  await end();
  for (const percent of [50, 95, 99])
    emit(`${name}_alone_p${percent}`, percentile(times, percent / 100), "ms", { calls: times.length });
}

async function emitRate({ name, caller, submit, clear }: Way, connections: number): Promise<number> {
  const callers = Array.from({ length: connections }, caller);
  await Promise.all(callers.map(({ call }) => call("select 1")));
  let milliseconds = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    let next = 0;
    const started = performance.now();
    const work = async ({ call }: Caller) => {
      for (let index = next++; index < SYMBOLS; index = next++) await submit(call, symbolOf(index), nextKey());
    };
    await Promise.all(callers.map(work));
    if (round > 0) milliseconds += performance.now() - started;
    await clear();
  }
  await Promise.all(callers.map(({ end }) => end()));
  const rate = (ROUNDS * SYMBOLS * 1000) / milliseconds;
  emit(`${name}_per_second`, rate, "1/s", { connections });
  return rate;
}

async function emitAccepted({ name, caller, submit }: Way, connections: number): Promise<void> {
  const callers = Array.from({ length: connections }, caller);
  const answers = await Promise.all(callers.map(({ call }, index) => submit(call, symbolOf(index), nextKey())));
  await Promise.all(callers.map(({ end }) => end()));
  emit(`${name}_accepted`, answers.filter(Boolean).length, "entries", { allowed: 2, connections });
}
