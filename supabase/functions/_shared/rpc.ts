import { requestJson } from "./request-json.ts";
import { textOf } from "./wire/read.ts";

/** Calls a database function by name with named arguments and returns its JSON answer; throws StoreError. */
export type RpcCall = (name: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** `lease_lost`: another worker has the lease, nothing was committed. `refused`: the database said no. `unavailable`: no definite answer. */
export type StoreErrorCode = "lease_lost" | "refused" | "unavailable";

/** A database call that did not succeed. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string) {
    super(message);
    this.name = "StoreError";
    this.code = code;
  }
}

const TIMEOUT_MS = 20_000;
const LEASE_LOST = "lease_lost";

/** SQLSTATE classes of what may pass when it is tried again: connections, resources, deadlocks, shutdowns, the API's own connection. */
const MAY_PASS = /^(08|40|53|55P03|57|PGRST00)/;

/** Tells which kind a database error is, from its message and SQLSTATE. */
export const storeError = (
  call: string,
  sqlState: string | null,
  message: string,
  detail: string | null,
): StoreError => {
  const text = `${call}: ${message}${detail ? ` (${detail})` : ""}${sqlState ? ` [${sqlState}]` : ""}`;
  if (message.includes(LEASE_LOST)) return new StoreError("lease_lost", text);
  return new StoreError(sqlState !== null && MAY_PASS.test(sqlState) ? "unavailable" : "refused", text);
};

/** Headers with which a key is presented: new keys only as `apikey`, a legacy JWT key also as bearer. */
export const keyHeaders = (key: string): Record<string, string> =>
  key.startsWith("eyJ") ? { apikey: key, authorization: `Bearer ${key}` } : { apikey: key };

/**
 * Returns the RPC client of the project's REST API. The database speaks in JSON, and refuses with a code of its own: no
 * answer, garbage, or a gateway's error without such a code is `unavailable`, which proves nothing.
 */
export const restRpc =
  (supabaseUrl: string, secretKey: string): RpcCall =>
  async (name, args) => {
    const url = `${supabaseUrl}/rest/v1/rpc/${name}`;
    const answer = await requestJson({
      method: "POST",
      url,
      headers: keyHeaders(secretKey),
      body: args,
      timeoutMs: TIMEOUT_MS,
    });
    if (answer.kind === "no_answer") throw new StoreError("unavailable", `${name}: ${answer.message}`);
    const { status, body } = answer;
    if (body === undefined) throw new StoreError("unavailable", `${name}: HTTP ${status} without JSON`);
    if (status >= 200 && status < 300) return body;
    const code = textOf(body, "code");
    const message = textOf(body, "message") ?? `HTTP ${status}`;
    if (code === null) throw new StoreError("unavailable", `${name}: ${message}`);
    throw storeError(name, code, message, textOf(body, "details"));
  };
