/** A row of net.http_request_queue. */
export interface QueuedRequest {
  id: string;
  method: string;
  url: string;
  headers: Record<string, unknown> | null;
  body: Buffer | null;
  timeout_milliseconds: number;
}

/** A row of net._http_response, without its time. */
export interface RecordedResponse {
  id: string;
  status_code: number | null;
  content_type: string | null;
  headers: Record<string, string> | null;
  content: string | null;
  timed_out: boolean;
  error_msg: string | null;
}

/** Sends a request once, following redirects; a failure is a recorded response, as with pg_net. */
export async function sendRequest(request: QueuedRequest, ended: AbortSignal): Promise<RecordedResponse> {
  const timeout = AbortSignal.timeout(request.timeout_milliseconds);
  const started = performance.now();
  try {
    const response = await fetch(request.url, {
      method: request.method.toUpperCase(),
      headers: { "User-Agent": "pg_net/0.20.4", ...textHeaders(request.headers) },
      body: request.body === null ? null : new Uint8Array(request.body),
      signal: AbortSignal.any([timeout, ended]),
    });
    return {
      id: request.id,
      status_code: response.status,
      content_type: response.headers.get("content-type"),
      headers: Object.fromEntries(response.headers),
      content: (await response.text()).replaceAll("\0", ""), // a Postgres text can't hold it
      timed_out: false,
      error_msg: null,
    };
  } catch (error) {
    const failure = { id: request.id, status_code: null, content_type: null, headers: null, content: null };
    if (!timeout.aborted) return { ...failure, timed_out: false, error_msg: curlMessage(error) };
    const elapsed = (performance.now() - started).toFixed(6);
    const message = `Timeout of ${request.timeout_milliseconds} ms reached. Total time: ${elapsed} ms`;
    return { ...failure, timed_out: true, error_msg: message };
  }
}

function textHeaders(headers: Record<string, unknown> | null): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));
}

// The words of libcurl for what the platform's fetch calls otherwise.
function curlMessage(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  switch (code) {
    case "ECONNREFUSED":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "Couldn't connect to server";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "Couldn't resolve host name";
    case "UND_ERR_SOCKET":
      return "Server returned nothing (no headers, no data)";
    case "ECONNRESET":
      return "Failure when receiving data from the peer";
    case "ERR_INVALID_URL":
      return "URL using bad/illegal format or missing URL";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
