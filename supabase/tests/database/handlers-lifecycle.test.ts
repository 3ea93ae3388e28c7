import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Bench, BTC, openBench } from "./handlers-fixture.ts";

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  await bench.knob("TRADER_ENTRY_SCORE", "0");
  await bench.knob("TRADER_COST_FILTER_RATIO", "0");
});
afterEach(() => bench.drop());

/** Opens the account and enters; returns the entry, working at the bid. */
const enter = async () => {
  bench.price("20000", "20010");
  await bench.tick("trader-tick");
  await bench.pass(60);
  bench.price("20000", "20010");
  const result = await bench.tick("trader-tick");
  expect(result).toMatchObject({ outcome: "ok", counts: { intents_accepted: 1, sent: 1 } });
  const [order] = await bench.orders();
  return order;
};

const booksAgree = async () => {
  const [books] = await bench.db.admin<{ agree: boolean }[]>`
    select (select sum(amount) from public.cash_ledger where mode = 'paper') = (state ->> 'cash')::numeric
      and coalesce((select sum(qty) from public.positions where mode = 'paper'), 0)
        = coalesce((select sum(value::numeric) from jsonb_each_text(state -> 'holdings')), 0) as agree
    from paper_exchange.book`;
  return books?.agree;
};

describe("a trade from entry to exit", () => {
  it("takes its opening cash from the broker on the first trader tick", async () => {
    bench.price("20000", "20010");
    const first = await bench.tick("trader-tick");
    expect(first).toMatchObject({ outcome: "ok", rounds: 1, reconciliation: [{ mode: "paper", status: "ok" }] });
    const [account] = await bench.db.sql`select cash::text from public.accounts where mode = 'paper'`;
    expect(Number(account?.cash)).toBe(2000);
  });

  it("records quotes, closed candles and a scan with its breakdown", async () => {
    bench.price("20000", "20010");
    await bench.tick("trader-tick");
    const [quote] = await bench.db.sql`select bid::text, source from public.quotes where symbol = ${BTC}`;
    expect(quote).toEqual({ bid: "20000", source: "test" });
    const [scan] = await bench.db.sql`select score, score_breakdown, info from public.candidate_scans`;
    expect(Object.keys(scan?.score_breakdown)).toEqual(
      expect.arrayContaining(["liquidity", "momentum", "trend", "volatility"]),
    );
    expect(scan?.info).toMatchObject({ bid: "20000", ask: "20010", mid: "20005" });
    const [candles] = await bench.db
      .sql`select count(*)::int as n, max(open_time) as newest from public.crypto_candles`;
    expect(candles?.n).toBe(130);
    expect(candles?.newest.getTime()).toBeLessThanOrEqual(bench.now() - 60_000);
  });

  it("buys, is filled, survives with its exit state, and sells at the target; both books agree to the last digit", async () => {
    const entry = await enter();
    expect(entry).toMatchObject({ status: "working", limit_price: "20000", filled_qty: "0" });
    await bench.pass(61);
    bench.price("19980", "19990");
    const filled = await bench.tick("reposition-tick");
    expect(filled).toMatchObject({ outcome: "ok", counts: { queried: 1, orders_with_fills: 1 } });
    expect((await bench.orders())[0]).toMatchObject({ status: "filled" });
    expect(await booksAgree()).toBe(true);

    await bench.pass(60);
    bench.price("20300", "20310");
    await bench.tick("trader-tick");
    const [held] = await bench.db
      .sql`select stop_price, target_price, high_water::text, trail_armed from public.positions where qty > 0`;
    expect(held).toMatchObject({ high_water: "20300", trail_armed: true });
    expect(held?.stop_price && held?.target_price).toBeTruthy();

    await bench.pass(60);
    bench.price("20500", "20510");
    const sell = await bench.tick("trader-tick");
    expect(sell.counts).toMatchObject({ exit_signals: 1, intents_accepted: 1, sent: 1 });
    await bench.pass(31);
    bench.price("20520", "20530");
    await bench.tick("reposition-tick");
    expect((await bench.orders()).map(({ side, status }) => [side, status])).toEqual([
      ["buy", "filled"],
      ["sell", "filled"],
    ]);
    expect(await booksAgree()).toBe(true);
    const [alerts] = await bench.db.sql`select count(*)::int as n from public.alerts where resolved_at is null`;
    expect(alerts?.n).toBe(0);
  });

  it("reprices an entry from the current touch, three times at most, and then cancels it", async () => {
    await enter();
    for (const [bid, ask] of [
      ["20100", "20110"],
      ["20200", "20210"],
      ["20300", "20330"],
    ] as const) {
      await bench.pass(61);
      bench.price(bid, ask);
      await bench.tick("reposition-tick");
      await bench.pass(3);
      bench.price(bid, ask);
      await bench.tick("reposition-tick");
    }
    const prices = (await bench.orders()).map(({ limit_price, replace_count, status }) => [
      limit_price,
      replace_count,
      status,
    ]);
    expect(prices.slice(0, 3)).toEqual([
      ["20000", 0, "canceled"],
      ["20105", 1, "canceled"],
      ["20205", 2, "canceled"],
    ]);
    expect(prices[3]?.[1]).toBe(3);
    expect(await booksAgree()).toBe(true);
  });

  it.each([
    ["too early to cancel it once more", 1],
    ["as it cancels it once more", 3],
  ])("prices the next attempt by the policy also when the trader hears of the cancel first, %s", async (_, seconds) => {
    await enter();
    await bench.pass(61);
    bench.price("20100", "20110");
    await bench.tick("reposition-tick");
    await bench.pass(seconds);
    bench.price("20200", "20210");
    await bench.tick("trader-tick");
    await bench.pass(2);
    await bench.tick("reposition-tick");
    expect(await bench.orders()).toMatchObject([
      { status: "canceled", limit_price: "20000", cancel_reason_code: "reprice" },
      { limit_price: "20205", replace_count: 1 },
    ]);
  });

  it("puts no cancel off for what it hears of the order in passing: its own commit tells the broker", async () => {
    const entry = await enter();
    await bench.pass(30);
    bench.price("20000", "20010");
    const told: string[] = [];
    const result = await bench.tick("trader-tick", {}, (broker) => ({
      ...broker,
      listOpenOrders: async () => {
        const open = await broker.listOpenOrders();
        await bench.db.sql`update public.crypto_orders set status = 'canceled' where id = ${entry?.id ?? ""}`;
        return open;
      },
      cancel: (id) => {
        told.push(id);
        return broker.cancel(id);
      },
    }));
    expect(result.outcome).toBe("ok");
    expect(told).toEqual([entry?.id]);
  });

  it("sells at once when the stop is hit, below the bid", async () => {
    await enter();
    await bench.pass(61);
    bench.price("19980", "19990");
    await bench.tick("reposition-tick");
    await bench.pass(60);
    bench.price("19500", "19510");
    await bench.tick("trader-tick");
    await bench.pass(2);
    bench.price("19500", "19510");
    await bench.tick("reposition-tick");
    const sell = (await bench.orders())[1];
    expect(sell).toMatchObject({ side: "sell", urgency: "stop_loss", limit_price: "19461" });
    await bench.pass(31);
    bench.price("19500", "19510");
    await bench.tick("reposition-tick");
    expect((await bench.orders())[1]).toMatchObject({ status: "filled" });
    expect(await booksAgree()).toBe(true);
  });

  it("enters a symbol once per slot, however often the slot is run", async () => {
    bench.price("20000", "20010");
    await bench.tick("trader-tick");
    await bench.pass(60);
    bench.price("20000", "20010");
    const slot = new Date(bench.now()).toISOString();
    const runs = [
      await bench.tick("trader-tick", { slot, trigger: "cron" }),
      await bench.tick("trader-tick", { slot, trigger: "cron" }),
    ];
    expect(runs.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ["ok", null],
      ["skipped", "slot_taken"],
    ]);
    await bench.tick("trader-tick");
    expect(await bench.orders()).toHaveLength(1);
  });

  it("records a skipped run of the edge factory while it is disabled", async () => {
    expect(await bench.tick("edge-factory-tick")).toMatchObject({ outcome: "skipped", reason: "disabled" });
    const [run] = await bench.db.sql`select outcome, reason from public.tick_runs where name = 'edge-factory-tick'`;
    expect(run).toEqual({ outcome: "skipped", reason: "EDGE_FACTORY_MODE is disabled" });
  });
});
