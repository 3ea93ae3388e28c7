import fc from "fast-check";
import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatInstant, parseInstant } from "../../../shared/market/instant.ts";
import { type Quote, uncrossed, usableQuote } from "../../../shared/market/quote.ts";
import { type Amount, decimal, toAmount, ZERO } from "../../../shared/money/decimal.ts";
import { ENGINES_OWN_CANCELS, ordersTheRest } from "../../../shared/orders/cancel-reasons.ts";
import type { Side, Urgency } from "../../../shared/orders/order.ts";
import { passivePrice, stopLossPrice } from "../../../shared/orders/pricing.ts";
import { replacementQuantity } from "../../../shared/orders/replacement.ts";
import { ttlSeconds } from "../../../shared/orders/reposition.ts";
import { isLive, ORDER_STATUSES } from "../../../shared/orders/status.ts";
import { slotOf } from "../../functions/trader-tick/slot.ts";
import type { TestDatabase } from "../support/database.ts";
import { applyOne, asEngine, brokerFill, handOver, openBooks } from "./money-fixture.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

let db: TestDatabase;
beforeAll(async () => {
  db = await openBooks();
});
afterAll(() => db.drop());

const json = (value: unknown) => db.admin.json(value as postgres.JSONValue);
const setKnob = (key: string, value: string) => db.sql`update public.config set value = ${value} where key = ${key}`;
const units = (max: number, places: number) =>
  fc.integer({ min: 1, max }).map((n) => toAmount(decimal(String(n)).div(decimal(`1e${places}`))));

const price = fc.oneof(units(2_000_000, 2), units(50_000, 9), units(9_999_999, 4));
/** A touch whose legs lie around the tolerance of 5 bps as often as not, with the bid on either side. */
const touch = fc
  .tuple(price, fc.oneof(fc.integer({ min: -60_000, max: 60_000 }), fc.integer({ min: 49_990, max: 50_030 })))
  .map(([ask, hundredthsOfMilliBps]) => ({
    ask,
    bid: toAmount(decimal(ask).times(decimal("1").plus(decimal(String(hundredthsOfMilliBps)).times(decimal("1e-8"))))),
  }));
const ageMs = fc.oneof(
  fc.integer({ min: -40_000, max: 90_000 }),
  fc.constantFrom(-5001, -5000, -4999, 0, 29_999, 30_000, 30_001),
);
const quote = fc.tuple(touch, ageMs).map(
  ([{ bid, ask }, age]): Quote => ({
    symbol: "BTC-USD",
    bid,
    ask,
    bidSize: null,
    askSize: null,
    source: "test",
    observedAt: NOW - age,
  }),
);
const row = ({ bid, ask, observedAt, symbol }: Quote) => ({ symbol, bid, ask, observed_at: formatInstant(observedAt) });

describe("a rule that is written in SQL and in TypeScript says the same in both", () => {
  it("of when a quote may be traded on: its age, one ahead of the clock, crossed legs", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(quote, { minLength: 100, maxLength: 100 }), async (quotes) => {
        const there = await db.admin<{ problem: string | null }[]>`
          select private.quote_problem(jsonb_populate_record(null::public.quotes, q.value)) as problem
          from jsonb_array_elements(${json(quotes.map(row))}) with ordinality as q (value, n) order by q.n`;
        const here = quotes.map((each) => {
          const judged = usableQuote(each, NOW, 30);
          return judged.ok ? null : judged.error.code;
        });
        expect(there.map(({ problem }) => problem)).toEqual(here);
      }),
      { numRuns: 30 },
    );
    const [none] = await db.admin`select private.quote_problem(null) as problem`;
    const missing = usableQuote(null, NOW, 30);
    expect([none?.problem, missing.ok]).toEqual(["no_quote", false]);
  });

  it("of the price at the touch: of a buy, a passive sell and a stop-loss, on any grid", async () => {
    const order = fc.constantFrom<[Side, Urgency]>(["buy", "passive"], ["sell", "passive"], ["sell", "stop_loss"]);
    const increment = fc.constantFrom("0.01", "0.00001", "1", "0.5", "0.00000001", "5");
    const bps = fc.constantFrom("0", "20", "12.345", "1000");
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(
        quote,
        order,
        increment,
        bps,
        fc.boolean(),
        async (seen, [side, urgency], grid, cap, isGiven) => {
          cases += 1;
          const symbol = `T${cases}X-USD`;
          await setKnob("MAX_CROSS_SPREAD_BPS", cap);
          await listInstrument(symbol, grid);
          await asEngine(
            db,
            (sql) => sql`
            insert into public.quotes (symbol, bid, ask, source, observed_at)
            values (${symbol}, ${seen.bid}, ${seen.ask}, 'test', ${new Date(seen.observedAt)})`,
          );
          const wanted = isGiven ? toAmount(decimal(grid).times(decimal("7"))) : null;
          const [there] = await db.admin<{ price: Amount | null }[]>`
          select private.touch_price(
            jsonb_populate_record(null::public.crypto_orders, ${json({ symbol, side, urgency })}), ${wanted}
          )::text as price`;
          expect(there?.price ?? null).toBe(touchPrice(side, urgency, seen, cap, grid, wanted));
        },
      ),
      { numRuns: 150 },
    );
    await setKnob("MAX_CROSS_SPREAD_BPS", "20");
  });

  it("of what is left to order: of an entry within its notional, of an exit within what is held", {
    timeout: 180_000,
  }, async () => {
    const grids = fc.record({
      qtyIncrement: fc.constantFrom("0.001", "0.00000001", "0.25"),
      minQty: fc.constantFrom("0.25", "0.00001", "1"),
      minNotional: fc.constantFrom("1", "10", "0.01"),
    });
    const wish = fc.record({
      qty: units(40, 0),
      filledParts: fc.integer({ min: 0, max: 7 }),
      price: units(9_999_999, 5),
      held: units(80, 0),
    });
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(
        grids,
        wish,
        fc.boolean(),
        async (instrument, { qty, filledParts, price: next, held }, isEntry) => {
          cases += 1;
          const symbol = `R${cases}X-USD`;
          await listInstrument(symbol, "0.00001", instrument);
          if (!isEntry) await fill(await handOver(db, { symbol, qty: held, price: "10" }), "filled", held, `b${cases}`);
          const id = await handOver(db, { symbol, qty, price: "10", side: isEntry ? "buy" : "sell" });
          const filledQty = toAmount(
            least(decimal(qty), decimal(held))
              .times(decimal(String(filledParts)))
              .div(decimal("8")),
          );
          if (filledParts > 0) await fill(id, "partially_filled", filledQty, `p${cases}`);
          const [there] = await db.admin<{ rest: Amount }[]>`
          select private.rest_of(i, ${next})::text as rest
          from public.order_intents as i where i.id = (select o.intent_group_id from public.crypto_orders as o where o.id = ${id})`;
          const left = decimal(qty).minus(decimal(filledQty)).times(decimal("10"));
          const here = replacementQuantity({
            wantedQty: qty,
            filledQty,
            notionalLeft: isEntry ? toAmount(left) : null,
            heldQty: isEntry ? null : toAmount(decimal(held).minus(decimal(filledQty))),
            price: next,
            instrument,
          });
          expect(there?.rest).toBe(here ?? "0");
        },
      ),
      { numRuns: 60 },
    );
  });

  it("of when an order is looked at again", async () => {
    for (const [entry, exit] of [
      [60, 30],
      [1, 86_400],
    ] as const) {
      await setKnob("ORDER_TTL_SECONDS_ENTRY", String(entry));
      await setKnob("ORDER_TTL_SECONDS_EXIT", String(exit));
      for (const purpose of ["entry", "exit", "flatten"] as const) {
        const [there] = await db.admin`select private.ttl_seconds(${purpose}) as seconds`;
        const config = { ORDER_TTL_SECONDS_ENTRY: entry, ORDER_TTL_SECONDS_EXIT: exit };
        expect(there?.seconds).toBe(ttlSeconds(purpose, config));
      }
    }
  });

  it("of which cancels are the engine's own, after which the rest is ordered", async () => {
    const named = await db.admin<{ reason: string }[]>`
      select m[1] as reason from pg_catalog.pg_proc, pg_catalog.regexp_matches(prosrc, '''([a-z_]+)''', 'g') as m
      where oid = 'private.orders_the_rest(text)'::regprocedure`;
    expect(named.length).toBeGreaterThan(0);
    const reasons = [
      ...ENGINES_OWN_CANCELS,
      ...named.map(({ reason }) => reason),
      "operator_dashboard",
      "kill_switch",
      "liquidity_guard",
      "max_reprices",
      "",
      "Reprice",
      null,
    ];
    for (const reason of reasons) {
      const [there] = await db.admin`select private.orders_the_rest(${reason}) as answer`;
      expect([reason, there?.answer]).toEqual([reason, ordersTheRest(reason)]);
    }
  });

  it("of the statuses there are, and of those in which an order may still trade", async () => {
    const [known] = await db.admin`
      select pg_get_constraintdef(oid) as text from pg_constraint where conname = 'crypto_orders_status_known'`;
    expect([...`${known?.text}`.matchAll(/'(\w+)'/g)].map(([, status]) => status).sort()).toEqual(
      [...ORDER_STATUSES].sort(),
    );
    for (const status of ORDER_STATUSES) {
      const [there] = await db.admin`select private.is_live(${status}) as live, private.phase(${status}) as phase`;
      expect(there).toEqual({ live: isLive(status), phase: isLive(status) ? "live" : "closed" });
    }
  });

  it("of the slot that a moment belongs to", async () => {
    for (const cadence of [5, 7, 60, 3600]) {
      await setKnob("TRADER_TICK_SECONDS", String(cadence));
      for (const moment of [NOW, NOW + 1, NOW + 6_999, NOW + 59_999, NOW + 3_600_001]) {
        const [there] = await db.admin<
          { slot: Date }[]
        >`select private.slot_of('trader-tick', ${new Date(moment)}) as slot`;
        const run = { work: { config: { TRADER_TICK_SECONDS: cadence } }, now: () => moment } as Parameters<
          typeof slotOf
        >[0];
        expect(there?.slot.getTime()).toBe(parseInstant(slotOf(run)));
      }
    }
  });
});

const least = (a: ReturnType<typeof decimal>, b: ReturnType<typeof decimal>) => (a.lte(b) ? a : b);

/** What the engine asks for off a quote, or of a price worked out before; null when there is nothing to go by. */
function touchPrice(
  side: Side,
  urgency: Urgency,
  seen: Quote,
  cap: Amount,
  grid: Amount,
  wanted: Amount | null,
): Amount | null {
  const found = (): Amount | null => {
    if (side === "buy") {
      if (wanted !== null) return wanted;
      const usable = usableQuote(seen, NOW, 30);
      return usable.ok ? passivePrice("buy", usable.value, grid) : null;
    }
    if (urgency === "passive") return wanted ?? passivePrice("sell", uncrossed(seen), grid);
    const config = { MAX_CROSS_SPREAD_BPS: cap, REPRICE_STEP_BPS: "5", MAX_REPRICE_ATTEMPTS: 3 };
    const stop = stopLossPrice(uncrossed(seen), config, grid);
    return wanted === null ? stop : toAmount(least(decimal(wanted), decimal(stop)));
  };
  const price = found();
  return price === null || decimal(price).lte(ZERO) ? null : price;
}

async function listInstrument(
  symbol: string,
  priceIncrement: string,
  minima = { qtyIncrement: "0.001", minQty: "0.001", minNotional: "1" },
) {
  await asEngine(
    db,
    (sql) => sql`
      insert into public.instruments (symbol, price_increment, qty_increment, min_qty, min_notional, enabled)
      values (${symbol}, ${priceIncrement}, ${minima.qtyIncrement}, ${minima.minQty}, ${minima.minNotional}, false)`,
  );
}

const fill = (id: string, state: string, qty: Amount, fillId: string) =>
  applyOne(db, id, { state, filled_qty: qty, average_price: "10", fee: "0", fills: [brokerFill(fillId, qty, "10")] });
