import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { reply, type SeenRequest, startTestServer, type TestServer } from "../test-server.ts";
import { coinbaseMarket } from "./coinbase.ts";

let server: TestServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const marketThat = async (answer: (response: ServerResponse, request: SeenRequest) => void, timeoutMs = 2_000) => {
  server = await startTestServer((request, response) => answer(response, request));
  return coinbaseMarket({ url: server.url, timeoutMs, pace: async () => undefined });
};

const BOOK = {
  bids: [["19999.99", "0.51", 3]],
  asks: [["20000.01", "0", 1]],
  sequence: 1,
  auction_mode: false,
  time: "2026-01-01T00:00:01.123456Z",
};
const at = Date.UTC(2026, 0, 1);

describe("the market feed", () => {
  it("reads bid, ask, sizes and the book's own time for each symbol once", async () => {
    const market = await marketThat((response) => reply(response, 200, BOOK));
    const quotes = await market.tickers(["BTC-USD", "ETH-USD", "BTC-USD"]);
    expect([...quotes.keys()]).toEqual(["BTC-USD", "ETH-USD"]);
    expect(quotes.get("BTC-USD")).toEqual({
      ok: true,
      value: {
        symbol: "BTC-USD",
        bid: "19999.99",
        ask: "20000.01",
        bidSize: "0.51",
        askSize: "0",
        source: "coinbase",
        observedAt: at + 1_123,
      },
    });
    expect(server?.seen).toHaveLength(2);
    expect(server?.seen[0]).toMatchObject({ path: "/products/BTC-USD/book?level=1" });
    expect(server?.seen[0]?.headers["user-agent"]).toContain("zoe");
  });

  it("reads candles and leaves out rows whose prices contradict each other", async () => {
    const rows = [
      [at / 1000 + 60, 99, 101, 100, 100.5, 1e-7],
      [at / 1000, 99, 98, 100, 100.5, 3],
    ];
    const market = await marketThat((response) => reply(response, 200, rows));
    expect(await market.candles("BTC-USD", at)).toEqual({
      ok: true,
      value: [
        {
          symbol: "BTC-USD",
          openedAt: at + 60_000,
          seconds: 60,
          low: "99",
          high: "101",
          open: "100",
          close: "100.5",
          volume: "0.0000001",
        },
      ],
    });
    expect(server?.seen[0]?.path).toBe(
      "/products/BTC-USD/candles?granularity=60&start=2026-01-01T00:00:00.000Z&end=2026-01-01T04:59:00.000Z",
    );
  });

  it("reads trades with the taker's side, which is not the maker's", async () => {
    const rows = [{ trade_id: 7, side: "buy", size: "0.1", price: "20000", time: "2026-01-01T00:00:00Z" }];
    const market = await marketThat((response) => reply(response, 200, rows));
    expect(await market.trades("BTC-USD")).toEqual({
      ok: true,
      value: [{ symbol: "BTC-USD", tradeId: "7", price: "20000", qty: "0.1", takerSide: "sell", at }],
    });
  });

  it.each([
    ["an empty book", { ...BOOK, bids: [] }],
    ["an auction", { ...BOOK, auction_mode: true }],
    ["a price that is none", { ...BOOK, asks: [["NaN", "1", 1]] }],
    ["a zero price", { ...BOOK, asks: [["0", "1", 1]] }],
    ["a book without a time", { ...BOOK, time: undefined }],
    ["something that is no JSON", "<html>"],
  ])("takes %s for garbage", async (_, body) => {
    const market = await marketThat((response) => reply(response, 200, body));
    expect((await market.tickers(["BTC-USD"])).get("BTC-USD")).toMatchObject({ ok: false, error: { code: "garbage" } });
  });

  it("tells throttling, errors, silence and a dropped connection apart from data", async () => {
    const codeOf = async (answer: (response: ServerResponse) => void) => {
      const market = await marketThat(answer, 150);
      const quote = (await market.tickers(["BTC-USD"])).get("BTC-USD");
      await server?.close();
      return quote?.ok ? "ok" : quote?.error.code;
    };
    expect(await codeOf((response) => reply(response, 429, { message: "slow down" }))).toBe("throttled");
    expect(await codeOf((response) => reply(response, 404, { message: "NotFound" }))).toBe("unavailable");
    expect(await codeOf((response) => reply(response, 503, ""))).toBe("unavailable");
    expect(await codeOf(() => undefined)).toBe("unavailable");
    expect(await codeOf((response) => response.destroy())).toBe("unavailable");
  });

  it("does not let one symbol's fault hide another's quote", async () => {
    const market = await marketThat((response, { path }) =>
      path.includes("ETH") ? reply(response, 500, "") : reply(response, 200, BOOK),
    );
    const quotes = await market.tickers(["BTC-USD", "ETH-USD"]);
    expect([quotes.get("BTC-USD")?.ok, quotes.get("ETH-USD")?.ok]).toEqual([true, false]);
  });
});
