import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { hasMarketData, marketDataFile } from "../../../supabase/tests/support/market-data.ts";
import { DEFAULT_CONFIG } from "../../config/parse-config.ts";
import { decimal } from "../../money/decimal.ts";
import { type ExchangeEvent, exchangeRules, openExchange, reportOf, stepExchange } from "./exchange.ts";

const QUOTES = "btcusdt_spot_quotes_250ms_2024-08-08.csv";
const TRADES = "btcusdt_spot_trades_2024-08-08.csv";
const SYMBOL = "BTC-USD";
const LIFE_MS = 30_000;
const LATENCY_MS = 200;
const PLACEMENTS = 200;

type Row = Readonly<Record<string, string>>;
const rows = (name: string): Row[] => parse(readFileSync(marketDataFile(name)), { columns: true }) as Row[];
const field = (row: Row, name: string): string => row[name] ?? "";

const quoteEvent = (row: Row, hasSizes: boolean): ExchangeEvent => {
  const at = Number(field(row, "ts_ms"));
  const [bidSize, askSize] = hasSizes ? [field(row, "bid_qty"), field(row, "ask_qty")] : [null, null];
  return {
    type: "quote",
    at,
    quote: {
      symbol: SYMBOL,
      bid: field(row, "bid"),
      ask: field(row, "ask"),
      bidSize,
      askSize,
      source: "recorded",
      observedAt: at,
    },
  };
};
const tradeEvent = (row: Row): ExchangeEvent => {
  const at = Number(field(row, "ts_ms"));
  const takerSide = field(row, "taker_side") === "buy" ? "buy" : "sell";
  return {
    type: "trade",
    at,
    trade: {
      symbol: SYMBOL,
      tradeId: field(row, "trade_id"),
      price: field(row, "price"),
      qty: field(row, "qty"),
      takerSide,
      at,
    },
  };
};

const rules = exchangeRules({ ...DEFAULT_CONFIG, PAPER_LATENCY_MS: LATENCY_MS }, [
  {
    symbol: SYMBOL,
    priceIncrement: "0.01",
    qtyIncrement: "0.00001",
    minQty: "0.00001",
    minNotional: "1",
    enabled: true,
  },
]);

describe.skipIf(!hasMarketData(QUOTES, TRADES))("fills on recorded ticks (recorded data)", () => {
  it("are rarer the stricter the rule: touch >= queue >= strict trade-through", { timeout: 60_000 }, () => {
    const quotes = rows(QUOTES);
    const trades = rows(TRADES).map(tradeEvent);
    const isFilled = (start: number, hasSizes: boolean): boolean => {
      const [first, ...later] = quotes.slice(start).map((row) => quoteEvent(row, hasSizes));
      if (first?.type !== "quote") return false;
      const end = first.at + LIFE_MS;
      const market = [...later, ...trades.filter((each) => each.at >= first.at)]
        .filter((each) => each.at <= end)
        .sort((a, b) => a.at - b.at);
      const order = {
        clientOrderId: "a",
        symbol: SYMBOL,
        side: "buy" as const,
        qty: "0.001",
        limitPrice: first.quote.bid,
      };
      let state = stepExchange(openExchange("2000", 0), first, rules).state;
      state = stepExchange(state, { type: "place", at: first.at, order }, rules).state;
      for (const event of market) {
        state = stepExchange(state, event, rules).state;
        if (state.orders.a?.status === "filled") return true;
      }
      return reportOf(state, "a", end)?.state === "filled";
    };
    const isTouched = (start: number): boolean => {
      const first = quotes[start];
      if (first === undefined) return false;
      const [from, bid] = [Number(field(first, "ts_ms")), decimal(field(first, "bid"))];
      return trades.some(
        (each) =>
          each.type === "trade" &&
          each.at >= from + LATENCY_MS &&
          each.at <= from + LIFE_MS &&
          decimal(each.trade.price).lte(bid),
      );
    };
    const last = quotes.length - LIFE_MS / 250;
    const starts = Array.from({ length: PLACEMENTS }, (_, index) => Math.floor((index * last) / PLACEMENTS));
    const rate = (filled: (start: number) => boolean) => starts.filter(filled).length / PLACEMENTS;
    const touch = rate(isTouched);
    const queue = rate((start) => isFilled(start, true));
    const through = rate((start) => isFilled(start, false));
    expect(touch).toBeGreaterThanOrEqual(queue);
    expect(queue).toBeGreaterThanOrEqual(through);
    expect(through).toBeGreaterThan(0.5);
    expect(through).toBeLessThan(touch);
  });
});
