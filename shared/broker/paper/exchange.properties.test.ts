import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../config/parse-config.ts";
import { decimal, toAmount, ZERO } from "../../money/decimal.ts";
import {
  type ExchangeEvent,
  type ExchangeState,
  exchangeRules,
  openExchange,
  type PaperOrder,
  stepExchange,
} from "./exchange.ts";
import { freeQty, reservedCash } from "./money.ts";

const SYMBOLS = ["BTC-USD", "ETH-USD"] as const;
const rules = exchangeRules(
  DEFAULT_CONFIG,
  SYMBOLS.map((symbol) => ({
    symbol,
    priceIncrement: "0.01",
    qtyIncrement: "0.0001",
    minQty: "0.0001",
    minNotional: "0.01",
    enabled: true,
  })),
);

const scaled = (max: number, places: number) =>
  fc.integer({ min: 1, max }).map((units) => toAmount(decimal(String(units)).div(decimal(String(10 ** places)))));
const price = fc
  .integer({ min: 9500, max: 10_500 })
  .map((cents) => toAmount(decimal(String(cents)).div(decimal("100"))));
const size = fc.option(scaled(30_000, 4));
const symbol = fc.constantFrom(...SYMBOLS);
const side = fc.constantFrom("buy" as const, "sell" as const);
const clientOrderId = fc.constantFrom("a", "b", "c", "d", "e", "f");
const at = 0;

const anyEvent: fc.Arbitrary<ExchangeEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ clientOrderId, symbol, side, qty: scaled(80_000, 4), limitPrice: price })
      .map((order) => ({ type: "place" as const, at, order })),
  },
  { weight: 2, arbitrary: clientOrderId.map((id) => ({ type: "cancel" as const, at, clientOrderId: id })) },
  {
    weight: 5,
    arbitrary: fc
      .record({ symbol, bid: price, gap: scaled(100, 2), bidSize: size, askSize: size })
      .map(({ bid, gap, ...rest }) => ({
        type: "quote" as const,
        at,
        quote: { ...rest, bid, ask: toAmount(decimal(bid).plus(decimal(gap))), source: "test", observedAt: at },
      })),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({ symbol, price, qty: scaled(30_000, 4), takerSide: fc.option(side) })
      .map((trade) => ({ type: "trade" as const, at, trade: { ...trade, tradeId: null, at } })),
  },
  { weight: 1, arbitrary: scaled(10_000, 2).map((amount) => ({ type: "deposit" as const, at, amount })) },
);

/** Events whose times move on by what the generator says, sometimes backwards. */
const anyHistory = fc
  .array(fc.tuple(anyEvent, fc.integer({ min: -100, max: 400 })), { minLength: 20, maxLength: 80, size: "max" })
  .map((steps) => {
    let clock = 1000;
    return steps.map(([event, wait]): ExchangeEvent => {
      clock += wait;
      return { ...event, at: clock };
    });
  });

const OPENING = "1500";
const play = (events: readonly ExchangeEvent[]) => {
  const states: ExchangeState[] = [openExchange(OPENING, 0)];
  for (const event of events) states.push(stepExchange(states.at(-1) ?? openExchange(OPENING, 0), event, rules).state);
  return states;
};

/** What an order's fills break: quantity, limit, or the time in which it was live. */
const orderViolations = (order: PaperOrder): string[] => {
  const sign = decimal(order.side === "buy" ? "1" : "-1");
  const filled = order.fills.reduce((sum, fill) => sum.plus(decimal(fill.qty)), ZERO);
  const isLive = (at: number) => at >= order.acceptAt && (order.closedAt === null || at <= order.closedAt);
  const isWorse = (fill: string) => decimal(order.limitPrice).minus(decimal(fill)).times(sign).lt(ZERO);
  return [
    ...(toAmount(filled) === order.filledQty && filled.lte(decimal(order.qty)) ? [] : ["quantity"]),
    ...(order.fills.some((fill) => isWorse(fill.price)) ? ["worse than the limit"] : []),
    ...(order.fills.every((fill) => isLive(fill.executedAt)) ? [] : ["outside its life"]),
  ];
};

const violations = (state: ExchangeState): string[] => [
  ...(decimal(state.cash).gte(reservedCash(state)) ? [] : ["owes cash"]),
  ...SYMBOLS.filter((each) => freeQty(state, each).lt(ZERO)),
  ...Object.values(state.orders).flatMap(orderViolations),
];

const slow = { timeout: 60_000 };

describe("the paper exchange, whatever happens to it", () => {
  it("conserves cash and holdings: both are exactly what the fills and deposits say", slow, () => {
    fc.assert(
      fc.property(anyHistory, (events) => {
        const state = play(events).at(-1) as ExchangeState;
        let cash = decimal(OPENING);
        const held = new Map<string, ReturnType<typeof decimal>>();
        for (const event of events) if (event.type === "deposit") cash = cash.plus(decimal(event.amount));
        for (const order of Object.values(state.orders)) {
          for (const fill of order.fills) {
            const sign = decimal(order.side === "buy" ? "1" : "-1");
            cash = cash.minus(sign.times(decimal(fill.qty)).times(decimal(fill.price))).minus(decimal(fill.fee));
            held.set(order.symbol, (held.get(order.symbol) ?? ZERO).plus(sign.times(decimal(fill.qty))));
          }
        }
        expect(state.cash).toBe(toAmount(cash));
        for (const each of SYMBOLS) expect(state.holdings[each] ?? "0").toBe(toAmount(held.get(each) ?? ZERO));
      }),
      { numRuns: 100 },
    );
  });

  it(
    "never owes cash or coins, never overfills, and never fills worse than the limit or before acceptance",
    slow,
    () => {
      fc.assert(
        fc.property(anyHistory, (events) => {
          expect(play(events).flatMap(violations)).toEqual([]);
        }),
        { numRuns: 100 },
      );
    },
  );

  it("gives the same result for the same input, also when its state went through JSON at every step", slow, () => {
    fc.assert(
      fc.property(anyHistory, (events) => {
        const direct = play(events).at(-1);
        const stored = events.reduce(
          (state, event) => JSON.parse(JSON.stringify(stepExchange(state, event, rules).state)) as ExchangeState,
          openExchange(OPENING, 0),
        );
        expect(stored).toEqual(direct);
      }),
      { numRuns: 100 },
    );
  });
});
