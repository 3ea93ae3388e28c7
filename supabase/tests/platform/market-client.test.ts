import { beforeAll, describe, expect, it } from "vitest";
import { decimal, toAmount } from "../../../shared/money/decimal.ts";
import { sourceMarket } from "../../backtest/source-market.ts";
import { coinbaseMarket } from "../../functions/_shared/market/coinbase.ts";
import type { Market } from "../../functions/_shared/market/market.ts";
import type { MarketSource } from "../../local/market/market-source.ts";
import { openReplay } from "../../local/market/replay/open-replay.ts";
import { openSimulation } from "../../local/market/simulation/open-simulation.ts";
import { startMarketServer } from "../../local/market/start-market-server.ts";
import { hasMarketData, marketDataFile } from "../support/market-data.ts";

const FILES = ["lean_coinbase_btcusd_1m_trade.csv", "lean_coinbase_btcusd_1m_quote.csv"];

/** Amounts may be written with or without trailing zeros; both are the same amount. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, part) =>
    typeof part === "string" && /^\d+(\.\d+)?$/.test(part) ? toAmount(decimal(part)) : part,
  );

const allOf = async (market: Market, symbol: string, from: number) => {
  const quote = (await market.tickers([symbol])).get(symbol);
  return plain([
    quote?.ok === true ? { ...quote.value, source: "" } : quote,
    await market.candles(symbol, from),
    await market.trades(symbol),
  ]);
};

const bothWays = async (source: MarketSource, symbol: string, now: number) => {
  const server = await startMarketServer({ source, now: () => now });
  try {
    const from = now - 90 * 60_000;
    const overHttp = await allOf(coinbaseMarket({ url: server.url }), symbol, from);
    return {
      overHttp,
      inProcess: await allOf(
        sourceMarket(source, () => now),
        symbol,
        from,
      ),
    };
  } finally {
    await server.stop();
  }
};

describe("the functions' own Coinbase client reads from the market server what a backtest sees in-process", () => {
  const now = Date.UTC(2026, 10, 23, 2, 0, 30, 250);

  it.each(["BTC-USD", "AVAX-USD"])("in the simulated market, for %s", async (symbol) => {
    const { overHttp, inProcess } = await bothWays(openSimulation(1, now), symbol, now);
    expect(overHttp).toEqual(inProcess);
    expect(JSON.stringify(inProcess).length).toBeGreaterThan(10_000);
  });

  it("and an unknown symbol is a problem, not a crash", async () => {
    const server = await startMarketServer({ source: openSimulation(1, now), now: () => now });
    const quote = (await coinbaseMarket({ url: server.url }).tickers(["NOPE-USD"])).get("NOPE-USD");
    await server.stop();
    expect(quote).toMatchObject({ ok: false, error: { code: "unavailable", message: "NotFound (HTTP 404)" } });
  });
});

describe.skipIf(!hasMarketData(...FILES))("on recorded data, the client and a backtest", () => {
  let source: MarketSource;
  beforeAll(async () => {
    source = await openReplay(FILES.map(marketDataFile));
  });

  it.each(["2017-09-03T12:00:00Z", "2017-09-04T07:31:45.500Z", "2017-09-10T00:00:00Z", "2018-04-06T10:00:30Z"])(
    "agree at %s",
    async (at) => {
      const { overHttp, inProcess } = await bothWays(source, "BTC-USD", Date.parse(at));
      expect(overHttp).toEqual(inProcess);
    },
  );
});
