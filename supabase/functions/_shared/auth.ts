import { type Result, refusal, success } from "../../../shared/result.ts";
import type { Environment } from "./env.ts";
import type { Problem } from "./http.ts";
import { requestJson } from "./request-json.ts";
import { textOf } from "./wire/read.ts";

/** Who started a tick: the schedule (or a wake), or a person or script that waits for the result. */
export type Caller = "schedule" | "secret_key" | "operator";

const TIMEOUT_MS = 5_000;

const digestOf = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));

/** Compares two texts in a time that tells nothing about where they differ, nor how long the expected one is. */
export const equalsInConstantTime = async (given: string, expected: string): Promise<boolean> => {
  const [a, b] = await Promise.all([digestOf(given), digestOf(expected)]);
  let difference = 0;
  for (let index = 0; index < a.length; index += 1) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
};

const isAnyOf = async (given: string, keys: readonly string[]): Promise<boolean> => {
  const matches = await Promise.all(keys.map((key) => equalsInConstantTime(given, key)));
  return matches.includes(true);
};

const unauthorized = (message: string) => refusal<Problem>({ status: 401, code: "unauthorized", message });
const unverified = refusal<Problem>({
  status: 503,
  code: "auth_unavailable",
  message: "your session cannot be checked at the moment; try again",
});

/** The session's token is checked by the REST API itself, which refuses a forged or expired one. */
const operatorSession = async (bearer: string, environment: Environment): Promise<Result<Caller, Problem>> => {
  const answer = await requestJson({
    method: "POST",
    url: `${environment.supabaseUrl}/rest/v1/rpc/whoami`,
    headers: { apikey: environment.publishableKey, authorization: `Bearer ${bearer}` },
    body: {},
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.kind === "no_answer" || answer.status >= 500) return unverified;
  if (answer.status !== 200) return unauthorized("the session is invalid or has expired; sign in again");
  if (textOf(answer.body, "role") === "operator") return success("operator");
  return refusal({ status: 403, code: "forbidden", message: "only an operator may start a tick" });
};

/** Finds out who calls: the cron token, a secret key or an operator's session; anything else is refused. */
export const authenticate = async (headers: Headers, environment: Environment): Promise<Result<Caller, Problem>> => {
  const token = headers.get("x-cron-token");
  if (token !== null) {
    const isCron = await equalsInConstantTime(token, environment.cronToken);
    return isCron ? success("schedule") : unauthorized("x-cron-token is wrong");
  }
  const apiKey = headers.get("apikey");
  if (apiKey !== null && (await isAnyOf(apiKey, environment.secretKeys))) return success("secret_key");
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (bearer !== undefined) return operatorSession(bearer, environment);
  return unauthorized("send x-cron-token, a secret key as apikey, or an operator's session as Authorization: Bearer");
};
