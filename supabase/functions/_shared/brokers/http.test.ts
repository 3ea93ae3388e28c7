import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { reply, type SeenRequest, startTestServer, type TestServer } from "../test-server.ts";
import { writeReport } from "../wire/write.ts";
import { httpBroker } from "./http.ts";

const ID = "131de903-5a9c-4260-abc1-28d562a5dcf0";
const ORDER = { clientOrderId: ID, symbol: "BTC-USD", side: "buy", qty: "0.001", limitPrice: "20000.5" } as const;
const WORKING = {
  client_order_id: ID,
  broker_order_id: "b1",
  symbol: "BTC-USD",
  side: "buy",
  qty: "0.001",
  limit_price: "20000.50",
  state: "partially_filled",
  filled_qty: "0.0004",
  average_price: "20000.1",
  fee: "0.076",
  fills: [{ fill_id: "f1", qty: "0.0004", price: "20000.1", fee: "0.076", executed_at: "2026-01-01T00:00:00Z" }],
  reason: null,
  observed_at: "2026-01-01T00:00:01.500Z",
};

let server: TestServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const brokerThat = async (answer: (response: ServerResponse, request: SeenRequest) => void, timeoutMs = 2_000) => {
  server = await startTestServer((request, response) => answer(response, request));
  return httpBroker({ url: server.url, token: "live-token", timeoutMs, now: () => 42 });
};

const answers = (status: number, body: unknown, headers = {}) =>
  brokerThat((response) => reply(response, status, body, headers));

describe("a broker over HTTP", () => {
  it("reads what a fee was taken in, of the order and of each fill", async () => {
    const fills = [{ ...WORKING.fills[0], fee: "0.0000004", fee_currency: "BTC" }];
    const broker = await answers(200, { ...WORKING, fee: "0.0000004", fee_currency: "BTC", fills });
    const found = await broker.getOrder(ID);
    expect(found.ok && [found.value.feeCurrency, found.value.fills?.[0]?.feeCurrency]).toEqual(["BTC", "BTC"]);
    expect(found.ok && writeReport({ id: ID, leaseToken: null }, found.value)).toMatchObject({
      fee_currency: "BTC",
      fills: [{ fee: "0.0000004", fee_currency: "BTC" }],
    });
  });

  it("places an order with the client's id and reads the report", async () => {
    const broker = await answers(201, WORKING);
    const placed = await broker.place(ORDER);
    expect(placed).toMatchObject({
      ok: true,
      value: { clientOrderId: ID, brokerOrderId: "b1", state: "partially_filled", filledQty: "0.0004", fee: "0.076" },
    });
    expect(placed.ok && placed.value.fills?.[0]?.executedAt).toBe(Date.UTC(2026, 0, 1));
    expect(server?.seen[0]).toMatchObject({
      method: "POST",
      path: "/orders",
      headers: { authorization: "Bearer live-token" },
    });
    expect(JSON.parse(server?.seen[0]?.body ?? "")).toEqual({
      client_order_id: ID,
      symbol: "BTC-USD",
      side: "buy",
      qty: "0.001",
      limit_price: "20000.5",
    });
  });

  it("asks for a cancel, which proves nothing yet", async () => {
    const broker = await answers(202, {});
    expect(await broker.cancel(ID)).toEqual({ ok: true, value: { clientOrderId: ID, observedAt: 42 } });
    expect(server?.seen[0]?.path).toBe(`/orders/${ID}/cancel`);
  });

  it("lists an order that was placed elsewhere, without a client order id or a limit, under the broker's own id", async () => {
    const foreign = { ...WORKING, client_order_id: null, broker_order_id: "b7", limit_price: null };
    const broker = await answers(200, [WORKING, foreign]);
    expect(await broker.listOpenOrders()).toMatchObject({
      ok: true,
      value: [{ clientOrderId: ID }, { clientOrderId: "b7", limitPrice: null }],
    });
  });

  it("reads open orders, balances, holdings and quotes", async () => {
    const bodies: Record<string, unknown> = {
      "/orders?state=open": [WORKING],
      "/balances": { cash: 1999.5 },
      "/holdings": { "BTC-USD": "0.0004", "ETH-USD": "0" },
      "/quotes?symbols=BTC-USD,ETH-USD": [
        { symbol: "BTC-USD", bid: "1", ask: "2", observed_at: "2026-01-01T00:00:00Z" },
      ],
    };
    const broker = await brokerThat((response, request) => reply(response, 200, bodies[request.path]));
    expect(await broker.listOpenOrders()).toMatchObject({ ok: true, value: [{ clientOrderId: ID }] });
    expect(await broker.balances()).toEqual({
      ok: true,
      value: { cash: "1999.5", reservedCash: "0", fees: null, observedAt: 42 },
    });
    expect(await broker.holdings()).toEqual({
      ok: true,
      value: { quantities: { "BTC-USD": "0.0004" }, observedAt: 42 },
    });
    expect(await broker.quotes(["BTC-USD", "ETH-USD"])).toMatchObject({
      ok: true,
      value: [{ bid: "1", bidSize: null }],
    });
  });

  it("reads the account's fee rates with its balances, and half a tariff as none", async () => {
    const fees = async (rates: object) => {
      const broker = await answers(200, { cash: "1", ...rates });
      const balances = await broker.balances();
      await server?.close();
      return balances.ok && balances.value.fees;
    };
    expect(await fees({ maker_bps: "25", taker_bps: 40 })).toEqual({ makerBps: "25", takerBps: "40" });
    expect(await fees({ maker_bps: "25" })).toBeNull();
    expect(await fees({ maker_bps: "25", taker_bps: "free" })).toBeNull();
  });

  it("dates books by when they were asked for, since a fill may come while they are on their way", async () => {
    let now = 1_000;
    server = await startTestServer((request, response) => {
      now += 3_000;
      reply(response, 200, request.path === "/balances" ? { cash: "1" } : {});
    });
    const broker = httpBroker({ url: server.url, now: () => now });
    expect(await broker.balances()).toMatchObject({ value: { observedAt: 1_000 } });
    expect(await broker.holdings()).toMatchObject({ value: { observedAt: 4_000 } });
  });

  it("takes a 4xx with a code as a definite refusal", async () => {
    const broker = await answers(422, { code: "insufficient_funds", message: "not enough cash" });
    expect(await broker.place(ORDER)).toEqual({
      ok: false,
      error: { kind: "refused", code: "insufficient_funds", message: "not enough cash" },
    });
  });

  it("takes only a 404 with the code order_not_found as absence", async () => {
    expect(await (await answers(404, { code: "order_not_found", message: "no" })).getOrder(ID)).toMatchObject({
      error: { kind: "not_found" },
    });
    await server?.close();
    expect(await (await answers(404, "<html>no route</html>")).getOrder(ID)).toMatchObject({
      error: { kind: "unavailable" },
    });
    await server?.close();
    expect(await (await answers(404, { code: "order_not_found" })).place(ORDER)).toMatchObject({
      error: { kind: "unavailable" },
    });
  });

  it("knows throttling and for how long", async () => {
    const broker = await answers(429, { message: "slow down" }, { "retry-after": "7" });
    expect(await broker.getOrder(ID)).toEqual({
      ok: false,
      error: { kind: "throttled", message: "slow down", retryAfterSeconds: 7 },
    });
  });

  it.each([
    ["a 500 with a code", 500, { code: "boom", message: "x" }],
    ["a 503", 503, ""],
    ["a 401", 401, { code: "bad_signature", message: "clock skew" }],
    ["a 408", 408, { code: "timeout", message: "x" }],
    ["a 400 without a code", 400, { message: "x" }],
    ["a duplicate", 409, { code: "duplicate_client_order_id", message: "x" }],
    ["a redirect", 307, ""],
    ["garbage with a 201", 201, "<html>"],
    ["an empty 201", 201, ""],
    ["a report of another order", 201, { ...WORKING, client_order_id: "00000000-0000-4000-8000-000000000000" }],
    ["a report with a NaN", 201, { ...WORKING, filled_qty: "NaN" }],
    ["a report with a negative quantity", 201, { ...WORKING, filled_qty: "-1" }],
    ["a report with an unknown state", 201, { ...WORKING, state: "done" }],
    ["a report without a time", 201, { ...WORKING, observed_at: null }],
    ["a report whose fills are no list", 201, { ...WORKING, fills: {} }],
  ])("learns nothing from %s", async (_, status, body) => {
    expect(await (await answers(status, body, { location: "/elsewhere" })).place(ORDER)).toMatchObject({
      error: { kind: "unavailable" },
    });
    expect(server?.seen).toHaveLength(1);
  });

  it("never repeats its token, though the broker does", async () => {
    for (const [status, code] of [
      [401, "bad_key"],
      [422, "bad_key"],
      [429, "slow_down"],
    ] as const) {
      const broker = await answers(status, { code, message: "the key live-token is unknown" });
      expect(await broker.place(ORDER)).toMatchObject({
        error: { message: expect.stringContaining("the key [redacted] is unknown") },
      });
      await server?.close();
    }
  });

  it("learns nothing from a refused look-up", async () => {
    const broker = await answers(400, { code: "bad_request", message: "x" });
    expect(await broker.getOrder(ID)).toMatchObject({ error: { kind: "unavailable" } });
    expect(await broker.cancel(ID)).toMatchObject({ error: { kind: "refused" } });
  });

  it("learns nothing from silence, a dropped connection, half an answer or nobody there", async () => {
    expect(await (await brokerThat(() => undefined, 150)).place(ORDER)).toMatchObject({
      error: { kind: "unavailable" },
    });
    await server?.close();
    expect(await (await brokerThat((response) => response.destroy())).place(ORDER)).toMatchObject({
      error: { kind: "unavailable" },
    });
    await server?.close();
    const half = await brokerThat((response) => {
      response.writeHead(201, { "content-length": "500" });
      response.write(JSON.stringify(WORKING).slice(0, 40));
      setTimeout(() => response.destroy(), 20);
    });
    expect(await half.place(ORDER)).toMatchObject({ error: { kind: "unavailable" } });
    await server?.close();
    expect(await half.place(ORDER)).toMatchObject({ error: { kind: "unavailable" } });
    const nowhere = httpBroker({ url: "http://no-such-host.invalid", timeoutMs: 2_000, now: () => 0 });
    expect(await nowhere.place(ORDER)).toMatchObject({ error: { kind: "unavailable" } });
  });
});
