import { describe, expect, it } from "vitest";
import { parseStart } from "../../local/market/market-range.ts";
import { openReplay } from "../../local/market/replay/open-replay.ts";
import { hasMarketData, marketDataFile } from "../support/market-data.ts";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

const TICKS = [
  "btcusdt_spot_trades_2024-08-08.csv",
  "btcusdt_spot_quotes_250ms_2024-08-08.csv",
  "btcusdt_spot_book10_1s_2024-08-08.csv",
];
const LEAN = [
  "lean_coinbase_btcusd_1m_trade.csv",
  "lean_coinbase_btcusd_1m_quote.csv",
  "lean_coinbase_ethusd_1m_trade.csv",
  "lean_coinbase_ethusd_1m_quote.csv",
];

describe.skipIf(!hasMarketData(...TICKS, ...LEAN))("the replay of the recorded data", () => {
  it("of single trades, quotes and ten levels shows each at its own moment", async () => {
    const ticks = await openReplay(TICKS.map(marketDataFile));
    const now = Date.UTC(2024, 7, 9, 0, 0, 30, 300);
    const [last] = ticks.trades("BTC-USD", { limit: 1 }, now);
    expect(last?.timeMs).toBeLessThanOrEqual(now);
    expect(ticks.ticker("BTC-USD", now)).toMatchObject({
      tradeId: last?.tradeId,
      price: last?.price,
      bid: "61710",
      ask: "61710.01",
    });
    expect(ticks.book("BTC-USD", now, "full").bids).toHaveLength(10);
    const [running] = ticks.candles("BTC-USD", { granularitySeconds: 60, startMs: now - MINUTE, endMs: now }, now);
    expect(running).toMatchObject({ openMs: Date.UTC(2024, 7, 9), close: last?.price });
  });

  it("of the four Coinbase files covers four stretches and both symbols", async () => {
    const start = Date.UTC(2017, 8, 3);
    const lean = await openReplay(LEAN.map(marketDataFile));
    expect(
      lean.range().segments.map((s) => [new Date(s.startMs).toISOString().slice(0, 10), (s.endMs - s.startMs) / DAY]),
    ).toEqual([
      ["2016-10-07", 3],
      ["2017-09-03", 2],
      ["2017-12-17", 1],
      ["2018-04-04", 3],
    ]);
    expect(parseStart("2017-09-03", lean.range())).toEqual({ ok: true, startMs: start });
    expect(lean.ticker("ETH-USD", start)).toMatchObject({ price: "354.88", bid: "354.85", ask: "354.88" });
  });
});
