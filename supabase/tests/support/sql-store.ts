import postgres from "postgres";
import { type RpcCall, StoreError, storeError } from "../../functions/_shared/rpc.ts";
import { type Store, storeOver } from "../../functions/_shared/store.ts";

type Sql = postgres.Sql;

/** The arguments of each engine function, with the types that PostgREST would cast their JSON to. */
const ARGUMENT_TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  begin_tick: { name: "text", slot: "timestamptz", trigger: "text", env: "jsonb" },
  commit_tick: { run_id: "uuid", token: "bigint", payload: "jsonb" },
  finish_tick: { run_id: "uuid", token: "bigint", payload: "jsonb" },
  paper_exchange_load: { p_order_ids: "uuid[]" },
  paper_exchange_save: { p_expected_version: "bigint", p_state: "jsonb", p_closed_orders: "jsonb" },
};

const asParameter = (value: unknown, type: string): string | string[] | null => {
  if (value === null || value === undefined) return null;
  if (type === "uuid[]") return `{${(value as readonly string[]).join(",")}}`;
  return type === "jsonb" ? JSON.stringify(value) : String(value);
};

const toStoreError = (name: string, thrown: unknown): unknown => {
  if (thrown instanceof postgres.PostgresError) {
    return storeError(name, thrown.code, thrown.message, thrown.detail ?? null);
  }
  const code: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" ? new StoreError("unavailable", `${name}: ${code}`) : thrown;
};

/**
 * Calls the engine's functions over a postgres-js client, each call one statement and so one transaction, as over
 * REST. The client's sessions must act as service_role (`db.as("service_role")`).
 */
export const sqlRpc =
  (sql: Sql): RpcCall =>
  async (name, args) => {
    const types = ARGUMENT_TYPES[name];
    if (types === undefined) throw new Error(`the SQL store does not know ${name}`);
    const names = Object.keys(args);
    const list = names.map((key, index) => `${key} => ($${index + 1}::text)::${types[key]}`).join(", ");
    const values = names.map((key) => asParameter(args[key], types[key] ?? "text"));
    try {
      const [row] = await sql.unsafe<{ answer: unknown }[]>(`select public.${name}(${list}) as answer`, values, {
        prepare: true,
      });
      return row?.answer ?? null;
    } catch (thrown) {
      throw toStoreError(name, thrown);
    }
  };

/** Returns the ticks' store directly over SQL, for simulation, backtest and tests. */
export const sqlStore = (sql: Sql): Store => storeOver(sqlRpc(sql));
