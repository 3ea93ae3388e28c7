import type { EnvironmentKnob } from "../../../shared/config/parse-config.ts";
import type { Millis } from "../../../shared/market/instant.ts";
import type { RpcCall } from "./rpc.ts";
import { type ClaimedOrder, readClaimedOrder } from "./wire/claimed-order.ts";
import * as read from "./wire/read.ts";
import type { Json } from "./wire/write.ts";

export const TICK_NAMES = ["trader-tick", "edge-factory-tick", "reposition-tick"] as const;
export type TickName = (typeof TICK_NAMES)[number];
export type Trigger = "cron" | "wake" | "manual";

/** A run that was let in holds its tick's lease; `work` is still as it came. */
export type BeginAnswer =
  | { readonly outcome: "skipped"; readonly reason: string }
  | {
      readonly outcome: "running";
      readonly runId: string;
      readonly token: number;
      readonly now: Millis;
      readonly traceId: string;
      readonly work: unknown;
    };

/** Answers of submit_intent in order, results of reports, and orders to send or cancel now. */
export interface CommitAnswer {
  readonly intents: readonly Json[];
  readonly reports: readonly Json[];
  readonly orders: readonly ClaimedOrder[];
}

export interface FinishAnswer {
  readonly again: boolean;
  readonly reports: readonly Json[];
  readonly reconciliation: readonly Json[];
}

/** The paper exchange's stored book; documents of closed orders come only for the ids asked. */
export interface StoredExchange {
  readonly version: number;
  readonly state: unknown;
  readonly closedOrders: Readonly<Record<string, unknown>>;
}

/** The database as the ticks see it. Every method throws StoreError: `lease_lost` means nothing was committed. */
export interface Store {
  beginTick(
    name: TickName,
    slot: string | null,
    trigger: Trigger,
    env: Readonly<Record<string, EnvironmentKnob>>,
  ): Promise<BeginAnswer>;
  commitTick(runId: string, token: number, payload: Json): Promise<CommitAnswer>;
  finishTick(runId: string, token: number, payload: Json): Promise<FinishAnswer>;
  paperLoad(orderIds: readonly string[]): Promise<StoredExchange>;
  /** Returns false, having written nothing, when somebody else has saved since. */
  paperSave(expectedVersion: number, state: unknown, closedOrders: Readonly<Record<string, unknown>>): Promise<boolean>;
}

const object = (item: unknown): Json => {
  if (typeof item !== "object" || item === null) throw new read.Malformed("an object was expected");
  return item as Json;
};

const readBegin = (answer: unknown): BeginAnswer => {
  const outcome = read.oneOf(answer, "outcome", ["skipped", "running"]);
  if (outcome === "skipped") return { outcome, reason: read.textOf(answer, "reason") ?? "" };
  return {
    outcome,
    runId: read.text(answer, "run_id"),
    token: read.integer(answer, "token"),
    now: read.instant(answer, "now"),
    traceId: read.textOf(answer, "trace_id") ?? "",
    work: read.fieldOf(answer, "work"),
  };
};

/** Returns the store over any way to call the database's functions. */
export const storeOver = (call: RpcCall): Store => ({
  beginTick: async (name, slot, trigger, env) => readBegin(await call("begin_tick", { name, slot, trigger, env })),
  commitTick: async (runId, token, payload) => {
    const answer = await call("commit_tick", { run_id: runId, token, payload });
    return {
      intents: read.listIn(answer, "intents", object),
      reports: read.listIn(answer, "reports", object),
      orders: read.listIn(answer, "orders", readClaimedOrder),
    };
  },
  finishTick: async (runId, token, payload) => {
    const answer = await call("finish_tick", { run_id: runId, token, payload });
    return {
      again: read.fieldOf(answer, "again") === true,
      reports: read.listIn(answer, "reports", object),
      reconciliation: read.listIn(answer, "reconciliation", object),
    };
  },
  paperLoad: async (orderIds) => {
    const answer = await call("paper_exchange_load", { p_order_ids: orderIds });
    return {
      version: read.integer(answer, "version"),
      state: read.fieldOf(answer, "state") ?? null,
      closedOrders: object(read.fieldOf(answer, "closed_orders") ?? {}),
    };
  },
  paperSave: async (expectedVersion, state, closedOrders) => {
    const args = { p_expected_version: expectedVersion, p_state: state, p_closed_orders: closedOrders };
    return read.boolean(await call("paper_exchange_save", args), "saved");
  },
});
