import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimal, isMultipleOf } from "../money/decimal.ts";
import { replacementQuantity } from "./replacement.ts";

const instrument = { qtyIncrement: "0.0001", minQty: "0.0002", minNotional: "1" };

describe("replacementQuantity", () => {
  it("sends what is not filled yet", () => {
    expect(
      replacementQuantity({
        wantedQty: "1",
        filledQty: "0.4",
        notionalLeft: null,
        heldQty: null,
        price: "10",
        instrument,
      }),
    ).toBe("0.6");
  });

  it("buys no more than the notional that is left pays for at the new price", () => {
    expect(
      replacementQuantity({
        wantedQty: "1",
        filledQty: "0",
        notionalLeft: "7",
        heldQty: null,
        price: "30",
        instrument,
      }),
    ).toBe("0.2333");
  });

  it("sells no more than there is", () => {
    const input = { wantedQty: "1", filledQty: "0", notionalLeft: null, heldQty: "0.25", price: "30", instrument };
    expect(replacementQuantity(input)).toBe("0.25");
  });

  it.each([
    ["nothing is left", { wantedQty: "1", filledQty: "1", notionalLeft: null, heldQty: null, price: "10" }],
    [
      "more was filled than wanted",
      { wantedQty: "1", filledQty: "1.1", notionalLeft: null, heldQty: null, price: "10" },
    ],
    [
      "the rest is below the minimum quantity",
      { wantedQty: "1", filledQty: "0.9999", notionalLeft: null, heldQty: null, price: "100000" },
    ],
    [
      "the rest is below the minimum notional",
      { wantedQty: "1", filledQty: "0.95", notionalLeft: null, heldQty: null, price: "10" },
    ],
    ["no notional is left", { wantedQty: "1", filledQty: "0", notionalLeft: "0", heldQty: null, price: "10" }],
  ])("is null when %s", (_, input) => {
    expect(replacementQuantity({ ...input, instrument })).toBeNull();
  });

  it("never exceeds what is wanted or affordable, whatever the amounts", () => {
    const units = fc
      .integer({ min: 0, max: 10 ** 9 })
      .map((each) => decimal(String(each)).div(decimal("10000")).toFixed());
    fc.assert(
      fc.property(units, units, fc.option(units), units, (wantedQty, filledQty, notionalLeft, price) => {
        const qty = replacementQuantity({ wantedQty, filledQty, notionalLeft, heldQty: null, price, instrument });
        if (qty === null) return;
        expect(decimal(qty).lte(decimal(wantedQty).minus(decimal(filledQty)))).toBe(true);
        expect(isMultipleOf(decimal(qty), decimal(instrument.qtyIncrement))).toBe(true);
        if (notionalLeft !== null) expect(decimal(qty).times(decimal(price)).lte(decimal(notionalLeft))).toBe(true);
      }),
    );
  });
});
