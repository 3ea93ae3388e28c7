import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../../shared/config/parse-config.ts";
import { isDust } from "../../../shared/market/dust.ts";
import type { Instrument } from "../../../shared/market/instrument.ts";
import { type Amount, decimal, roundDownTo, toAmount } from "../../../shared/money/decimal.ts";
import { stopLossPrice } from "../../../shared/orders/pricing.ts";
import { leastEntryNotional, leastEntryQty } from "../../../shared/orders/smallest-entry.ts";
import { leastNotional } from "../../../shared/trader/entry.ts";
import type { TestDatabase } from "../support/database.ts";
import { accepted, asEngine, entry, exit, hold, openMarket, order, setKnob, submit } from "./guards-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openMarket();
});
afterEach(() => db.drop());

const SOL = { symbol: "SOL-USD", limit_price: "100", metadata: { stop_price: "98.5" } };

describe("the smallest entry", () => {
  it.each(["1.00", "1.005", "1.01", "1.015"])(
    "of %s USD is denied: its exit at its stop would be too small",
    async (notional) => {
      const answer = await submit(db, entry({ ...SOL, notional }));
      expect(answer).toMatchObject({
        code: "INVALID_INTENT",
        message: `The intent is not valid: ${Number(notional)} USD is below the minimum of 1.026947 USD that could be sold again at its stop of 98.5, after fees.`,
      });
    },
  );

  it("that is let in is sold at its stop, though its fee was taken in coins and the sale slips", async () => {
    const id = await accepted(db, entry({ ...SOL, notional: "1.026947" }));
    expect(await order(db, id)).toMatchObject({ qty: "0.01026947" });
    await db.sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
    await hold(db, "SOL-USD", "0.01017191");
    const sell = exit({
      symbol: "SOL-USD",
      qty: "0.01017191",
      limit_price: "98.31",
      metadata: { urgency: "stop_loss" },
    });
    expect(await submit(db, sell)).toMatchObject({ status: "accepted" });
  });

  it("without a stop is measured at TRADER_STOP_PCT below its limit; a stop above the limit at the limit", async () => {
    const least = async (change: object) => {
      const { message } = await submit(db, entry({ ...SOL, notional: "1", ...change }));
      return message?.match(/minimum of (\S+) USD that could be sold again at its stop of (\S+),/)?.slice(1);
    };
    expect(await least({ metadata: {} })).toEqual(["1.026947", "98.5"]);
    await setKnob(db, "TRADER_STOP_PCT", "10");
    expect(await least({ metadata: {} })).toEqual(["1.124017", "90"]);
    expect(await least({ metadata: { stop_price: "120" } })).toEqual(["1.011616", "100"]);
    expect(await least({ metadata: { stop_price: "20" } })).toEqual(["5.058073", "20"]);
  });

  it("does not exist for a stop below the price grid", async () => {
    expect(await submit(db, entry({ ...SOL, metadata: { stop_price: "0.001" } }))).toMatchObject({
      code: "INVALID_INTENT",
      message:
        "The intent is not valid: its stop of 0.001 is below the price increment 0.01: it could never be sold there.",
    });
  });

  it("counts with the account's own fees, and with the worse of them", async () => {
    const answer = async () => (await submit(db, entry({ ...SOL, notional: "1.02" }))).message;
    expect(await answer()).toContain("minimum of 1.026947 USD");
    await setKnob(db, "PAPER_FEE_BPS", "0");
    expect(await answer()).toBeUndefined();
    await asEngine(db, (sql) => sql`update public.accounts set maker_bps = 0, taker_bps = 95 where mode = 'paper'`);
    expect(await answer()).toContain("minimum of 1.026947 USD");
  });

  it("is asked for again when an unfilled entry is repriced", async () => {
    const id = await accepted(db, entry({ ...SOL, notional: "1.026947" }));
    const replaced = await asEngine(db, async (sql) => {
      await sql`update public.crypto_orders set status = 'submitted', unresolved = true where id = ${id}`;
      await sql`update public.crypto_orders set status = 'working', unresolved = false where id = ${id}`;
      await sql`update public.crypto_orders set status = 'cancel_pending', cancel_reason_code = 'reprice' where id = ${id}`;
      await sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
      return sql`select private.create_replacement(${id}, 100.5) as child`;
    });
    expect(replaced).toEqual([{ child: null }]);
    const events = await db.sql`select reason from public.order_events where event_type = 'replacement_denied'`;
    expect(events).toEqual([{ reason: "INVALID_INTENT" }]);
  });
});

const text = (units: number, places: number): Amount =>
  toAmount(decimal(String(units)).div(decimal(String(10 ** places))));
const cases = fc.record({
  priceIncrement: fc.constantFrom("0.01", "0.00001", "0.25", "1", "0.000001"),
  qtyIncrement: fc.constantFrom("0.00000001", "0.001", "1", "0.5"),
  minQty: fc.integer({ min: 1, max: 5000 }).map((units) => text(units, 4)),
  minNotional: fc.integer({ min: 1, max: 1000 }).map((units) => text(units, 2)),
  limitSteps: fc.integer({ min: 20, max: 3_000_000 }),
  stopShare: fc.option(fc.integer({ min: 1, max: 1100 }), { freq: 4 }),
  feeBps: fc.integer({ min: 0, max: 100_000 }).map((units) => text(units, 2)),
  crossBps: fc.integer({ min: 0, max: 10_000 }).map((units) => text(units, 1)),
  price: fc.option(
    fc.integer({ min: 1, max: 10 ** 7 }).map((units) => text(units, 4)),
    { freq: 4 },
  ),
  qty: fc.integer({ min: 1, max: 10 ** 7 }).map((units) => text(units, 5)),
});

describe("SQL and TypeScript", () => {
  const setCase = (instrument: Instrument, feeBps: Amount) =>
    asEngine(db, async (sql) => {
      await sql`
        update public.instruments set price_increment = ${instrument.priceIncrement}, qty_increment = ${instrument.qtyIncrement},
          min_qty = ${instrument.minQty}, min_notional = ${instrument.minNotional} where symbol = 'SOL-USD'`;
      await sql`update public.accounts set maker_bps = 0, taker_bps = ${feeBps} where mode = 'paper'`;
    });
  const problemOf = async (intent: object) => {
    const [row] = await db.admin`
      select case when (r).problem is null then (private.size_intent(r)).problem else (r).problem end as problem
      from (select private.read_intent(${db.admin.json(intent as never)}) as r) as x`;
    return row?.problem as string | null;
  };

  it("agree on dust, on a stop-loss's price and on the smallest entry, which can be sold and below which nothing is let in", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const { priceIncrement, qtyIncrement, minQty, minNotional, feeBps, crossBps } = one;
        const instrument = { symbol: "SOL-USD", priceIncrement, qtyIncrement, minQty, minNotional, enabled: true };
        const limitPrice = toAmount(decimal(priceIncrement).times(decimal(String(one.limitSteps))));
        const config = { ...DEFAULT_CONFIG, MAX_CROSS_SPREAD_BPS: crossBps };
        const stop =
          one.stopShare === null ? null : toAmount(decimal(limitPrice).times(decimal(text(one.stopShare, 3))));
        await setKnob(db, "MAX_CROSS_SPREAD_BPS", crossBps);
        await setCase(instrument, feeBps);
        const [sql] = await db.admin`
          select private.below_minimum(i, ${one.qty}, ${one.price}) as dust,
            private.stop_loss_price(${limitPrice}, i.price_increment)::text as exit_price,
            trim_scale(private.least_entry_qty(i, private.own_stop(${limitPrice}, ${db.admin.json({ stop_price: stop })}), ${feeBps}))::text as least
          from public.instruments as i where i.symbol = 'SOL-USD'`;
        const quote = {
          symbol: "SOL-USD",
          bid: limitPrice,
          ask: limitPrice,
          bidSize: null,
          askSize: null,
          source: "",
          observedAt: 0,
        };
        const atStop = { limitPrice, stopPrice: stop ?? "", feeBps, instrument };
        const notional =
          stop === null ? leastNotional({ quote, instrument, feeBps, config }) : leastEntryNotional(atStop, config);
        const qty = notional === null ? null : toAmount(decimal(notional).div(decimal(limitPrice)));
        expect(sql).toEqual({
          dust: isDust(one.qty, one.price, instrument),
          exit_price: stopLossPrice(quote, config, priceIncrement),
          least: qty,
        });
        if (stop !== null) expect(leastEntryQty(atStop, config)).toBe(qty);
        const metadata = stop === null ? {} : { stop_price: stop };
        const wish = (usd: Amount) => entry({ symbol: "SOL-USD", limit_price: limitPrice, notional: usd, metadata });
        if (qty === null || notional === null) {
          expect(await problemOf(wish("1000"))).toContain("it could never be sold there");
          return;
        }
        expect(await problemOf(wish(notional))).toBeNull();
        const less = decimal(notional).minus(decimal("0.000000000001"));
        expect(await problemOf(wish(toAmount(less)))).toContain(`below the minimum of ${notional} USD`);
        const kept = roundDownTo(
          decimal(qty)
            .times(decimal("10000").minus(decimal(feeBps)))
            .div(decimal("10000")),
          decimal(qtyIncrement),
        );
        const [at] = await db.admin`
          select private.stop_loss_price(private.own_stop(${limitPrice}, ${db.admin.json(metadata)}), ${priceIncrement})::text as price`;
        expect(await problemOf(exit({ symbol: "SOL-USD", qty: toAmount(kept), limit_price: at?.price }))).toBeNull();
      }),
      { numRuns: 150 },
    );
  });
});
