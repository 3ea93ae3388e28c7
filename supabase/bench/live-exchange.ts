import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

type Body = Record<string, string>;

/** An exchange that speaks the broker port over HTTP, rests every order until it is canceled, and notes when each call came. */
export interface LiveExchange {
  readonly url: string;
  /** When the order with this id was placed, and when its cancel was asked for, in milliseconds of this process's clock. */
  readonly placedAt: ReadonlyMap<string, number>;
  readonly canceledAt: ReadonlyMap<string, number>;
  stop(): void;
}

/** Serves an exchange that holds so much cash and takes `delayMs` for each answer. */
export async function serveLiveExchange(cash: string, delayMs: number): Promise<LiveExchange> {
  const orders = new Map<string, Body>();
  const placedAt = new Map<string, number>();
  const canceledAt = new Map<string, number>();
  const report = (id: string) => ({
    ...orders.get(id),
    broker_order_id: id,
    state: canceledAt.has(id) ? "canceled" : "working",
    filled_qty: "0",
    average_price: null,
    fee: "0",
    fills: [],
    reason: null,
    observed_at: new Date().toISOString(),
  });
  const answer = (method: string, path: readonly string[], body: Body | null): unknown => {
    const [what, id = "", verb] = path;
    if (what === "balances") return { cash, reserved_cash: "0" };
    if (what === "holdings") return {};
    if (what === "quotes") return [];
    if (method === "POST" && body && id === "") {
      const client = String(body.client_order_id);
      orders.set(client, body);
      placedAt.set(client, performance.now());
      return report(client);
    }
    if (verb === "cancel" && !canceledAt.has(id)) canceledAt.set(id, performance.now());
    if (id !== "") return orders.has(id) ? report(id) : null;
    return [...orders.keys()].filter((order) => !canceledAt.has(order)).map(report);
  };
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://exchange").pathname.split("/").slice(1);
    const body = request.method === "POST" ? ((await json(request)) as Body) : null;
    const said = answer(request.method ?? "GET", path, body);
    await sleep(delayMs);
    response.writeHead(said === null ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(said ?? { code: "NOT_FOUND", message: "no such order" }));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    placedAt,
    canceledAt,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
