import { describe, expect, it } from "vitest";
import {
  direction,
  duration,
  fractionPercent,
  instant,
  price,
  quantity,
  share,
  signedPercent,
  signedUsd,
  usd,
  words,
} from "./format.ts";

describe("amounts", () => {
  it.each([
    ["1234.5", "$1,234.50"],
    ["-0.4", "−$0.40"],
    ["-0.001", "$0.00"],
    ["0", "$0.00"],
    ["9007199254740993.11", "$9,007,199,254,740,993.11"],
    [null, "–"],
    [undefined, "–"],
  ])("%s US dollars are written %s, exactly", (value, text) => {
    expect(usd(value)).toBe(text);
  });

  it.each([
    ["1.2", "+$1.20"],
    ["-1.2", "−$1.20"],
    ["0.0000", "$0.00"],
    ["0.004", "$0.00"],
    ["-0.004", "$0.00"],
    [null, "–"],
  ])("a gain of %s is written %s", (value, text) => {
    expect(signedUsd(value)).toBe(text);
  });

  it.each([
    ["4698.8", "4,698.80"],
    ["100", "100.00"],
    ["23.456", "23.4560"],
    ["0.06123", "0.061230"],
    ["0.00001234", "0.00001234"],
    [null, "–"],
  ])("a price of %s is written %s: its size decides the digits", (value, text) => {
    expect(price(value)).toBe(text);
  });

  it("a quantity keeps all its eight digits, so that a column keeps its width", () => {
    expect(quantity("0.05")).toBe("0.05000000");
    expect(quantity("0.00478841")).toBe("0.00478841");
  });

  it.each([
    ["1.234", "+1.23 %"],
    ["-1.234", "−1.23 %"],
    ["-0.001", "0.00 %"],
    ["0", "0.00 %"],
  ])("%s percent are written %s", (value, text) => {
    expect(signedPercent(value)).toBe(text);
  });

  it("a fraction of one is written as a percentage", () => {
    expect(fractionPercent("0.000421")).toBe("0.04 %");
    expect(fractionPercent(null)).toBe("–");
  });

  it("a share is 100 % only when it is all", () => {
    expect(share("0.99999999", "1")).toBe("99 %");
    expect(share("1", "1")).toBe("100 %");
    expect(share("0.3", "1")).toBe("30 %");
    expect(share("0", "0")).toBe("–");
  });

  it.each([
    ["0.01", "up"],
    ["-0.01", "down"],
    ["-0.00", "flat"],
    ["0", "flat"],
    [null, "flat"],
  ])("%s goes %s", (value, way) => {
    expect(direction(value)).toBe(way);
  });
});

describe("times", () => {
  it.each([
    [0, "0 s"],
    [-5, "0 s"],
    [59.4, "59 s"],
    [60, "1 min 0 s"],
    [599, "9 min 59 s"],
    [600, "10 min"],
    [7500, "2 h 5 min"],
    [86_400 * 3, "3 d"],
  ])("%d seconds are %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it("an instant of today is the time alone, another day's has its date", () => {
    const noon = new Date(2026, 2, 1, 12, 0, 5);
    expect(instant(noon.toISOString(), noon.getTime() + 1000)).toBe("12:00:05");
    expect(instant(noon.toISOString(), noon.getTime() + 86_400_000)).toBe("03-01 12:00:05");
    expect(instant(null)).toBe("–");
  });

  it("a code is read as words", () => {
    expect(words("LIQUIDITY_GUARD")).toBe("liquidity guard");
    expect(words(null)).toBe("–");
  });
});
