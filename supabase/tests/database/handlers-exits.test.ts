import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Bench, BTC, openBench } from "./handlers-fixture.ts";

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  await bench.knob("TRADER_ENTRY_SCORE", "0");
  await bench.knob("TRADER_COST_FILTER_RATIO", "0");
  for (let minute = 0; minute < 2; minute += 1) {
    bench.price("20000", "20010");
    await bench.tick("trader-tick");
    await bench.pass(61);
  }
  bench.price("19980", "19990");
  await bench.tick("reposition-tick");
  expect(await bench.orders()).toMatchObject([{ side: "buy", status: "filled" }]);
});
afterEach(() => bench.drop());

/** Lets the price fall below the stop, until the sell that follows is filled. */
const fall = async () => {
  await bench.pass(60);
  bench.price("19000", "19010");
  const sold = await bench.tick("trader-tick");
  await bench.pass(31);
  bench.price("19000", "19010");
  await bench.tick("reposition-tick");
  return sold;
};
const filledSells = async () =>
  (await bench.orders()).filter(({ side, status }) => side === "sell" && status === "filled");

describe("a stop that is hit", () => {
  it("sells though the trader is disabled, enters nothing, and then the trader is not run any more", async () => {
    await bench.knob("TRADER_MODE", "disabled");
    expect(await fall()).toMatchObject({ outcome: "ok", counts: { exit_signals: 1, intents_accepted: 1, sent: 1 } });
    expect(await filledSells()).toHaveLength(1);
    expect(await bench.tick("trader-tick")).toMatchObject({ outcome: "skipped", reason: "disabled" });
    expect(await bench.orders()).toHaveLength(2);
  });

  it("sells on paper though the trader works live by now", async () => {
    await bench.knob("LIVE_CONFIRM", "I UNDERSTAND THIS IS REAL MONEY");
    await bench.knob("TRADER_MODE", "live");
    await fall();
    expect(await filledSells()).toHaveLength(1);
  });

  it("sells what has left the watchlist", async () => {
    await bench.db.sql`update public.instruments set enabled = false where symbol = ${BTC}`;
    expect(await fall()).toMatchObject({ counts: { exit_signals: 1, sent: 1 } });
    expect(await filledSells()).toHaveLength(1);
  });
});
