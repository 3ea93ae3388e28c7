import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimal, toAmount, ZERO } from "./decimal.ts";
import { type Fill, foldFills, heldQty, realizedPnl } from "./lots.ts";

const fill = (fillId: string, side: "buy" | "sell", qty: string, price: string, fee = "0"): Fill => ({
  fillId,
  symbol: "BTC-USD",
  side,
  qty,
  price,
  fee,
});

const amount = (max: number, places: number) =>
  fc.integer({ min: 1, max }).map((units) => toAmount(decimal(String(units)).div(decimal(String(10 ** places)))));

const anyFills = fc
  .array(
    fc.record({
      symbol: fc.constantFrom("BTC-USD", "ETH-USD"),
      side: fc.constantFrom("buy" as const, "sell" as const),
      qty: amount(5_000_000, 8),
      price: amount(9_000_000, 2),
      fee: amount(1_000_000, 11),
    }),
    { maxLength: 30 },
  )
  .map((fills) => fills.map((each, index): Fill => ({ ...each, fillId: `f${index}` })));

const sum = (amounts: readonly string[]) => amounts.reduce((total, each) => total.plus(decimal(each)), ZERO);

describe("lots", () => {
  it("are eaten first in, first out, with both sides' fees in the realized P&L", () => {
    const book = foldFills([
      fill("a", "buy", "1", "100", "1"),
      fill("b", "buy", "1", "200", "2"),
      fill("c", "sell", "1.5", "300", "3"),
    ]);
    expect(book.closures.map((closure) => [closure.lotFillId, closure.qty, closure.fees, closure.realizedPnl])).toEqual(
      [
        ["a", "1", "3", "197"],
        ["b", "0.5", "2", "48"],
      ],
    );
    expect(heldQty(book, "BTC-USD")).toBe("0.5");
    expect(realizedPnl(book)).toBe("245");
  });

  it("report what a sell takes beyond what is held instead of going negative", () => {
    const book = foldFills([fill("a", "buy", "1", "100"), fill("b", "sell", "1.25", "100")]);
    expect(book.refused).toEqual([{ code: "sells_more_than_held", fillId: "b", qty: "0.25" }]);
    expect(heldQty(book, "BTC-USD")).toBe("0");
  });

  it("are eaten by a sell that was told before its buy, as soon as the buy is told", () => {
    const book = foldFills([
      fill("a", "buy", "1", "100", "1"),
      fill("b", "sell", "1.5", "300", "3"),
      fill("c", "buy", "2", "200", "4"),
    ]);
    expect(book.closures.map((closure) => [closure.lotFillId, closure.qty, closure.fees, closure.realizedPnl])).toEqual(
      [
        ["a", "1", "3", "197"],
        ["c", "0.5", "2", "48"],
      ],
    );
    expect(book.uncovered).toEqual([]);
    expect(heldQty(book, "BTC-USD")).toBe("1.5");
  });

  it("refuse a second fill under a known id when it says something else", () => {
    const book = foldFills([fill("a", "buy", "1", "100"), fill("a", "buy", "2", "100")]);
    expect(book.refused.map((each) => each.code)).toEqual(["contradicts_booked_fill"]);
    expect(heldQty(book, "BTC-USD")).toBe("1");
  });

  it("conserve quantity: what was bought is held or closed, and nothing else", () => {
    fc.assert(
      fc.property(anyFills, (fills) => {
        const book = foldFills(fills);
        const bought = sum(fills.filter((each) => each.side === "buy").map((each) => each.qty));
        const sold = sum(fills.filter((each) => each.side === "sell").map((each) => each.qty));
        const closed = sum(book.closures.map((each) => each.qty));
        const excess = sum(book.uncovered.map((each) => each.qty));
        expect(toAmount(sum(book.lots.map((each) => each.remainingQty)).plus(closed))).toBe(toAmount(bought));
        expect(toAmount(closed.plus(excess))).toBe(toAmount(sold));
      }),
    );
  });

  it("realize exactly the cash that came in once everything is sold, to the last digit", () => {
    fc.assert(
      fc.property(anyFills, amount(9_000_000, 2), (fills, price) => {
        const before = foldFills(fills.filter((each) => each.side === "buy"));
        const closing = ["BTC-USD", "ETH-USD"].flatMap((symbol): Fill[] => {
          const qty = heldQty(before, symbol);
          return qty === "0"
            ? []
            : [{ fillId: `close-${symbol}`, symbol, side: "sell", qty, price, fee: "0.12345678901" }];
        });
        const all = [...fills.filter((each) => each.side === "buy"), ...closing];
        const book = foldFills(all);
        const cash = all.reduce((total, each) => {
          const notional = decimal(each.qty).times(decimal(each.price));
          return total.plus(each.side === "sell" ? notional : notional.neg()).minus(decimal(each.fee));
        }, ZERO);
        expect(book.lots).toEqual([]);
        expect(realizedPnl(book)).toBe(toAmount(cash));
      }),
    );
  });

  it("do not care how often or how late a fill is repeated", () => {
    fc.assert(
      fc.property(anyFills, fc.array(fc.nat(), { maxLength: 20 }), (fills, picks) => {
        const noisy = [...fills];
        for (const pick of fills.length === 0 ? [] : picks) {
          const original = pick % fills.length;
          const repeated = fills[original];
          const after = noisy.findIndex((each) => each.fillId === `f${original}`) + 1;
          if (repeated) noisy.splice(after + (pick % (noisy.length - after + 1)), 0, { ...repeated });
        }
        expect(foldFills(noisy)).toEqual(foldFills(fills));
      }),
    );
  });
});
