import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probeLiveFeed } from "../../local/market/probe-live-feed.ts";
import { openSimulation } from "../../local/market/simulation/open-simulation.ts";
import { startMarketServer } from "../../local/market/start-market-server.ts";

const NOW = Date.UTC(2026, 10, 23, 2, 0, 30, 250);

let now = NOW;
let server: { url: string; stop(): Promise<void> };
beforeAll(async () => {
  server = await startMarketServer({ source: openSimulation(1, NOW), now: async () => now });
});
afterAll(() => server.stop());

interface WireBook {
  bids: unknown[];
  asks: unknown[];
}
type WireCandle = [time: number, low: number, high: number, open: number, close: number, volume: number];

async function get<Body = unknown>(path: string): Promise<{ status: number; body: Body; headers: Headers }> {
  const response = await fetch(server.url + path, { headers: { "user-agent": "test" } });
  return { status: response.status, body: (await response.json()) as Body, headers: response.headers };
}

describe("the market server answers as Coinbase Exchange does", () => {
  it("/products lists products with Coinbase's fields, and one product can be asked for", async () => {
    const { body } = await get<{ id: string }[]>("/products");
    expect(body.map((product) => product.id)).toEqual(["BTC-USD", "ETH-USD", "SOL-USD", "AVAX-USD", "DOGE-USD"]);
    const { body: one } = await get("/products/BTC-USD");
    expect(one).toEqual(body[0]);
    expect(one).toMatchObject({
      base_currency: "BTC",
      quote_currency: "USD",
      quote_increment: "0.01",
      base_increment: "0.00000001",
      min_market_funds: "1",
      status: "online",
      trading_disabled: false,
    });
  });

  it("/ticker has amounts as text, a numeric trade id and the time of the last trade", async () => {
    const { body } = await get<Record<string, string> & { trade_id: number; time: string }>("/products/BTC-USD/ticker");
    expect(Object.keys(body).sort()).toEqual(["ask", "bid", "price", "size", "time", "trade_id", "volume"]);
    for (const field of ["ask", "bid", "price", "size", "volume"]) expect(body[field]).toMatch(/^\d+(\.\d+)?$/);
    expect(Number.isSafeInteger(body.trade_id)).toBe(true);
    expect(Date.parse(body.time)).toBeLessThanOrEqual(NOW);
  });

  it("/book has one level a side, all of them with level=2, and refuses another level", async () => {
    const { body: touch } = await get<WireBook>("/products/BTC-USD/book");
    const { body: full } = await get<WireBook>("/products/BTC-USD/book?level=2");
    expect([touch.bids.length, touch.asks.length, full.bids.length]).toEqual([1, 1, 10]);
    expect(touch.bids[0]).toEqual([expect.any(String), expect.any(String), expect.any(Number)]);
    expect(touch).toMatchObject({ auction_mode: false, auction: null, time: new Date(NOW).toISOString() });
    expect((await get("/products/BTC-USD/book?level=9")).status).toBe(400);
  });

  it("/candles has rows of six numbers [time, low, high, open, close, volume], newest first, with the running one", async () => {
    const { body } = await get<WireCandle[]>("/products/BTC-USD/candles?granularity=60");
    expect(body).toHaveLength(300);
    const [running, [time, low, high, open, close, volume] = [0, 0, 0, 0, 0, 0]] = body;
    expect(running?.[0]).toBe(Math.floor(NOW / 60_000) * 60);
    expect(running?.[0]).toBeGreaterThan(time);
    expect(low).toBeLessThanOrEqual(Math.min(open, close));
    expect(high).toBeGreaterThanOrEqual(Math.max(open, close));
    expect(volume).toBeGreaterThan(0);
  });

  it("/candles takes a time range in ISO 8601 or epoch seconds, and nothing after now exists", async () => {
    const [start, end] = [NOW - 600_000, NOW + 600_000];
    const iso = await get(
      `/products/ETH-USD/candles?granularity=60&start=${new Date(start).toISOString()}&end=${new Date(end).toISOString()}`,
    );
    const epoch = await get(
      `/products/ETH-USD/candles?granularity=60&start=${Math.floor(start / 1000)}&end=${Math.floor(end / 1000)}`,
    );
    expect(iso.body).toHaveLength(10);
    expect(epoch.body).toEqual(iso.body);
  });

  it.each([
    ["granularity=61", "Unsupported granularity"],
    ["granularity=", "Unsupported granularity"],
    [
      "granularity=60&start=2026-11-22T00:00:00Z&end=2026-11-23T00:00:00Z",
      "granularity too small for the requested time range. Count of aggregations requested exceeds 300",
    ],
    ["granularity=60&start=never&end=2026-11-23T00:00:00Z", "Invalid start"],
    ["granularity=60&start=2026-11-23T00:00:00Z&end=2026-11-22T00:00:00Z", "start must be before end"],
  ])("/candles?%s is a 400", async (query, message) => {
    expect(await get(`/products/BTC-USD/candles?${query}`)).toMatchObject({ status: 400, body: { message } });
  });

  it("/trades shows the maker's side, newest first, and pages by its headers", async () => {
    const first = await get<{ trade_id: number }[]>("/products/BTC-USD/trades?limit=5");
    expect(first.body).toHaveLength(5);
    const [touch] = openSimulation(1, NOW).trades("BTC-USD", { limit: 1 }, NOW);
    expect(first.body[0]).toEqual({
      trade_id: touch?.tradeId,
      side: touch?.takerSide === "buy" ? "sell" : "buy",
      size: touch?.size,
      price: touch?.price,
      time: new Date(touch?.timeMs ?? 0).toISOString(),
    });
    const next = await get<{ trade_id: number }[]>(
      `/products/BTC-USD/trades?limit=5&after=${first.headers.get("cb-after")}`,
    );
    expect(next.body[0]?.trade_id).toBeLessThan(first.body[4]?.trade_id ?? 0);
    expect((await get("/products/BTC-USD/trades?limit=many")).status).toBe(400);
  });

  it("/time and every answer follow the platform's clock", async () => {
    expect((await get("/time")).body).toEqual({ iso: "2026-11-23T02:00:30.250Z", epoch: 1795399230.25 });
    const before = (await get<{ trade_id: number }>("/products/BTC-USD/ticker")).body;
    now = NOW + 3_600_000;
    const after = (await get<{ trade_id: number }>("/products/BTC-USD/ticker")).body;
    now = NOW;
    expect(after.trade_id).toBeGreaterThan(before.trade_id);
    expect((await get<{ trade_id: number }>("/products/BTC-USD/ticker")).body).toEqual(before);
  });

  it.each([
    "/products/NOPE-USD",
    "/products/NOPE-USD/ticker",
    "/products/BTC-USD/nothing",
    "/products/BTC-USD/ticker/more",
    "/orders",
  ])("%s is a 404", async (path) => {
    expect(await get(path)).toMatchObject({ status: 404, body: { message: "NotFound" } });
  });

  it("refuses another method, and a request without a User-Agent", async () => {
    expect((await fetch(`${server.url}/time`, { method: "POST" })).status).toBe(405);
    const bare = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(server.url).port), "127.0.0.1", () =>
        socket.write("GET /time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
      );
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("end", () => resolve(text)).on("error", reject);
    });
    expect(bare).toContain("400 Bad Request");
    expect(bare).toContain('{"message":"User-Agent header is required."}');
  });

  it("a port in use is one sentence", async () => {
    const port = Number(new URL(server.url).port);
    const second = startMarketServer({ source: openSimulation(1, NOW), now: () => NOW, port });
    await expect(second).rejects.toThrow(`the market server's port ${port} is in use by another program`);
  });

  it("a clock that fails is a 500, and the server goes on", async () => {
    let broken = true;
    const lame = await startMarketServer({
      source: openSimulation(1, NOW),
      now: () => {
        if (broken) throw new Error("the clock is down");
        return NOW;
      },
    });
    expect((await fetch(`${lame.url}/time`)).status).toBe(500);
    broken = false;
    expect((await fetch(`${lame.url}/time`)).status).toBe(200);
    await lame.stop();
  });
});

describe("the probe of the live feed", () => {
  const listen = async (server: Server) => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const close = (server: Server) => new Promise((resolve) => server.close(resolve));

  it("knows Coinbase by its answer", async () => {
    expect(await probeLiveFeed(server.url)).toEqual({ reachable: true });
  });

  it("says why when nobody listens", async () => {
    const closed = createServer();
    const url = await listen(closed);
    await close(closed);
    const reason = expect.stringMatching(new RegExp(`^${url} does not answer \\(.*ECONNREFUSED.*\\)$`));
    expect(await probeLiveFeed(url)).toEqual({ reachable: false, reason });
  });

  it("does not take something else that answers for the live feed", async () => {
    const page = createServer((_request, response) => response.end("{}"));
    const url = await listen(page);
    expect(await probeLiveFeed(url)).toEqual({ reachable: false, reason: `${url} is not Coinbase Exchange` });
    await close(page);
  });

  it("names the status of a feed that refuses", async () => {
    const refusing = createServer((_request, response) => response.writeHead(503).end());
    const url = await listen(refusing);
    expect(await probeLiveFeed(url)).toEqual({ reachable: false, reason: `${url} answers 503` });
    await close(refusing);
  });

  it("gives up after two seconds on a feed that accepts and stays silent", async () => {
    const silent = createServer(() => {});
    const url = await listen(silent);
    const reason = `${url} does not answer (no answer in 2 seconds)`;
    expect(await probeLiveFeed(url)).toEqual({ reachable: false, reason });
    silent.closeAllConnections();
    await close(silent);
  });
});
