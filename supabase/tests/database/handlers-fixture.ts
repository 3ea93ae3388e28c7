import type { Broker } from "../../../shared/broker/port.ts";
import { paperBroker } from "../../functions/_shared/brokers/paper.ts";
import type { BrokerContext, TickDeps } from "../../functions/_shared/run.ts";
import type { Store, TickName } from "../../functions/_shared/store.ts";
import type { TickRequest, TickResult } from "../../functions/_shared/tick.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { runTick } from "../support/run-tick.ts";
import { type ScriptedMarket, scriptedMarket } from "../support/scripted-market.ts";
import { sqlStore } from "../support/sql-store.ts";

export const BTC = "BTC-USD";

/** The real ticks on the real SQL, with a scripted market and the paper exchange, under a clock that the test moves. */
export interface Bench {
  readonly db: TestDatabase;
  readonly market: ScriptedMarket;
  readonly store: Store;
  now(): number;
  /** Moves the clock on. */
  pass(seconds: number): Promise<void>;
  /** Sets a knob as an operator would in the SQL editor. */
  knob(key: string, value: string): Promise<void>;
  /** Runs a tick; a broker given here stands between the tick and the paper exchange. */
  tick(name: TickName, request?: Partial<TickRequest>, around?: (broker: Broker) => Broker): Promise<TickResult>;
  /** Quotes the symbol now, with a rising trend of candles behind it. */
  price(bid: string, ask: string): void;
  orders(): Promise<readonly Order[]>;
  drop(): Promise<void>;
}

/** The columns of an order that these tests read. */
export interface Order {
  readonly id: string;
  readonly status: string;
  readonly unresolved: boolean;
  readonly side: string;
  readonly urgency: string;
  readonly limit_price: string;
  readonly qty: string;
  readonly filled_qty: string;
  readonly replace_count: number;
  readonly parent_order_id: string | null;
  readonly cancel_reason_code: string | null;
}

/** Opens a bench at noon of a Sunday. */
export const openBench = async (): Promise<Bench> => {
  const db = await testDatabase();
  const market = scriptedMarket();
  const store = sqlStore(db.as("service_role"));
  let now = Date.parse("2026-03-01T12:00:00Z");
  await db.setClock(new Date(now));
  await db.sql`update public.instruments set enabled = (symbol = ${BTC})`;
  const knob = async (key: string, value: string) => {
    await db.sql`update public.config set value = ${value} where key = ${key}`;
  };
  return {
    db,
    market,
    store,
    now: () => now,
    pass: async (seconds) => {
      now = (await db.advanceClock(seconds)).getTime();
    },
    knob,
    tick: (name, request = {}, around = (broker) => broker) => {
      const brokers = (_: string, context: BrokerContext) => around(paperBroker(store, context));
      const deps: TickDeps = { store, market, brokers };
      return runTick(name, deps, { slot: null, trigger: "wake", ...request });
    },
    price: (bid, ask) => {
      market.quote(BTC, bid, ask, now);
      market.trend(BTC, Number(bid), 0.01, now);
    },
    orders: async () => db.sql<Order[]>`
      select id, status, unresolved, side, urgency, trim_scale(limit_price)::text as limit_price, trim_scale(qty)::text as qty,
        trim_scale(filled_qty)::text as filled_qty, replace_count, parent_order_id, cancel_reason_code
      from public.crypto_orders order by requested_at, id`,
    drop: () => db.drop(),
  };
};
