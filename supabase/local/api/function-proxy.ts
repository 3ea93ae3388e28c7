import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { FunctionProcess } from "../functions/function-process.ts";
import { CORS } from "./cors.ts";
import { sendJson } from "./http.ts";

const BOOT_PATIENCE_MS = 10_000;
/** The hosted runtime's limit for a request without an answer. */
const IDLE_TIMEOUT_MS = 150_000;

/** Hands the request to the function's own process, with the hosted runtime's answers for what can go wrong. */
export async function proxyToFunction(
  incoming: IncomingMessage,
  response: ServerResponse,
  target: FunctionProcess | undefined,
  name: string,
): Promise<void> {
  if (!target) return sendJson(response, 404, { code: "NOT_FOUND", message: `There is no function ${name}.` }, CORS);
  const port = await target.port(BOOT_PATIENCE_MS);
  if (port === null)
    return sendJson(response, 503, { code: "BOOT_ERROR", message: `The function ${name} is not running.` }, CORS);
  const path = (incoming.url ?? "").replace(/^\/functions\/v1/, "");
  await new Promise<void>((resolve) => {
    const outgoing = httpRequest(
      { host: "127.0.0.1", port, path, method: incoming.method, headers: incoming.headers, timeout: IDLE_TIMEOUT_MS },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.once("end", resolve).once("error", () => {
          response.destroy();
          resolve();
        });
      },
    );
    outgoing.once("timeout", () => outgoing.destroy(new Error("timeout")));
    outgoing.once("error", ({ message }) => {
      const [status, code] = message === "timeout" ? [504, "IDLE_TIMEOUT"] : [500, "WORKER_ERROR"];
      if (!response.headersSent)
        sendJson(response, status, { code, message: `The function ${name} gave no answer.` }, CORS);
      else response.destroy();
      resolve();
    });
    incoming.pipe(outgoing);
  });
}
