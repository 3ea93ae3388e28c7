import type postgres from "postgres";
import type { TestDatabase } from "./database.ts";

type Json = Record<string, unknown>;

/** What begin_tick answers to a run that may work. */
export interface StartedRun {
  outcome: "running";
  run_id: string;
  token: string | number;
  now: string;
  trace_id: string;
  work: Json & { orders: Json[]; config: Record<string, string>; quotes: Json[]; instruments: Json[] };
}

/** What begin_tick answers otherwise. */
export interface SkippedRun {
  outcome: "skipped";
  reason: string;
}

/** The engine's RPCs as the Edge Functions call them: role service_role, JSON in and out. */
export function tickRpc(db: TestDatabase) {
  const sql = db.as("service_role");
  const json = (value: unknown) => sql.json(value as postgres.JSONValue);
  const begin = async (
    name: string,
    { slot = null, trigger = "wake", env = null }: { slot?: string | null; trigger?: string; env?: Json | null } = {},
  ): Promise<StartedRun | SkippedRun> => {
    const [row] = await sql`select public.begin_tick(${name}, ${slot}, ${trigger}, ${env && json(env)}) as answer`;
    return row?.answer;
  };
  return {
    sql,
    begin,
    /** Begins a run, or throws with the reason it was skipped for. */
    start: async (name: string, options?: Parameters<typeof begin>[1]): Promise<StartedRun> => {
      const answer = await begin(name, options);
      if (answer.outcome === "skipped") throw new Error(`${name} was skipped: ${answer.reason}`);
      return answer;
    },
    commit: async (run: StartedRun, payload: Json): Promise<{ intents: Json[]; reports: Json[]; orders: Json[] }> => {
      const [row] = await sql`select public.commit_tick(${run.run_id}, ${run.token}, ${json(payload)}) as answer`;
      return row?.answer;
    },
    finish: async (
      run: StartedRun,
      payload: Json = { outcome: "ok" },
    ): Promise<{ again: boolean; reports: Json[]; reconciliation: Json[] }> => {
      const [row] = await sql`select public.finish_tick(${run.run_id}, ${run.token}, ${json(payload)}) as answer`;
      return row?.answer;
    },
  };
}

/** A quote of the given symbol with a one-cent spread, observed at the moment. */
export function quoteAt(at: string | Date, symbol = "BTC-USD", bid = "60000.00", ask = "60000.01"): Json {
  const observedAt = new Date(at).toISOString();
  return { symbol, bid, ask, bid_size: "1", ask_size: "1", source: "test", observed_at: observedAt };
}

/** An entry of the trader for 20 USD at the ask, unless told otherwise. */
export function entry(key: string, changes: Json = {}): Json {
  return {
    engine: "trader",
    mode: "paper",
    symbol: "BTC-USD",
    side: "buy",
    purpose: "entry",
    notional: "20",
    limit_price: "60000.00",
    idempotency_key: key,
    strategy: "momentum",
    reason: "a test says so",
    ...changes,
  };
}
