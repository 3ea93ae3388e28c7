import { setImmediate } from "node:timers/promises";
import type { Dice } from "./dice.ts";

/** The process died: nothing of its task runs after this. */
export class Crash extends Error {
  constructor(where: string) {
    super(`crash ${where}`);
  }
}

/** Where a task dies: before or after its n-th call to the outside (counted from 1). */
export interface CrashPlan {
  readonly call: number;
  readonly when: "before" | "after";
}

interface Waiting {
  readonly task: number;
  readonly start: () => Promise<void>;
}

/**
 * Lets tasks run at once and yet the same way every time: each call to the outside waits at a gate, and one call
 * at a time is let through, chosen by the dice.
 */
export class Scheduler {
  readonly #dice: Dice;
  readonly #trace: (line: string) => void;
  #rounds = 0;
  #waiting: Waiting[] = [];

  constructor(dice: Dice, trace: (line: string) => void) {
    this.#dice = dice;
    this.#trace = trace;
  }

  /** Runs the tasks to their ends. A task gets the gate that its calls go through; a crash ends it quietly. */
  async run(
    tasks: readonly { readonly crash: CrashPlan | null; readonly work: (gate: Gate) => Promise<unknown> }[],
  ): Promise<void> {
    let running = tasks.length;
    const failures: unknown[] = [];
    tasks.forEach(({ crash, work }, task) => {
      work(this.#gate(task, crash))
        .catch((error: unknown) => {
          if (!(error instanceof Crash)) failures.push(error);
        })
        .finally(() => {
          running -= 1;
        });
    });
    while (running > 0) {
      await setImmediate();
      await setImmediate();
      if (this.#waiting.length === 0) continue;
      this.#rounds += 1;
      const [next] = this.#waiting.splice(Math.floor(this.#dice.roll("turn", this.#rounds) * this.#waiting.length), 1);
      await next?.start();
    }
    if (failures.length > 0) throw failures[0];
  }

  #gate(task: number, crash: CrashPlan | null): Gate {
    let calls = 0;
    let dead = false;
    return (label, call) =>
      new Promise((resolve, reject) => {
        calls += 1;
        const dies = crash?.call === calls ? crash.when : null;
        this.#waiting.push({
          task,
          start: async () => {
            if (dead) return reject(new Crash("earlier"));
            if (dies === "before") {
              dead = true;
              this.#trace(`  💀 crash before ${label}`);
              return reject(new Crash(`before ${label}`));
            }
            const outcome = await call().then(
              (value) => () => resolve(value),
              (error: unknown) => () => reject(error),
            );
            if (dies !== "after") return outcome();
            dead = true;
            this.#trace(`  💀 crash after ${label}`);
            reject(new Crash(`after ${label}`));
          },
        });
      });
  }
}

/** Takes a call to the outside through the scheduler. */
export type Gate = <Value>(label: string, call: () => Promise<Value>) => Promise<Value>;

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
