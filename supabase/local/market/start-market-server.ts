import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, problem } from "./coinbase/answer.ts";
import { answerRequest } from "./coinbase/answer-request.ts";
import type { MarketSource } from "./market-source.ts";

/** How a market server runs; `now` is the platform's clock in epoch milliseconds, asked anew for each request. */
export interface MarketServerOptions {
  readonly source: MarketSource;
  readonly now: () => Promise<number> | number;
  /** Without one, any free port. */
  readonly port?: number;
}

/**
 * Serves Coinbase Exchange's public API from a market source on 127.0.0.1. Like the original it demands a User-Agent; unlike it,
 * it sets no rate limit, because a fast clock asks faster. A port in use rejects with one sentence.
 */
export async function startMarketServer(options: MarketServerOptions): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => void serve(options, request, response));
  try {
    server.listen(options.port ?? 0, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    const inUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    throw inUse ? new Error(`the market server's port ${options.port} is in use by another program`) : error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(options: MarketServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body, headers } = await answer(options, request);
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
    ...headers,
  });
  response.end(body);
}

async function answer({ source, now }: MarketServerOptions, request: IncomingMessage): Promise<Answer> {
  if (request.method !== "GET") return problem(405, "Method Not Allowed");
  if (request.headers["user-agent"] === undefined) return problem(400, "User-Agent header is required.");
  try {
    return answerRequest(source, new URL(request.url ?? "/", "http://market"), await now());
  } catch (error) {
    console.error("market server:", error);
    return problem(500, "Internal server error");
  }
}
