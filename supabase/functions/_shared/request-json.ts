import { messageOf } from "./log.ts";

/** What a server answered, or why there is no answer. `body` is undefined when it was no JSON. */
export type HttpAnswer =
  | { readonly kind: "answer"; readonly status: number; readonly body: unknown; readonly headers: Headers }
  | { readonly kind: "no_answer"; readonly message: string };

/** One request; `timeoutMs` covers connecting, the answer and its body. */
export interface JsonRequest {
  readonly method?: "GET" | "POST";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly timeoutMs: number;
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const reasonOf = (thrown: unknown): string => {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined ? messageOf(thrown) : `${messageOf(thrown)}: ${messageOf(cause)}`;
};

/** Sends a request and reads the answer as JSON. Never throws and never follows a redirect, which could repeat an order. */
export const requestJson = async ({
  method = "GET",
  url,
  headers,
  body,
  timeoutMs,
}: JsonRequest): Promise<HttpAnswer> => {
  try {
    const response = await fetch(url, {
      method,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { kind: "answer", status: response.status, body: parse(await response.text()), headers: response.headers };
  } catch (thrown) {
    return { kind: "no_answer", message: reasonOf(thrown) };
  }
};

/** Reads `Retry-After` in seconds; null when it is absent or a date. */
export const retryAfterSeconds = (headers: Headers): number | null => {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
};
