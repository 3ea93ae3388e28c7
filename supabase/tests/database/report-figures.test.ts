import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Decimal, decimal, toAmount } from "../../../shared/money/decimal.ts";
import {
  feeSlack,
  isBeyond,
  isBeyondLimit,
  isFeeOutOfProportion,
  isWhole,
  priceSlack,
  restPrice,
  TREATMENTS,
} from "../../../shared/orders/report-figures.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

const anyAmount = fc
  .tuple(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: -3, max: 10 }))
  .map(([units, places]) => toAmount(decimal(String(units)).times(decimal("10").pow(-places))));

const isNear = (sql: string | null, ours: Decimal | null) =>
  sql === null || ours === null
    ? sql === null && ours === null
    : decimal(sql)
        .minus(ours)
        .abs()
        .lte(ours.abs().times(decimal("0.000000000001")));

describe("how much of what a broker tells is only rounding", () => {
  it("is the same in SQL and in TypeScript, whatever the figures", async () => {
    await fc.assert(
      fc.asyncProperty(anyAmount, anyAmount, anyAmount, anyAmount, async (a, b, c, d) => {
        const [row] = await db.admin<Record<string, string | null>[]>`
          select private.price_slack(${a})::text as price, private.fee_slack(${a}, 1)::text as fee, private.is_beyond(${a}, ${b})::text as beyond,
            private.is_whole(${a}, ${b}, ${c})::text as whole, private.beyond_limit('buy', ${a}, ${b})::text as buy,
            private.beyond_limit('sell', ${a}, ${b})::text as sell, private.fee_is_out_of_proportion(${a}, ${b})::text as proportion,
            private.rest_price(${a}, ${b}, ${c}, ${d})::text as rest`;
        const [x, y, z, w] = [decimal(a), decimal(b), decimal(c), decimal(d)] as const;
        expect([row?.beyond, row?.whole, row?.buy, row?.sell, row?.proportion]).toEqual(
          [
            isBeyond(x, y),
            isWhole(a, b, c),
            isBeyondLimit("buy", x, y),
            isBeyondLimit("sell", x, y),
            isFeeOutOfProportion(x, y),
          ].map(String),
        );
        expect(isNear(row?.price ?? null, priceSlack(x))).toBe(true);
        expect(isNear(row?.fee ?? null, feeSlack(x))).toBe(true);
        expect([row?.rest, isNear(row?.rest ?? null, restPrice(x, y, z, w))]).toEqual([row?.rest, true]);
      }),
      { numRuns: 300 },
    );
  });

  it("and each kind of contradiction is treated the same in both", async () => {
    const kinds = Object.keys(TREATMENTS);
    const rows = await db.admin`
      select k.kind, private.treatment_of(k.kind) as treatment from unnest(${kinds}::text[]) as k (kind)`;
    expect(Object.fromEntries(rows.map(({ kind, treatment }) => [kind, treatment]))).toEqual(TREATMENTS);
    const [source] = await db.admin`select prosrc from pg_proc where proname = 'treatment_of'`;
    const named = [...String(source?.prosrc).matchAll(/'([a-z_]+)'/g)].map(([, name]) => name);
    expect(named.filter((name) => name !== "hold" && name !== "tell").sort()).toEqual([...kinds].sort());
  });
});
