import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAmount } from "./amount.ts";
import { addBps, addPct, bpsOf, decimal, isMultipleOf, roundDownTo, roundFee, roundUpTo, toAmount } from "./decimal.ts";

describe("decimals", () => {
  it("refuse floats, so that no amount can pass through one", () => {
    expect(() => decimal(0.1 as unknown as string)).toThrow();
  });

  it("are written plainly however small they are", () => {
    expect(toAmount(decimal("0.00000001"))).toBe("0.00000001");
  });

  it("move by basis points and percent exactly", () => {
    expect(toAmount(addBps(decimal("100"), decimal("5")))).toBe("100.05");
    expect(toAmount(addBps(decimal("100"), decimal("-20")))).toBe("99.8");
    expect(toAmount(addPct(decimal("200"), decimal("-1.5")))).toBe("197");
  });

  it("reproduce a venue's fee to the last digit", () => {
    expect(toAmount(roundFee(bpsOf(decimal("0.001").times(decimal("64975.78")), decimal("95"))))).toBe("0.61726991");
  });

  it("round to the nearest multiple on the asked side, and stay when they are on the grid", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }),
        fc.integer({ min: 1, max: 10 ** 6 }),
        (units, step) => {
          const value = decimal(String(units)).div(decimal("100000000"));
          const increment = decimal(String(step)).div(decimal("100000000"));
          const down = roundDownTo(value, increment);
          const up = roundUpTo(value, increment);
          expect(isMultipleOf(down, increment) && isMultipleOf(up, increment)).toBe(true);
          expect(down.lte(value) && up.gte(value)).toBe(true);
          expect(value.minus(down).lt(increment) && up.minus(value).lt(increment)).toBe(true);
          expect(down.eq(up)).toBe(isMultipleOf(value, increment));
        },
      ),
    );
  });
});

describe("parseAmount", () => {
  it.each([
    ["1.50", "1.5"],
    [".5", "0.5"],
    ["+3", "3"],
    ["7.", "7"],
    ["1e-7", "0.0000001"],
    [25, "25"],
    [" 2 ", "2"],
  ])("reads %s as %s", (given, expected) => {
    expect(parseAmount(given, "qty")).toEqual({ ok: true, value: expected });
  });

  it.each([
    ["NaN", "NaN, infinity and other text are refused"],
    ["Infinity", "NaN, infinity and other text are refused"],
    ["", "NaN, infinity and other text are refused"],
    ["1,5", "NaN, infinity and other text are refused"],
    ["0x10", "NaN, infinity and other text are refused"],
    [Number.NaN, "NaN, infinity and other text are refused"],
    [null, "must be a decimal number, as text"],
    [{}, "must be a decimal number, as text"],
    ["0", "must be above zero"],
    ["-1", "must be above zero"],
    ["0.1234567890123456789", "must have at most 18 decimal places"],
    ["1e30", "must have at most 20 digits before the point"],
  ])("refuses %s and says that it %s", (given, why) => {
    const parsed = parseAmount(given, "notional", { sign: "positive" });
    expect(parsed.ok ? "" : parsed.error.message).toContain(why);
    expect(parsed.ok ? "" : parsed.error.message).toMatch(/^notional is /);
  });
});
