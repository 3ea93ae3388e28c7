import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What the exchange does with a request: an answer, text that is no JSON, a dropped connection, or nothing at all. */
export type Answer =
  | { readonly kind: "json"; readonly status: number; readonly body: unknown }
  | { readonly kind: "garbage"; readonly body: string }
  | { readonly kind: "drop" }
  | { readonly kind: "silence" };

export const DROP: Answer = { kind: "drop" };
export const SILENCE: Answer = { kind: "silence" };

/** Returns an answer in JSON. */
export const json = (status: number, body: unknown): Answer => ({ kind: "json", status, body });

/** Returns the answer of an error with its code. */
export const problem = (status: number, code: string, message = code): Answer => json(status, { code, message });

/** Decides on the answer to a request, at once. */
export type Answering = (method: string, path: readonly string[], body: string) => Answer;

/** An HTTP server on a free port of 127.0.0.1. */
export interface ExchangeServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves what `answering` decides. An exception there drops the connection and is told to `onBug`. */
export async function serveExchange(answering: Answering, onBug: (error: unknown) => void): Promise<ExchangeServer> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://exchange").pathname.split("/").slice(1);
    text(request)
      .then((body) => give(answering(request.method ?? "GET", path, body), response))
      .catch((error: unknown) => {
        onBug(error);
        response.destroy();
      });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => end(server),
  };
}

function give(answer: Answer, response: ServerResponse): unknown {
  switch (answer.kind) {
    case "json":
      return response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
    case "garbage":
      return response.writeHead(200).end(answer.body);
    case "drop":
      return response.destroy();
    case "silence":
      return undefined;
    default:
      return answer satisfies never;
  }
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
