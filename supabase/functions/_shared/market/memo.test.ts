import { expect, it } from "vitest";
import { scriptedMarket } from "../../../tests/support/scripted-market.ts";
import { memoMarket } from "./memo.ts";

const BTC = "BTC-USD";

const counted = () => {
  const market = scriptedMarket();
  const asked: string[] = [];
  let elapsed = 0;
  market.quote(BTC, "1", "2", 0);
  const memo = memoMarket(
    {
      ...market,
      tickers: (symbols) => {
        asked.push(...symbols);
        return market.tickers(symbols);
      },
    },
    () => elapsed,
  );
  const pass = (ms: number) => {
    elapsed += ms;
  };
  return { market, memo, asked, pass };
};

it("asks the market once a second for a symbol, even when many ask at once", async () => {
  const { memo, asked, pass } = counted();
  const both = await Promise.all([memo.tickers([BTC]), memo.tickers([BTC, BTC])]);
  expect(both.map((quotes) => quotes.get(BTC)?.ok)).toEqual([true, true]);
  expect(asked).toEqual([BTC]);
  pass(1_001);
  await memo.tickers([BTC]);
  expect(asked).toEqual([BTC, BTC]);
});

it("does not ask a feed that is down again and again", async () => {
  const { market, memo, asked, pass } = counted();
  market.fail(true);
  await memo.tickers([BTC]);
  pass(5_000);
  expect((await memo.tickers([BTC])).get(BTC)?.ok).toBe(false);
  expect(asked).toHaveLength(1);
});
