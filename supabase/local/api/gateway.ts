import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { FunctionProcess } from "../functions/function-process.ts";
import { answerPreflight, CORS } from "./cors.ts";
import { proxyToFunction } from "./function-proxy.ts";
import { close, listen, sendJson } from "./http.ts";
import type { RestAndAuth } from "./rest-and-auth.ts";

export interface GatewayOptions {
  port: number;
  restAndAuth: RestAndAuth;
  functions: readonly FunctionProcess[];
  /** Takes over the socket of a WebSocket request. */
  realtime: { handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void };
  log(line: string): void;
}

/** The hosted project's one address: REST, Auth, Edge Functions and Realtime behind 127.0.0.1:54321. */
export async function startGateway(options: GatewayOptions): Promise<{ stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    route(request, response, options).catch((error: Error) => {
      options.log(`${request.method} ${request.url?.split("?")[0]}: ${error.message}`);
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { message: "The gateway failed; its console says why." });
    });
  });
  server.on("upgrade", (request, socket, head) => {
    if (pathOf(request) === "/realtime/v1/websocket") options.realtime.handleUpgrade(request, socket, head);
    else socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
  });
  await listen(server, options.port);
  return { stop: () => close(server) };
}

async function route(request: IncomingMessage, response: ServerResponse, options: GatewayOptions): Promise<void> {
  const path = pathOf(request);
  if (path.startsWith("/rest/v1") || path.startsWith("/auth/v1")) {
    if (answerPreflight(request, response)) return;
    return answer(response, await options.restAndAuth.fetch(toWebRequest(request, options.port)));
  }
  const name = /^\/functions\/v1\/([^/]+)/.exec(path)?.[1];
  if (name)
    return proxyToFunction(
      request,
      response,
      options.functions.find((each) => each.name === name),
      name,
    );
  sendJson(response, 404, {
    message: `There is nothing at ${path}: the API is under /rest/v1, /auth/v1, /functions/v1 and /realtime/v1.`,
  });
}

function toWebRequest(request: IncomingMessage, port: number): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  return new Request(`http://${request.headers.host ?? `127.0.0.1:${port}`}${request.url}`, {
    method: request.method ?? "GET",
    headers,
    ...(hasBody ? { body: Readable.toWeb(request) as unknown as BodyInit, duplex: "half" } : {}),
  } as RequestInit);
}

async function answer(response: ServerResponse, { status, headers, body }: Response): Promise<void> {
  const own = new Headers(headers);
  for (const [name, value] of Object.entries(CORS)) own.set(name, value);
  own.delete("access-control-allow-credentials");
  response.writeHead(status, [...own].flat());
  if (body) await pipeline(Readable.fromWeb(body as ReadableStream), response);
  else response.end();
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?")[0] ?? "/";
}
