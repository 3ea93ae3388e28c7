import { describe, expect, it } from "vitest";
import { readCandles, readQuoteBars } from "../../supabase/local/market/recorded/recorded-rows.ts";
import { hasMarketData, marketDataFile } from "../../supabase/tests/support/market-data.ts";
import {
  balancesOf,
  type ExchangeState,
  exchangeRules,
  openExchange,
  reportOf,
  stepExchange,
} from "../broker/paper/exchange.ts";
import type { OrderRequest } from "../broker/port.ts";
import { DEFAULT_CONFIG } from "../config/parse-config.ts";
import type { Candle } from "../market/candle.ts";
import type { Quote } from "../market/quote.ts";
import { decimal, roundDownTo, toAmount } from "../money/decimal.ts";
import { type Fill, foldFills, realizedPnl } from "../money/lots.ts";
import type { Urgency } from "../orders/order.ts";
import { decideReposition } from "../orders/reposition.ts";
import { decideEntry } from "./entry.ts";
import { decideExit, type ExitState, initialExitState, updateExitState } from "./exit.ts";
import { scoreSymbol } from "./score.ts";

const CANDLES = "lean_coinbase_btcusd_1m_trade.csv";
const QUOTES = "lean_coinbase_btcusd_1m_quote.csv";
const SYMBOL = "BTC-USD";
const START = Date.UTC(2017, 8, 3);
const MINUTE = 60_000;
const HOURS = 10;
const instrument = {
  symbol: SYMBOL,
  priceIncrement: "0.01",
  qtyIncrement: "0.00000001",
  minQty: "0.00001",
  minNotional: "1",
  enabled: true,
};
const rules = exchangeRules(DEFAULT_CONFIG, [instrument]);

interface Working {
  readonly request: OrderRequest;
  readonly urgency: Urgency;
  readonly replaceCount: number;
  readonly exitReason: string | null;
}

/** A trader in one room: the decisions and the exchange, an order a minute at most, cancel and replace in one step. */
class Trader {
  exchange: ExchangeState = openExchange("2000", START);
  working: Working | null = null;
  exit: ExitState | null = null;
  orders = 0;
  readonly exits: string[] = [];

  send(
    at: number,
    order: Omit<OrderRequest, "clientOrderId" | "symbol">,
    urgency: Urgency,
    replaceCount: number,
    exitReason: string | null,
  ): void {
    this.orders += 1;
    const request = { ...order, clientOrderId: `order-${this.orders}`, symbol: SYMBOL };
    const step = stepExchange(this.exchange, { type: "place", at, order: request }, rules);
    this.exchange = step.state;
    this.working = step.error === null ? { request, urgency, replaceCount, exitReason } : null;
  }

  settle(now: number): void {
    const report = this.working && reportOf(this.exchange, this.working.request.clientOrderId, now);
    if (this.working === null || report?.state !== "filled") return;
    if (this.working.exitReason === null) this.exit = initialExitState(report.averagePrice ?? "0", now, DEFAULT_CONFIG);
    else {
      this.exits.push(this.working.exitReason);
      this.exit = null;
    }
    this.working = null;
  }

  reprice(quote: Quote, now: number): void {
    if (this.working === null) return;
    const { request, urgency, replaceCount, exitReason } = this.working;
    const purpose = exitReason === null ? "entry" : "exit";
    const order = {
      ...request,
      purpose,
      urgency,
      status: "working",
      replaceCount,
      nextActionAt: now,
      priceIncrement: "0.01",
    } as const;
    const decision = decideReposition(order, quote, DEFAULT_CONFIG, now);
    if (decision.action === "keep" && decision.countsAttempt)
      this.working = { ...this.working, replaceCount: replaceCount + 1 };
    if (decision.action !== "cancel" && decision.action !== "reprice") return;
    this.exchange = stepExchange(
      this.exchange,
      { type: "cancel", at: now, clientOrderId: request.clientOrderId },
      rules,
    ).state;
    this.exchange = stepExchange(this.exchange, { type: "time", at: now + rules.latencyMs }, rules).state;
    this.working = null;
    if (decision.action === "reprice") {
      this.send(
        now + rules.latencyMs,
        { ...request, limitPrice: decision.price },
        urgency,
        replaceCount + (decision.countsAttempt ? 1 : 0),
        exitReason,
      );
    }
  }

  decide(candles: readonly Candle[], quote: Quote, now: number): void {
    if (this.working !== null) return;
    if (this.exit !== null) {
      this.exit = updateExitState(this.exit, quote, DEFAULT_CONFIG);
      const exit = decideExit(this.exit, quote, now, DEFAULT_CONFIG, "0.01");
      const held = this.exchange.holdings[SYMBOL] ?? "0";
      if (exit) this.send(now, { side: "sell", qty: held, limitPrice: exit.limitPrice }, exit.urgency, 0, exit.reason);
      return;
    }
    const budget = { freeCash: balancesOf(this.exchange, now).cash, dailyNotionalLeft: null, openPositions: 0 };
    const score = scoreSymbol(candles, quote, now);
    const entry = decideEntry({
      score,
      quote,
      instrument,
      budget,
      feeBps: "95",
      isHeld: false,
      hasOpenOrder: false,
      config: DEFAULT_CONFIG,
    });
    if (entry.action === "skip") return;
    const qty = roundDownTo(decimal(entry.notional).div(decimal(entry.limitPrice)), decimal(instrument.qtyIncrement));
    this.send(now, { side: "buy", qty: toAmount(qty), limitPrice: entry.limitPrice }, "passive", 0, null);
  }
}

describe.skipIf(!hasMarketData(CANDLES, QUOTES))("the trader on 3 September 2017 (recorded data)", () => {
  it("makes several round trips in ten hours, whose books agree and which lose to the fees", async () => {
    const candles = (await readCandles(marketDataFile(CANDLES)))
      .filter(({ openMs }) => openMs >= START && openMs < START + HOURS * 60 * MINUTE)
      .map(({ openMs, ...prices }): Candle => ({ ...prices, symbol: SYMBOL, openedAt: openMs, seconds: 60 }));
    const bars = (await readQuoteBars(marketDataFile(QUOTES))).filter(
      (bar) => bar.openMs >= START && bar.openMs < START + HOURS * 60 * MINUTE,
    );
    const trader = new Trader();
    for (const bar of bars) {
      const now = bar.openMs + 1000;
      const quote: Quote = {
        symbol: SYMBOL,
        bid: bar.bidOpen,
        ask: bar.askOpen,
        bidSize: null,
        askSize: null,
        source: "recorded",
        observedAt: now,
      };
      trader.exchange = stepExchange(trader.exchange, { type: "quote", at: now, quote }, rules).state;
      trader.settle(now);
      trader.reprice(quote, now);
      const seen = candles.filter((candle) => candle.openedAt >= now - 130 * MINUTE && candle.openedAt <= now);
      trader.decide(seen, quote, now + rules.latencyMs);
    }
    const fills = Object.values(trader.exchange.orders).flatMap((order) =>
      order.fills.map((fill): Fill => ({ ...fill, symbol: order.symbol, side: order.side })),
    );
    const book = foldFills(fills);
    expect(trader.exits.length).toBeGreaterThanOrEqual(3);
    expect(book.refused).toEqual([]);
    expect(decimal(realizedPnl(book)).lt(decimal("0"))).toBe(true);
    if (book.lots.length === 0)
      expect(trader.exchange.cash).toBe(toAmount(decimal("2000").plus(decimal(realizedPnl(book)))));
  });
});
