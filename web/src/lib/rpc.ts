import { renewSession } from "./session.ts";
import { supabase } from "./supabase.ts";

/** A refusal or failure of a call, in words an operator can act on. */
export class CallError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The code of a CallError when nobody answered. */
export const NO_ANSWER = "no_answer";

/** Calls a database function and returns its jsonb answer. Throws CallError. */
export async function callRpc<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
  const { data, error, status } = await supabase.rpc(name, args);
  if (!error) return data as T;
  if (status === 0) throw new CallError(NO_ANSWER, "The API does not answer.");
  if (status === 401) void renewSession();
  throw new CallError(error.code ?? "unknown", sentence(error.message, error.details));
}

/** Starts a tick by hand and returns its result. Throws CallError. */
export async function invokeTick(name: string): Promise<TickAnswer> {
  const { data, error } = await supabase.functions.invoke<TickAnswer>(name, { body: { trigger: "manual" } });
  if (!error && data) return data;
  const context: unknown = error && "context" in error ? error.context : undefined;
  const body: unknown = context instanceof Response ? await context.json().catch(() => ({})) : {};
  const text = typeof body === "object" && body !== null && "message" in body ? String(body.message) : error?.message;
  throw new CallError("function_error", text ?? `${name} did not answer.`);
}

/** What a function answers to a person. */
export interface TickAnswer {
  readonly outcome: string;
  readonly reason?: string;
  readonly error?: string;
}

function sentence(message: string, details: string | null | undefined): string {
  if (!details) return message;
  return /\s/.test(message) ? `${message} ${details}` : details;
}
