import type { BeginAnswer, CommitAnswer, FinishAnswer, Store } from "./store.ts";
import type { Json } from "./wire/write.ts";

/** What a test's store was told, in order. */
export interface Told {
  readonly call: "begin" | "commit" | "finish";
  readonly payload: Json;
}

/** A store without a database: it answers what a test says and remembers what it was told. */
export interface FakeStore extends Store {
  readonly told: Told[];
}

/** Returns a run's beginning with the given work, at noon of 2026-03-01. */
export const running = (work: Json = {}): BeginAnswer => ({
  outcome: "running",
  runId: "r1",
  token: 7,
  now: Date.UTC(2026, 2, 1, 12),
  traceId: "r1",
  work,
});

/** Returns a store that answers `begins` one after the other, then `skipped`; functions may throw. */
export const fakeStore = (
  begins: readonly BeginAnswer[],
  commit: (payload: Json) => Partial<CommitAnswer> = () => ({}),
  finish: (payload: Json) => Partial<FinishAnswer> = () => ({}),
): FakeStore => {
  const told: Told[] = [];
  let state: unknown = null;
  let version = 0;
  const closed: Record<string, unknown> = {};
  return {
    told,
    beginTick: async (name, slot, trigger, env) => {
      const answer = begins[told.filter(({ call }) => call === "begin").length];
      told.push({ call: "begin", payload: { name, slot, trigger, env } });
      return answer ?? { outcome: "skipped", reason: "not_due" };
    },
    commitTick: async (_, __, payload) => {
      told.push({ call: "commit", payload });
      return { intents: [], reports: [], orders: [], ...commit(payload) };
    },
    finishTick: async (_, __, payload) => {
      told.push({ call: "finish", payload });
      return { again: false, reports: [], reconciliation: [], ...finish(payload) };
    },
    paperLoad: async (ids) => {
      const asked = ids.filter((id) => id in closed).map((id) => [id, structuredClone(closed[id])]);
      return { version, state: structuredClone(state), closedOrders: Object.fromEntries(asked) };
    },
    paperSave: async (expected, next, done) => {
      if (expected !== version) return false;
      state = structuredClone(next);
      Object.assign(closed, structuredClone(done));
      version += 1;
      return true;
    },
  };
};
