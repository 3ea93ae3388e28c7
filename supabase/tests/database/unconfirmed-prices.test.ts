import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Bench, BTC, openBench } from "./handlers-fixture.ts";

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  await bench.knob("TRADER_ENTRY_SCORE", "0");
  await bench.knob("TRADER_COST_FILTER_RATIO", "0");
  await bench.knob("MAX_OPEN_POSITIONS", "1");
});
afterEach(() => bench.drop());

/** Quotes the symbol now; the candles go on as they were. */
const quote = (bid: string, ask: string) => {
  bench.market.trend(BTC, 20000, 0.01, bench.now());
  bench.market.quote(BTC, bid, ask, bench.now());
};
const look = async (bid: string, ask: string, seconds = 60) => {
  await bench.pass(seconds);
  quote(bid, ask);
  return bench.tick("trader-tick");
};
/** Enters at 20000, working at the bid. */
const enter = async () => {
  quote("20000", "20010");
  await bench.tick("trader-tick");
  await look("20000", "20010");
};
const hold = async () => {
  await enter();
  await look("19980", "19990");
  await look("20000", "20010");
  expect(await held()).toMatchObject({ held: true });
};
const held = async () => {
  const [row] = await bench.db.sql`
    select qty > 0 as held, trim_scale(high_water)::text as high, trail_armed from public.positions where symbol = ${BTC}`;
  return row;
};
const rejected = () => bench.db.sql`
  select kind, trim_scale(price)::text as price, confirmed_at is not null as confirmed from public.rejected_prices order by id`;
const openAlerts = () => bench.db.sql`
  select key, mode from public.alerts where kind = 'unconfirmed_price' and resolved_at is null`;
const mark = async () => {
  const [row] = await bench.db.sql`select trim_scale(bid)::text as bid from public.quotes where symbol = ${BTC}`;
  return row?.bid;
};

describe("a price that is not confirmed", () => {
  it("at 45 % sells nothing, buys nothing and marks nothing; it is written down and said while it waits", async () => {
    await hold();
    const orders = (await bench.orders()).length;
    await look("9000", "9010");
    expect(await mark()).toBe("20000");
    expect(await openAlerts()).toEqual([{ key: BTC, mode: "paper" }]);
    await look("20000", "20010");
    expect((await bench.orders()).length).toBe(orders);
    expect(await rejected()).toEqual([{ kind: "quote", price: "9000", confirmed: false }]);
    expect(await openAlerts()).toEqual([]);
    expect(await mark()).toBe("20000");
  });

  it("is said no longer when nothing is held, though no tick looks any more", async () => {
    await hold();
    await look("9000", "9010");
    expect(await openAlerts()).toHaveLength(1);
    await bench.knob("TRADER_MODE", "disabled");
    await bench.db.admin`
      select private.lock_accounts(), private.give_up_lots('paper', ${BTC}, 1000, private.clock()), private.refresh_position('paper', ${BTC})`;
    await bench.db.admin`select private.run_watchdog()`;
    expect(await openAlerts()).toEqual([]);
  });

  it("30 % up neither arms the trail nor raises the high-water mark", async () => {
    await hold();
    await look("26000", "26010");
    await look("20000", "20010");
    expect(await held()).toMatchObject({ held: true, high: "20000", trail_armed: false });
  });

  it("that stays is a crash: the next observation sells at its price, and nothing was sold before", async () => {
    await hold();
    await look("9000", "9010");
    expect((await bench.orders()).filter(({ side }) => side === "sell")).toEqual([]);
    await look("8900", "8910");
    const [sell] = (await bench.orders()).filter(({ side }) => side === "sell");
    expect(sell).toMatchObject({ urgency: "stop_loss", limit_price: "8882.2" });
    expect(await rejected()).toEqual([{ kind: "quote", price: "9000", confirmed: true }]);
    expect(await mark()).toBe("8900");
    await look("8890", "8895");
    expect((await held())?.held).toBe(false);
  });

  it("fills no order that rests at the paper exchange, whichever function looks", async () => {
    await enter();
    await bench.pass(61);
    quote("9000", "9010");
    await bench.tick("reposition-tick");
    expect((await bench.orders()).every(({ filled_qty }) => filled_qty === "0")).toBe(true);
    expect(await mark()).toBe("20000");
    expect(await rejected()).toMatchObject([{ price: "9000", confirmed: false }]);
    // The trader's look is the next observation: both go by one memory.
    await look("9000", "9010", 5);
    expect(await mark()).toBe("9000");
    expect(await rejected()).toMatchObject([{ price: "9000", confirmed: true }]);
  });

  it("that two ticks see in the same quote is still one observation, and a restart forgets nothing", async () => {
    await hold();
    await look("9000", "9010");
    await bench.tick("trader-tick");
    await bench.tick("trader-tick");
    expect(await mark()).toBe("20000");
    expect(await rejected()).toHaveLength(1);
  });

  it("after a weekend without data holds trading up for one observation only", async () => {
    await hold();
    await bench.pass(60 * 3600);
    await look("22600", "22610");
    expect(await mark()).toBe("20000");
    await look("22600", "22610");
    expect(await mark()).toBe("22600");
  });

  it("is held back by as much as the knob says", async () => {
    await bench.knob("BAD_PRICE_PCT", "60");
    await hold();
    await look("9000", "9010");
    expect(await mark()).toBe("9000");
  });

  it("is listed for people, and goes after the days that candles are kept", async () => {
    await hold();
    await look("9000", "9010");
    const viewer = await bench.db.person("viewer");
    const [row] = await viewer.sql`select public.dashboard_rejected_prices() as list`;
    expect(row?.list).toMatchObject([
      { symbol: BTC, kind: "quote", price: "9000", low: "9000", high: "9010", confirmed_at: null },
    ]);
    await bench.pass(91 * 86_400);
    await bench.db.admin`select private.run_retention()`;
    expect(await rejected()).toEqual([]);
  });
});

it("a tick that saw less does not overwrite what a later one remembers", async () => {
  const memory = (seen_at: string, recent: string[]) => [{ symbol: BTC, recent, seen_at }];
  const record = (rows: unknown) =>
    bench.db.admin`select private.record_price_memory(${bench.db.admin.json(rows as never)})`;
  await record(memory("2026-03-01T12:00:05Z", ["2"]));
  await record(memory("2026-03-01T12:00:00Z", ["1"]));
  expect(await bench.db.admin`select recent from private.price_memory`).toEqual([{ recent: ["2"] }]);
});
