import { readEnvironment, secretsOf } from "../env.ts";
import { jsonLog } from "../log.ts";
import { productionDeps } from "../production.ts";
import type { TickBody } from "../run.ts";
import { serveTick } from "../serve.ts";
import type { TickName } from "../store.ts";
import { runTick } from "../tick.ts";

interface Runtime {
  readonly EdgeRuntime?: { waitUntil(work: Promise<unknown>): void };
}

/** Returns the request handler of a tick's Edge Function, wired to the environment it runs in. */
export const tickFunction = (name: TickName, body: TickBody): ((request: Request) => Promise<Response>) => {
  const environment = readEnvironment(Deno.env.toObject());
  const secrets = environment.ok ? secretsOf(environment.value) : [];
  const log = jsonLog(name, secrets, (line) => console.log(line));
  // One for all requests: the market feed's pace is kept across them.
  const deps = environment.ok ? productionDeps(environment.value, log) : null;
  return serveTick({
    environment,
    log,
    run: (request) => {
      if (deps === null) throw new Error("the environment is incomplete");
      return runTick(name, body, deps, request);
    },
    waitUntil: (work) => (globalThis as Runtime).EdgeRuntime?.waitUntil(work),
  });
};
