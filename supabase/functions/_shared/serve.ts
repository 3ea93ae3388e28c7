import { parseInstant } from "../../../shared/market/instant.ts";
import { type Result, refusal, success } from "../../../shared/result.ts";
import { authenticate, type Caller } from "./auth.ts";
import type { Environment } from "./env.ts";
import { corsHeaders, json, type Problem, problem, readJsonObject } from "./http.ts";
import { type Log, messageOf } from "./log.ts";
import type { TickRequest, TickResult } from "./tick.ts";

/** What serving a tick needs; `waitUntil` keeps the function alive for work that outlives the answer. */
export interface ServeOptions {
  readonly environment: Result<Environment, readonly string[]>;
  readonly run: (request: TickRequest) => Promise<TickResult>;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly log: Log;
}

const bad = (message: string) => refusal<Problem>({ status: 400, code: "bad_request", message });

const readTickRequest = (body: Record<string, unknown>, caller: Caller): Result<TickRequest, Problem> => {
  const { slot = null, trigger = caller === "schedule" ? "cron" : "manual" } = body;
  if (slot !== null && (typeof slot !== "string" || parseInstant(slot) === null)) {
    return bad("slot must be an ISO 8601 time with a zone");
  }
  if (trigger !== "cron" && trigger !== "wake" && trigger !== "manual") {
    return bad("trigger must be cron, wake or manual");
  }
  if (caller !== "schedule") return success({ slot: null, trigger: "manual" });
  return success({ slot, trigger: trigger === "manual" ? "wake" : trigger });
};

const misconfigured = (problems: readonly string[]): Problem => ({
  status: 503,
  code: "misconfigured",
  message: `this function's environment is incomplete: ${problems.join("; ")}`,
});

const methodProblem: Problem = { status: 405, code: "method_not_allowed", message: "a tick is started with POST" };

const accept = async (request: Request, environment: Environment): Promise<Result<[Caller, TickRequest], Problem>> => {
  if (request.method !== "POST") return refusal(methodProblem);
  const caller = await authenticate(request.headers, environment);
  if (!caller.ok) return caller;
  const body = await readJsonObject(request);
  if (!body.ok) return body;
  const tick = readTickRequest(body.value, caller.value);
  return tick.ok ? success([caller.value, tick.value]) : tick;
};

/**
 * Returns the handler of a tick's function. The schedule gets 202 at once, because pg_net waits for its slowest
 * request, and the work goes on; a person or a script gets the result.
 */
export const serveTick = (options: ServeOptions): ((request: Request) => Promise<Response>) => {
  const { environment, run, waitUntil, log } = options;
  if (!environment.ok) log("error", "misconfigured", { problems: environment.error });
  return async (request) => {
    if (!environment.ok) return problem(misconfigured(environment.error), {});
    const cors = corsHeaders(request.headers.get("origin"), environment.value.dashboardOrigins);
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: cors });
    const accepted = await accept(request, environment.value);
    if (!accepted.ok) {
      log("warn", "request_refused", { status: accepted.error.status, code: accepted.error.code });
      return problem(accepted.error, cors);
    }
    const [caller, tick] = accepted.value;
    const work = run(tick);
    if (caller === "schedule") {
      waitUntil(work.catch((thrown) => log("error", "tick_crashed", { message: messageOf(thrown) })));
      return json(202, { accepted: true }, cors);
    }
    return work.then(
      (result) => json(result.outcome === "error" ? 500 : 200, result, cors),
      (thrown) => {
        log("error", "tick_crashed", { message: messageOf(thrown) });
        return problem({ status: 500, code: "tick_crashed", message: "the tick crashed; its log says why" }, cors);
      },
    );
  };
};
