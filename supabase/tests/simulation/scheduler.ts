import { setImmediate } from "node:timers/promises";
import { StoreError } from "../../functions/_shared/rpc.ts";
import type { Dice } from "./dice.ts";

/** The process died: nothing of its task runs after this. */
export class Crash extends Error {
  constructor(where: string) {
    super(`crash ${where}`);
  }
}

/**
 * What befalls a task at its n-th call to the outside (counted from 1), or at its first one of that name: it dies before
 * or after the call, the answer of the database gets lost, or it stalls before the call for so many seconds while the
 * world goes on.
 */
export interface Fate {
  readonly call: number | string;
  readonly what: "crash_before" | "crash_after" | "answer_lost" | "stall";
  readonly seconds: number;
}

/** Something that runs at once with others; all its calls to the outside go through the gate. */
export interface Task {
  readonly fate: Fate | null;
  readonly work: (gate: Gate) => Promise<unknown>;
}

/** What the scheduler needs of the world. */
export interface Surroundings {
  readonly trace: (line: string) => void;
  readonly note: (what: string, where: string) => void;
  /** Lets the time of a stall pass and returns what runs meanwhile. */
  readonly stalled: (seconds: number) => Promise<readonly Task[]>;
}

/** Takes a call to the outside through the scheduler. */
export type Gate = <Value>(label: string, call: () => Promise<Value>) => Promise<Value>;

interface Waiting {
  readonly label: string;
  readonly start: () => Promise<void>;
  fate: Fate | null;
}

/**
 * Lets tasks run at once and yet the same way every time: each call to the outside waits at a gate, and one call
 * at a time is let through, chosen by the dice. Whatever a task does between two calls must not wait for anything else.
 */
export class Scheduler {
  readonly #dice: Dice;
  readonly #around: Surroundings;
  #rounds = 0;
  #running = 0;
  #waiting: Waiting[] = [];
  #held: Waiting[] = [];
  #failures: unknown[] = [];

  constructor(dice: Dice, around: Surroundings) {
    this.#dice = dice;
    this.#around = around;
  }

  /** Runs the tasks to their ends; a crash ends its task quietly. */
  async run(tasks: readonly Task[]): Promise<void> {
    this.#failures = [];
    for (const task of tasks) this.#begin(task);
    while (this.#running > 0) {
      await setImmediate();
      await this.#letOneThrough();
    }
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  /** Tells whether more than one task is running. */
  get isBusy(): boolean {
    return this.#running > 1;
  }

  #begin({ fate, work }: Task): void {
    this.#running += 1;
    work(this.#gate(fate))
      .catch((error: unknown) => {
        if (!(error instanceof Crash)) this.#failures.push(error);
      })
      .finally(() => {
        this.#running -= 1;
      });
  }

  async #letOneThrough(): Promise<void> {
    if (this.#waiting.length === 0) this.#waiting = this.#held.splice(0, 1);
    if (this.#waiting.length === 0) return;
    this.#rounds += 1;
    const [next] = this.#waiting.splice(Math.floor(this.#dice.roll("turn", this.#rounds) * this.#waiting.length), 1);
    if (next?.fate?.what !== "stall") return next?.start();
    const { seconds } = next.fate;
    this.#around.trace(`  ⏳ stalls ${seconds} s before ${next.label}`);
    this.#around.note(seconds > 120 ? "stalled past the tick's lease" : "stalled past an order's lease", next.label);
    next.fate = null;
    this.#held.push(next);
    for (const task of await this.#around.stalled(seconds)) this.#begin(task);
  }

  #gate(fate: Fate | null): Gate {
    let calls = 0;
    let dead = false;
    let isDone = false;
    return (label, call) =>
      new Promise((resolve, reject) => {
        calls += 1;
        const mine = !isDone && (fate?.call === calls || fate?.call === label) ? fate : null;
        isDone ||= mine !== null;
        const end = (where: string) => {
          this.#around.trace(`  💀 ${where} ${label}`);
          this.#around.note(where, label);
        };
        const die = (where: string) => {
          dead = true;
          end(where);
          reject(new Crash(`${where} ${label}`));
        };
        const start = async () => {
          if (dead) return reject(new Crash("earlier"));
          if (mine?.what === "crash_before") return die("crash before");
          const outcome = await call().then(
            (value) => () => resolve(value),
            (error: unknown) => () => reject(error),
          );
          if (mine?.what === "crash_after") return die("crash after");
          if (mine?.what !== "answer_lost" || !label.startsWith("store.")) return outcome();
          end("answer lost of");
          reject(new StoreError("unavailable", "the answer was lost"));
        };
        this.#waiting.push({ label, start, fate: mine });
      });
  }
}

/** Returns the object with every method's call going through the gate. */
export function gated<Target extends object>(target: Target, gate: Gate, name: string): Target {
  return new Proxy(target, {
    get: (object, key, receiver) => {
      const member: unknown = Reflect.get(object, key, receiver);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => gate(`${name}.${String(key)}`, async () => member.apply(object, args));
    },
  });
}
