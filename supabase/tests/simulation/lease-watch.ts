import type { BeginAnswer, Store, TickName } from "../../functions/_shared/store.ts";

const TICK_LEASE_MS = 120_000;

interface Lease {
  readonly runId: string;
  readonly until: number;
}

/** Keeps its own account of who holds which tick's lease, and notes every write by somebody who did not. */
export class LeaseWatch {
  readonly violations: string[] = [];
  readonly #now: () => number;
  readonly #leases = new Map<TickName, Lease>();
  readonly #finished = new Set<string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the store of a tick, watched. */
  over(store: Store, name: TickName): Store {
    return {
      ...store,
      beginTick: async (...args) => {
        const answer = await store.beginTick(...args);
        this.#begun(name, answer);
        return answer;
      },
      commitTick: async (runId, token, payload) => {
        const answer = await store.commitTick(runId, token, payload);
        this.#wrote(name, runId, "commit_tick");
        return answer;
      },
      finishTick: async (runId, token, payload) => {
        const answer = await store.finishTick(runId, token, payload);
        if (!this.#finished.has(runId)) this.#wrote(name, runId, "finish_tick");
        this.#finished.add(runId);
        return answer;
      },
    };
  }

  #begun(name: TickName, answer: BeginAnswer): void {
    if (answer.outcome !== "running") return;
    const held = this.#leases.get(name);
    if (held && held.until > this.#now() && !this.#finished.has(held.runId))
      this.violations.push(`${name} began while another run held its lease`);
    this.#leases.set(name, { runId: answer.runId, until: this.#now() + TICK_LEASE_MS });
  }

  #wrote(name: TickName, runId: string, call: string): void {
    const held = this.#leases.get(name);
    if (held?.runId !== runId) this.violations.push(`${call} of a ${name} that another run had taken over was let in`);
    else if (held.until <= this.#now()) this.violations.push(`${call} of a ${name} whose lease had run out was let in`);
    else this.#leases.set(name, { runId, until: this.#now() + TICK_LEASE_MS });
  }
}
