import { type Result, refusal, success } from "../../../shared/result.ts";

/** Why a request was not served: the HTTP status, a stable code and a sentence. */
export interface Problem {
  readonly status: 400 | 401 | 403 | 405 | 413 | 500 | 503;
  readonly code: string;
  readonly message: string;
}

const MAX_BODY_BYTES = 16 * 1024;

const wildcardMatches = (allowed: string, origin: string): boolean => {
  const [scheme, host] = allowed.split("//*.");
  if (scheme === undefined || host === undefined || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  return url.protocol === scheme && url.host.endsWith(`.${host}`) && url.origin === origin;
};

/** Returns CORS headers for an allowed origin (`https://zoe.netlify.app`, or `https://*.netlify.app` for its previews), else none. */
export const corsHeaders = (origin: string | null, allowed: readonly string[]): Record<string, string> => {
  const isAllowed = origin !== null && allowed.some((entry) => entry === origin || wildcardMatches(entry, origin));
  if (!isAllowed) return { vary: "Origin" };
  return {
    vary: "Origin",
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "authorization, apikey, content-type, x-client-info",
    "access-control-max-age": "600",
  };
};

/** Answers with JSON. */
export const json = (status: number, body: unknown, headers: Record<string, string>): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", ...headers },
  });

/** Answers with a problem's code and sentence. */
export const problem = ({ status, code, message }: Problem, headers: Record<string, string>): Response =>
  json(status, { code, message }, status === 405 ? { ...headers, allow: "POST, OPTIONS" } : headers);

const tooLarge = refusal<Problem>({
  status: 413,
  code: "body_too_large",
  message: `the body may have at most ${MAX_BODY_BYTES} bytes`,
});

const readText = async (request: Request): Promise<Result<string, Problem>> => {
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) return tooLarge;
  const reader = request.body?.getReader();
  if (reader === undefined) return success("");
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return success(text + decoder.decode());
    bytes += value.byteLength;
    if (bytes > MAX_BODY_BYTES) {
      await reader.cancel();
      return tooLarge;
    }
    text += decoder.decode(value, { stream: true });
  }
};

/** Reads a JSON object of at most 16 KiB; an empty body is an empty object. */
export const readJsonObject = async (request: Request): Promise<Result<Record<string, unknown>, Problem>> => {
  const text = await readText(request);
  if (!text.ok) return text;
  const bad = refusal<Problem>({ status: 400, code: "bad_body", message: "the body must be a JSON object" });
  try {
    const body: unknown = JSON.parse(text.value.trim() === "" ? "{}" : text.value);
    return typeof body === "object" && body !== null && !Array.isArray(body)
      ? success(body as Record<string, unknown>)
      : bad;
  } catch {
    return bad;
  }
};
