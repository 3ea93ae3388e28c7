import type { Broker, ExecutionReport, OrderRequest } from "../../shared/broker/port.ts";
import type { Quote } from "../../shared/market/quote.ts";
import { success } from "../../shared/result.ts";
import type { Store } from "../functions/_shared/store.ts";
import { runTick } from "../tests/support/run-tick.ts";
import { scriptedMarket } from "../tests/support/scripted-market.ts";
import { sqlStore } from "../tests/support/sql-store.ts";
import type { ClusterAddress } from "../tests/support/test-cluster.ts";
import { createTestDatabase, type TestDatabase } from "../tests/support/test-database.ts";
import { emit } from "./emit.ts";
import { NOON, openBenchMarket, symbolOf } from "./market.ts";

const SIZES = [10, 100, 1_000];

/** Times the reposition tick over due orders: sending all, and a TTL later looking at all and repricing them. */
export async function benchReposition(address: ClusterAddress): Promise<void> {
  const perOrder: number[] = [];
  for (const size of [10, ...SIZES]) {
    const db = await createTestDatabase(address);
    try {
      await openBenchMarket(db, size);
      await insertOrders(db, size);
      const sent = await measure(db, size, "send");
      const repriced = await measure(db, size, "reprice");
      if (perOrder.push(repriced) === 1) continue; // the first pass warms the code up
      emit("reposition_send_ms_per_order", sent, "ms", { orders: size });
      emit("reposition_ms_per_order", repriced, "ms", { orders: size });
    } finally {
      await db.drop();
    }
  }
  const [, smallest = 1, , largest = 1] = perOrder;
  emit("reposition_cost_growth", largest / smallest, "ratio", { from: SIZES[0], to: SIZES.at(-1) });
}

/** Runs one tick with everything due; returns wall milliseconds an order. */
async function measure(db: TestDatabase, size: number, what: "send" | "reprice"): Promise<number> {
  if (what === "reprice") await passTtl(db);
  const calls = { database: 0, broker: 0 };
  const store = counted(sqlStore(db.as("service_role", {}, { max: 1 })), () => {
    calls.database += 1;
  });
  const broker = counted(instantBroker(await requestsOf(db), what === "reprice" ? "98.00" : "99.99"), () => {
    calls.broker += 1;
  });
  const deps = { store, market: scriptedMarket(), brokers: () => broker };
  const cpu = process.cpuUsage();
  const started = performance.now();
  const result = await runTick("reposition-tick", deps);
  const wall = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  if (result.outcome !== "ok") throw new Error(`the benchmark's tick ended as ${JSON.stringify(result)}`);
  const about = { orders: size, what, counts: result.counts, rounds: result.rounds };
  emit("reposition_database_round_trips", calls.database / result.rounds, "calls a round", about);
  emit("reposition_broker_calls", calls.broker, "calls", about);
  emit("reposition_wall", wall, "ms", about);
  emit("reposition_cpu", (user + system) / 1000, "ms", about);
  return wall / size;
}

/** Exits that wait to be sent, one for each symbol held, written as the engine writes them. */
async function insertOrders(db: TestDatabase, size: number): Promise<void> {
  await db.sql.begin(async (sql) => {
    await sql`set local role zoe_engine`;
    await sql`
      insert into public.positions (mode, symbol, engine, qty, average_price, entry_price, opened_at)
      select 'paper', symbol, 'trader', 0.25, 100, 100, private.clock()
      from public.instruments where symbol like 'B____-USD' order by symbol limit ${size}`;
    await sql`
      with intents as (
        insert into public.order_intents (engine, mode, symbol, side, purpose, target_qty, limit_price, idempotency_key, payload, status)
        select 'trader', 'paper', symbol, 'sell', 'exit', qty, 100.01, 'bench ' || symbol, '{}', 'active' from public.positions
        returning id, symbol
      )
      insert into public.crypto_orders (intent_group_id, engine, mode, symbol, side, purpose, qty, limit_price, ttl_seconds, next_action_at)
      select id, 'trader', 'paper', symbol, 'sell', 'exit', 0.25, 100.01, 30, private.clock() from intents`;
  });
  await db.admin.unsafe("vacuum analyze");
}

async function passTtl(db: TestDatabase): Promise<void> {
  await db.advanceClock(61);
  await db.sql.begin(async (sql) => {
    await sql`set local role zoe_engine`;
    await sql`update public.quotes set bid = 98.00, ask = 98.02, observed_at = private.clock() where true`;
  });
}

async function requestsOf(db: TestDatabase): Promise<Map<string, OrderRequest>> {
  const rows = await db.admin`select id, symbol, qty, limit_price from public.crypto_orders`;
  return new Map(
    rows.map((row) => [
      String(row.id),
      {
        clientOrderId: String(row.id),
        symbol: String(row.symbol),
        side: "sell",
        qty: String(row.qty),
        limitPrice: String(row.limit_price),
      },
    ]),
  );
}

/** A broker that knows every order as working and answers at once. */
function instantBroker(orders: Map<string, OrderRequest>, bid: string): Broker {
  let now = Date.parse(NOON);
  const later = () => {
    now += 1;
    return now;
  };
  const canceled = new Set<string>();
  const report = (order: OrderRequest): ExecutionReport => ({
    ...order,
    brokerOrderId: order.clientOrderId,
    state: canceled.has(order.clientOrderId) ? "canceled" : "working",
    filledQty: "0",
    averagePrice: null,
    fee: "0",
    fills: [],
    reason: null,
    observedAt: later(),
  });
  const quote = (symbol: string): Quote => ({
    symbol,
    bid,
    ask: (Number(bid) + 0.02).toFixed(2),
    bidSize: null,
    askSize: null,
    source: "bench",
    observedAt: Date.parse(NOON) + 61_000,
  });
  return {
    place: async (order) => {
      orders.set(order.clientOrderId, order);
      return success(report(order));
    },
    cancel: async (clientOrderId) => {
      canceled.add(clientOrderId);
      return success({ clientOrderId, observedAt: later() });
    },
    getOrder: async (id) =>
      success(
        report(orders.get(id) ?? { clientOrderId: id, symbol: symbolOf(0), side: "sell", qty: "1", limitPrice: "1" }),
      ),
    listOpenOrders: async () => success([...orders.values()].map(report)),
    balances: async () => success({ cash: "10000000", reservedCash: "0", observedAt: now }),
    holdings: async () => success({ quantities: {}, observedAt: now }),
    quotes: async (symbols) => success(symbols.map(quote)),
  };
}

/** Returns the object with every call of a method counted. */
function counted<Target extends Store | Broker>(target: Target, count: () => void): Target {
  return new Proxy(target, {
    get: (object, key, receiver) => {
      const member: unknown = Reflect.get(object, key, receiver);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        count();
        return member.apply(object, args);
      };
    },
  });
}
