import type postgres from "postgres";
import type { TestDatabase } from "../tests/support/test-database.ts";
import { emit, percentile } from "./emit.ts";
import { openBenchMarket, symbolOf } from "./market.ts";
import { openClientBook, submitAsClient } from "./predecessor.ts";

const SYMBOLS = 200;
const ROUNDS_ALONE = 10;
const CONNECTIONS = [1, 4, 16, 64];
const ROUNDS = 8;

type Submit = (sql: postgres.Sql, symbol: string, key: string) => Promise<unknown>;
type Client = () => postgres.Sql;

const submitIntent: Submit = async (sql, symbol, key) => {
  const intent = {
    engine: "trader",
    mode: "paper",
    symbol,
    side: "buy",
    purpose: "entry",
    notional: "25",
    limit_price: "99.99",
    idempotency_key: key,
  };
  const [row] = await sql`select public.submit_intent(${sql.json(intent)}) as answer`;
  if (row?.answer?.status !== "accepted") throw new Error(`the benchmark's intent was ${JSON.stringify(row?.answer)}`);
};

/** Times `submit_intent` alone and from many connections, beside guards that the client runs over separate round trips. */
export async function benchSubmitIntent(db: TestDatabase): Promise<void> {
  await openBenchMarket(db, SYMBOLS);
  await openClientBook(db);
  const ways = [
    {
      name: "submit_intent",
      submit: submitIntent,
      client: () => db.as("service_role", {}, { max: 1 }),
      clear: () => clearBook(db),
    },
    {
      name: "client_side_guards",
      submit: submitAsClient,
      client: () => db.connect("postgres", { max: 1 }),
      clear: async () => {},
    },
  ];
  const perSecond = new Map<string, number>();
  for (const way of ways) {
    const times = await timeEach(way.client, way.submit, way.clear);
    for (const [share, label] of [
      [0.5, "p50"],
      [0.95, "p95"],
      [0.99, "p99"],
    ] as const)
      emit(`${way.name}_alone_${label}`, percentile(times, share), "ms", { calls: times.length });
  }
  for (const connections of CONNECTIONS) {
    for (const way of ways) {
      const rate = await throughput(connections, way.client, way.submit, way.clear);
      perSecond.set(`${way.name} ${connections}`, rate);
      emit(`${way.name}_per_second`, rate, "1/s", { connections });
    }
    const [ours = 0, theirs = 1] = ways.map(({ name }) => perSecond.get(`${name} ${connections}`) ?? 0);
    emit("submit_intent_to_client_side_guards", ours / theirs, "ratio", { connections });
  }
}

let keys = 0;
const nextKey = () => {
  keys += 1;
  return `bench-${keys}`;
};

async function timeEach(client: Client, submit: Submit, clear: () => Promise<void>): Promise<number[]> {
  const sql = client();
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS_ALONE; round += 1) {
    for (let index = 0; index < SYMBOLS; index += 1) {
      const started = performance.now();
      await submit(sql, symbolOf(index), nextKey());
      if (round > 0) times.push(performance.now() - started);
    }
    await clear();
  }
  await sql.end();
  return times;
}

async function throughput(connections: number, client: Client, submit: Submit, clear: () => Promise<void>) {
  const clients = Array.from({ length: connections }, client);
  await Promise.all(clients.map(async (sql) => sql`select 1`));
  let milliseconds = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    let next = 0;
    const started = performance.now();
    await Promise.all(
      clients.map(async (sql) => {
        for (let index = next++; index < SYMBOLS; index = next++) await submit(sql, symbolOf(index), nextKey());
      }),
    );
    if (round > 0) milliseconds += performance.now() - started;
    await clear();
  }
  await Promise.all(clients.map((sql) => sql.end()));
  return (ROUNDS * SYMBOLS * 1000) / milliseconds;
}

/** Cancels on the spot what was never sent, so that every round finds the symbols free. */
async function clearBook(db: TestDatabase): Promise<void> {
  await db.sql`update public.crypto_orders set status = 'canceled' where status = 'new'`;
}
