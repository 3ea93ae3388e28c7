import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  readCandles,
  readDepth,
  readQuoteBars,
  readQuotes,
  readTrades,
} from "../../local/market/recorded/recorded-rows.ts";
import { symbolOfFile } from "../../local/market/recorded/symbol-of-file.ts";
import { openReplay } from "../../local/market/replay/open-replay.ts";
import { hasMarketData, marketDataFile } from "../support/market-data.ts";

const CANDLES = "ts_ms,open,high,low,close,volume";
const QUOTES = "ts_ms,update_id,bid,bid_qty,ask,ask_qty";
const TRADES = "ts_ms,local_ms,trade_id,price,qty,taker_side";
const GOOD = "1504396800000,100,110,90,105.5,1.25";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zoe-market-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, ...lines: string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

describe("a recorded file with a corrupt row is refused by a sentence that names the file and the line", () => {
  const cases: [problem: string, header: string, rows: string[], sentence: string][] = [
    [
      "NaN",
      CANDLES,
      [GOOD, "1504396860000,100,110,90,NaN,1"],
      'btcusd.csv line 3: close "NaN" is not a plain decimal above zero',
    ],
    [
      "an infinite price",
      CANDLES,
      ["1504396800000,1,Infinity,1,1,1"],
      'btcusd.csv line 2: high "Infinity" is not a plain decimal above zero',
    ],
    [
      "a negative price",
      CANDLES,
      ["1504396800000,100,110,-90,105,1"],
      'btcusd.csv line 2: low "-90" is not a plain decimal above zero',
    ],
    [
      "a price of zero",
      CANDLES,
      ["1504396800000,0,110,0.00,105,1"],
      'btcusd.csv line 2: low "0.00" is not a plain decimal above zero',
    ],
    [
      "an exponent",
      CANDLES,
      ["1504396800000,1e2,110,90,105,1"],
      'btcusd.csv line 2: open "1e2" is not a plain decimal above zero',
    ],
    [
      "a negative volume",
      CANDLES,
      ["1504396800000,100,110,90,105,-1"],
      'btcusd.csv line 2: volume "-1" is not a plain decimal',
    ],
    [
      "a missing column",
      CANDLES,
      [GOOD, "1504396860000,100,110,90,105"],
      "btcusd.csv line 3: 5 columns where the header has 6",
    ],
    ["a column too many", CANDLES, [`${GOOD},7`], "btcusd.csv line 2: 7 columns where the header has 6"],
    [
      "an empty line",
      CANDLES,
      [GOOD, "", "1504396860000,100,110,90,105,1"],
      "btcusd.csv line 3: 1 columns where the header has 6",
    ],
    [
      "a time that goes back",
      CANDLES,
      ["1504396860000,1,1,1,1,1", "1504396800000,1,1,1,1,1"],
      "btcusd.csv line 3: ts_ms 1504396800000 is earlier than the row before it",
    ],
    [
      "a time twice",
      CANDLES,
      [GOOD, GOOD],
      "btcusd.csv line 3: ts_ms 1504396800000 does not rise from the row before it",
    ],
    [
      "seconds for milliseconds",
      CANDLES,
      ["1504396800,1,1,1,1,1"],
      'btcusd.csv line 2: ts_ms "1504396800" is not a time in UTC milliseconds',
    ],
    [
      "a close above the high",
      CANDLES,
      ["1504396800000,100,110,90,111,1"],
      "btcusd.csv line 2: price 111 lies outside low 90 to high 110",
    ],
    [
      "a bid far above the ask",
      QUOTES,
      ["1504396800000,1,103,1,100,1"],
      "btcusd.csv line 2: bid 103 is far above ask 100",
    ],
    [
      "an unknown side",
      TRADES,
      ["1504396800000,1504396800000,7,100,1,long"],
      'btcusd.csv line 2: taker_side "long" is neither buy nor sell',
    ],
    [
      "a trade number that falls",
      TRADES,
      ["1504396800000,1,7,100,1,buy", "1504396800000,1,6,100,1,buy"],
      "btcusd.csv line 3: trade_id 6 does not rise from the row before it",
    ],
    ["an unknown header", "time,price", ["1,2"], 'btcusd.csv line 1: unknown header "time,price"'],
  ];
  it.each(cases)("%s", async (_problem, header, rows, sentence) => {
    const path = await file("btcusd.csv", header, ...rows);
    await expect(openReplay([path])).rejects.toThrow(sentence);
  });

  it("a missing, an empty and a headed but rowless file each get their sentence", async () => {
    await expect(openReplay([join(folder, "absent_btcusd.csv")])).rejects.toThrow(
      /cannot read the data file .*absent_btcusd\.csv/,
    );
    const empty = join(folder, "empty_btcusd.csv");
    await writeFile(empty, "");
    await expect(openReplay([empty])).rejects.toThrow(`${empty} is empty; a header line is needed`);
    await expect(openReplay([await file("bare_btcusd.csv", CANDLES)])).rejects.toThrow("no data rows");
  });

  it("a slightly crossed quote is real and is kept", async () => {
    const quotes = await readQuotes(await file("btcusd.csv", QUOTES, "1504396800000,1,100.01,1,100,2"));
    expect(quotes).toEqual([{ timeMs: 1504396800000, bid: "100.01", bidSize: "1", ask: "100", askSize: "2" }]);
  });
});

describe("files of one symbol", () => {
  it("combine, whatever their order", async () => {
    const later = await file("late_btcusd.csv", CANDLES, "1504396860000,105.5,120,105,119,2");
    const earlier = await file("early_btcusdt.csv", CANDLES, GOOD);
    const market = await openReplay([later, earlier]);
    expect(market.products().map((product) => product.symbol)).toEqual(["BTC-USD"]);
    expect(market.range()).toMatchObject({ startMs: 1504396800000, endMs: 1504396920000 });
  });

  it("are refused when two of them hold the same moment", async () => {
    const [one, two] = [await file("one_btcusd.csv", CANDLES, GOOD), await file("two_btcusd.csv", CANDLES, GOOD)];
    await expect(openReplay([one, two])).rejects.toThrow("hold candles of BTC-USD for the same moment");
  });

  it("are refused when their rows are not of one minute", async () => {
    const path = await file("hourly_btcusd.csv", CANDLES, "1504396800000,1,1,1,1,1", "1504400400000,1,1,1,1,1");
    await expect(openReplay([path])).rejects.toThrow(
      "a replay needs one-minute rows; here they are at least 60 minutes apart",
    );
  });

  it("tell their symbol by their name, and a name that tells none is refused", () => {
    expect(symbolOfFile("/data/lean_coinbase_btcusd_1m_trade.csv")).toBe("BTC-USD");
    expect(symbolOfFile("ethusdt_spot_trades_2024-08-08.csv")).toBe("ETH-USD");
    expect(() => symbolOfFile("prices.csv")).toThrow("prices.csv names no symbol");
    expect(() => symbolOfFile("btceur_1m.csv")).toThrow("btceur_1m.csv names no symbol");
  });

  it.each([
    ["BTC-USD_1m.csv", "BTC-USD"],
    ["BTCUSD.csv", "BTC-USD"],
    ["btc_usd.csv", "BTC-USD"],
    ["btc_usd_5min_2024.csv", "BTC-USD"],
    ["btcusd1m.csv", "BTC-USD"],
    ["XBTUSD_60.csv", "BTC-USD"],
    ["XXBTZUSD.csv", "BTC-USD"],
    ["BTCUSDT-1m-2021-02.csv", "BTC-USD"],
    ["Coinbase_ETHUSD_d.csv", "ETH-USD"],
    ["sol-usdc.csv", "SOL-USD"],
    ["XDGUSD_1.csv", "DOGE-USD"],
    ["xtzusd_1m.csv", "XTZ-USD"],
  ])("%s is of %s", (name, symbol) => {
    expect(symbolOfFile(name)).toBe(symbol);
  });

  it("may end in blank lines, which are none", async () => {
    const path = await file("blank_btcusd.csv", CANDLES, GOOD, "", " ", "\r", "");
    expect(await readCandles(path)).toHaveLength(1);
  });

  it("of an unknown symbol are refused when they are opened", async () => {
    const path = await file("xyzusd.csv", CANDLES, GOOD);
    await expect(openReplay([path])).rejects.toThrow(
      "XYZ-USD is not a product of this market; it has BTC-USD, ETH-USD, SOL-USD, AVAX-USD, DOGE-USD.",
    );
  });
});

const FILES = [
  "lean_coinbase_btcusd_1m_trade.csv",
  "lean_coinbase_btcusd_1m_quote.csv",
  "coinbase_btcusd_4h_2016_2025.csv",
];
const TICKS = [
  "btcusdt_spot_trades_2024-08-08.csv",
  "btcusdt_spot_quotes_250ms_2024-08-08.csv",
  "btcusdt_spot_book10_1s_2024-08-08.csv",
];

describe.skipIf(!hasMarketData(...FILES, ...TICKS))("the readers, on the recorded data", () => {
  it("read every row of every kind, with the digits as they are in the file", async () => {
    const candles = await readCandles(marketDataFile(FILES[0] ?? ""));
    expect(candles).toHaveLength(12_423);
    expect(candles[0]).toEqual({
      openMs: 1475798400000,
      open: "611.78",
      high: "611.91",
      low: "611.78",
      close: "611.9",
      volume: "1.13872",
    });
    expect(await readQuoteBars(marketDataFile(FILES[1] ?? ""))).toHaveLength(7_188);
    expect(await readTrades(marketDataFile(TICKS[0] ?? ""))).toHaveLength(19_904);
    expect(await readQuotes(marketDataFile(TICKS[1] ?? ""))).toHaveLength(2_601);
    expect((await readDepth(marketDataFile(TICKS[2] ?? "")))[0]?.bids).toHaveLength(10);
  });

  it("keep the genuine flash print of 2017-04-15: judging prices is not theirs to do", async () => {
    const candles = await readCandles(marketDataFile(FILES[2] ?? ""));
    expect(candles.filter((candle) => Number(candle.low) < 1).map((candle) => candle.low)).toEqual(["0.06"]);
  });

  it("name what a file holds when it is of another kind", async () => {
    await expect(readTrades(marketDataFile(FILES[0] ?? ""))).rejects.toThrow(
      "lean_coinbase_btcusd_1m_trade.csv holds candles, not trades",
    );
  });
});
