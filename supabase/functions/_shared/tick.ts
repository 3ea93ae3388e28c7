import { messageOf } from "./log.ts";
import { StoreError } from "./rpc.ts";
import { count, type Findings, noFindings, type TickBody, type TickDeps, work } from "./run.ts";
import type { BeginAnswer, FinishAnswer, TickName, Trigger } from "./store.ts";
import type { Json } from "./wire/write.ts";

/** Why and for which slot a tick is started; only the schedule has slots. */
export interface TickRequest {
  readonly slot: string | null;
  readonly trigger: Trigger;
}

/** What became of a tick, all its rounds together. */
export interface TickResult {
  readonly name: TickName;
  readonly outcome: "ok" | "skipped" | "error";
  readonly reason: string | null;
  readonly error: string | null;
  readonly rounds: number;
  readonly runIds: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly reconciliation: readonly Json[];
}

type Running = Extract<BeginAnswer, { outcome: "running" }>;
interface RoundResult {
  readonly error: string | null;
  readonly finish: FinishAnswer | null;
}

/** Work that keeps arriving is left to the next wake, well before a function's time is up. */
const MAX_ROUNDS = 10;
const MAX_MILLIS = 60_000;
const FINISH_TRIES = 2;

const payloadOf = (findings: Findings, error: string | null): Json => ({
  outcome: error === null ? "ok" : "error",
  ...(error === null ? {} : { error }),
  counts: findings.counts,
  ...(findings.reports.length > 0 ? { reports: findings.reports } : {}),
  ...(findings.books.length > 0 ? { broker_books: findings.books } : {}),
  ...(findings.thoughts.length > 0 ? { thoughts: findings.thoughts } : {}),
  ...(findings.heartbeats.length > 0 ? { heartbeats: findings.heartbeats } : {}),
  ...findings.prices,
});

/**
 * Ends the run. No definite answer: once more, which is harmless if the first did arrive. A refusal: without the
 * findings, so that at least the lease is given back and the error recorded.
 */
const finish = async (
  deps: TickDeps,
  begun: Running,
  findings: Findings,
  error: string | null,
): Promise<RoundResult> => {
  let failed = error;
  let payload = payloadOf(findings, error);
  for (let tries = 0; tries < FINISH_TRIES; tries += 1) {
    try {
      return { error: failed, finish: await deps.store.finishTick(begun.runId, begun.token, payload) };
    } catch (thrown) {
      failed = [error, messageOf(thrown)].filter((part) => part !== null).join("; then ");
      deps.log?.("error", "finish_failed", { run_id: begun.runId, message: failed });
      const code = thrown instanceof StoreError ? thrown.code : "refused";
      if (code === "lease_lost") break;
      if (code === "refused") payload = payloadOf({ ...noFindings(), counts: findings.counts }, failed);
    }
  }
  return { error: failed, finish: null };
};

const runRound = async (
  name: TickName,
  body: TickBody,
  deps: TickDeps,
  begun: Running,
  findings: Findings,
): Promise<RoundResult> => {
  try {
    await work(name, body, deps, begun, findings);
  } catch (thrown) {
    deps.log?.("error", "run_failed", { run_id: begun.runId, message: messageOf(thrown) });
    return finish(deps, begun, findings, messageOf(thrown));
  }
  return finish(deps, begun, findings, null);
};

interface Progress {
  readonly counts: Record<string, number>;
  readonly runIds: string[];
  readonly reconciliation: Json[];
}

type End = Pick<TickResult, "outcome" | "reason" | "error">;
const ok: End = { outcome: "ok", reason: null, error: null };

/** Runs one round; null means that work has arrived meanwhile. */
const runOnce = async (
  name: TickName,
  body: TickBody,
  deps: TickDeps,
  request: TickRequest,
  progress: Progress,
): Promise<End | null> => {
  const begun = await deps.store.beginTick(name, request.slot, request.trigger, deps.knobs ?? {});
  if (begun.outcome === "skipped") return { outcome: "skipped", reason: begun.reason, error: null };
  progress.runIds.push(begun.runId);
  const findings = noFindings();
  const { error, finish: finished } = await runRound(name, body, deps, begun, findings);
  for (const [key, by] of Object.entries(findings.counts)) count(progress, key, by);
  progress.reconciliation.push(...(finished?.reconciliation ?? []));
  if (error !== null) return { outcome: "error", reason: null, error };
  return finished?.again === true ? null : ok;
};

const runRounds = async (name: TickName, body: TickBody, deps: TickDeps, request: TickRequest, progress: Progress) => {
  const { elapsedMs = () => 0 } = deps;
  const startedAt = elapsedMs();
  let end = await runOnce(name, body, deps, request, progress);
  for (let round = 1; end === null && round < MAX_ROUNDS && elapsedMs() - startedAt < MAX_MILLIS; round += 1) {
    end = await runOnce(name, body, deps, { slot: null, trigger: "wake" }, progress);
    if (end?.outcome === "skipped") return ok;
  }
  return end ?? ok;
};

/**
 * Runs a tick: begin, work, finish, and again while the database says that work has arrived meanwhile. Nothing that a
 * run throws escapes: it ends that run as an error.
 */
export const runTick = async (
  name: TickName,
  body: TickBody,
  deps: TickDeps,
  request: TickRequest,
): Promise<TickResult> => {
  const progress: Progress = { counts: {}, runIds: [], reconciliation: [] };
  const end = await runRounds(name, body, deps, request, progress).catch(
    (thrown: unknown): End => ({ outcome: "error", reason: null, error: messageOf(thrown) }),
  );
  const result: TickResult = { name, ...end, rounds: progress.runIds.length, ...progress };
  deps.log?.(end.outcome === "error" ? "error" : "info", "tick_ended", { ...result });
  return result;
};
