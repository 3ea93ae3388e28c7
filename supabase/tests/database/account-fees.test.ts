import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../../shared/config/parse-config.ts";
import { decimal, toAmount } from "../../../shared/money/decimal.ts";
import { cashWithFee, worstFeeBps } from "../../../shared/money/fees.ts";
import { afterEntry } from "../../../shared/trader/entry.ts";
import type { TestDatabase } from "../support/database.ts";
import { ARMING_PHRASE, accepted, asEngine, entry, openMarket, setKnob, submit } from "./guards-fixture.ts";
import { reconcile } from "./money-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openMarket();
});
afterEach(() => db.drop());

const feesOf = async (mode: string) => {
  const [row] = await db.sql`
    select broker, maker_bps::float8 as maker, taker_bps::float8 as taker, fee_source as source from public.accounts where mode = ${mode}`;
  return row;
};
const setFees = (...given: (string | null)[]) =>
  db.sql.unsafe(`select public.set_account_fees($1, $2, $3, $4)`, given as string[]);
const armLive = async () => {
  await setKnob(db, "TRADER_MODE", "live");
  await setKnob(db, "LIVE_CONFIRM", ARMING_PHRASE);
};

describe("an account's fees", () => {
  it("of paper follow PAPER_FEE_BPS at once, whoever changes it", async () => {
    expect(await feesOf("paper")).toEqual({ broker: "paper exchange", maker: 95, taker: 95, source: "knob" });
    await setKnob(db, "PAPER_FEE_BPS", "25");
    expect(await feesOf("paper")).toMatchObject({ maker: 25, taker: 25, source: "knob" });
    await asEngine(db, (sql) => sql`select private.apply_env_knobs('{"PAPER_FEE_BPS": "40"}')`);
    expect(await feesOf("paper")).toMatchObject({ maker: 40, taker: 40, source: "knob" });
  });

  it("of live are assumed until somebody tells them, whatever the paper exchange charges", async () => {
    await setKnob(db, "PAPER_FEE_BPS", "0");
    expect(await feesOf("live")).toEqual({ broker: "unknown", maker: 95, taker: 95, source: "assumed" });
    await armLive();
    await asEngine(db, (sql) => sql`update public.accounts set cash = 25.2374 where mode = 'live'`);
    expect(await submit(db, entry({ mode: "live" }))).toMatchObject({
      code: "INSUFFICIENT_CASH",
      evidence: { needed: "25.2375", fee_bps: "95", fee_source: "assumed" },
    });
    await asEngine(db, (sql) => sql`update public.accounts set cash = 25.2375 where mode = 'live'`);
    await accepted(db, entry({ mode: "live" }));
  });

  it("of live are what an operator says, with a reason; guards count with the worse rate, and the header shows them", async () => {
    await setFees("live", "0", "40", "tariff of March");
    expect(await feesOf("live")).toEqual({ broker: "unknown", maker: 0, taker: 40, source: "operator" });
    await armLive();
    await asEngine(db, (sql) => sql`update public.accounts set cash = 25.09 where mode = 'live'`);
    expect(await submit(db, entry({ mode: "live" }))).toMatchObject({ evidence: { needed: "25.1", fee_bps: "40" } });
    const [header] = await db.admin`select private.header_account('live') as account`;
    expect(header?.account).toMatchObject({
      maker_bps: "0",
      taker_bps: "40",
      fee_source: "operator",
      broker: "unknown",
    });
    const [told] = await db.sql`select content, metadata from public.thoughts where type = 'command'`;
    expect(told).toEqual({
      content: "Fees of live at unknown: maker 0, taker 40 basis points: tariff of March",
      metadata: { actor: "sql:postgres" },
    });
  });

  it.each([
    [["live", null, "40", "x"], "maker_bps is missing"],
    [["live", "10", null, "x"], "taker_bps is missing"],
    [["live", "-1", "40", "x"], "maker_bps is -1"],
    [["live", "10", "1000.01", "x"], "taker_bps is 1000.01"],
    [["live", "10", "40", " "], "it needs a reason"],
    [["paper", "10", "40", "x"], "paper follows PAPER_FEE_BPS"],
    [[null, "10", "40", "x"], "mode is missing"],
  ])("are not set by %j", async (given, why) => {
    await expect(setFees(...given)).rejects.toMatchObject({ code: "PT400", detail: expect.stringContaining(why) });
    expect(await feesOf("live")).toMatchObject({ maker: 95, taker: 95, source: "assumed" });
  });

  it("are an operator's to set alone, and no text that is no number", async () => {
    const viewer = await db.person("viewer");
    await expect(viewer.sql`select public.set_account_fees('live', '0', '0', 'mine')`).rejects.toMatchObject({
      code: "PT403",
    });
    await expect(setFees("live", "NaN", "40", "x")).rejects.toMatchObject({ code: "PT400" });
  });

  it("are taken from a broker that reports both, believably; an operator's word is only raised by it", async () => {
    const told = async (rates: object, mode = "live") => {
      await reconcile(db, { cash: "2000", ...rates }, mode);
      return feesOf(mode);
    };
    for (const rates of [
      {},
      { maker_bps: "1" },
      { maker_bps: "1", taker_bps: null },
      { maker_bps: "-1", taker_bps: "2" },
      { maker_bps: "1", taker_bps: "1000.5" },
    ]) {
      expect(await told(rates)).toMatchObject({ maker: 95, taker: 95, source: "assumed" });
    }
    expect(await told({ maker_bps: "25", taker_bps: "40" })).toMatchObject({ maker: 25, taker: 40, source: "broker" });
    expect(await told({ maker_bps: "20", taker_bps: "35" })).toMatchObject({ maker: 20, taker: 35, source: "broker" });
    const said = await db.sql`select engine, content from public.thoughts where type = 'fees' order by id`;
    expect(said.map(({ content }) => content)).toEqual([
      "The broker says it charges maker 25, taker 40 basis points",
      "The broker says it charges maker 20, taker 35 basis points",
    ]);
    await setFees("live", "30", "30", "by hand");
    expect(await told({ maker_bps: "20", taker_bps: "30" })).toMatchObject({
      maker: 30,
      taker: 30,
      source: "operator",
    });
    expect(await told({ maker_bps: "20", taker_bps: "45" })).toMatchObject({ maker: 30, taker: 45, source: "broker" });
    expect(await told({ maker_bps: "1", taker_bps: "1" }, "paper")).toMatchObject({
      maker: 95,
      taker: 95,
      source: "knob",
    });
  });
});

describe("cash below zero", () => {
  const told = async () =>
    db.sql`select mode, severity, title from public.alerts where kind = 'negative_cash' and resolved_at is null`;
  const setCash = (cash: string) =>
    asEngine(db, (sql) => sql`update public.accounts set cash = ${cash} where mode = 'paper'`);

  it("is told in the transaction that brings it about, and resolves by itself", async () => {
    await setCash("-0.01");
    expect(await told()).toEqual([{ mode: "paper", severity: "critical", title: "Cash is below zero" }]);
    await setCash("0");
    expect(await told()).toEqual([]);
  });

  it("is told too when only open buys and their fees need more than there is", async () => {
    await accepted(db, entry());
    await setCash("25.2374");
    const watch = () => asEngine(db, (sql) => sql`select private.run_watchdog()`);
    await watch();
    expect(await told()).toEqual([
      { mode: "paper", severity: "warning", title: "Open buys need more cash than there is" },
    ]);
    await setCash("25.2375");
    await watch();
    expect(await told()).toEqual([]);
  });
});

describe("SQL and TypeScript", () => {
  const usd = fc
    .integer({ min: 0, max: 10 ** 9 })
    .map((units) => toAmount(decimal(String(units)).div(decimal("10000000"))));
  const bps = fc.integer({ min: 0, max: 100_000 }).map((units) => toAmount(decimal(String(units)).div(decimal("100"))));

  it("agree on what an entry needs, what is free after it, and whether it is let in", async () => {
    await setKnob(db, "MAX_NOTIONAL_PER_TRADE", "1000000");
    await setKnob(db, "MAX_DAILY_NOTIONAL", "10000000");
    await fc.assert(
      fc.asyncProperty(usd, usd, usd, bps, bps, async (cash, reserved, notional, makerBps, takerBps) => {
        await asEngine(
          db,
          (sql) => sql`
            update public.accounts set cash = ${cash}, reserved_cash = ${reserved}, maker_bps = ${makerBps}, taker_bps = ${takerBps}
            where mode = 'live'`,
        );
        const [sql] = await db.admin`
          select trim_scale(private.free_cash(a))::text as free, private.cash_with_fee(${notional}, private.worst_fee_bps(a))::text as needed,
            private.check_entry_money('live', 'BTC-USD', ${notional}, null, 0) ->> 'code' as code,
            private.trader_work('live') #>> '{account,free_cash}' as told
          from public.accounts as a where a.mode = 'live'`;
        const feeBps = worstFeeBps({ makerBps, takerBps });
        const budget = { freeCash: cash, dailyNotionalLeft: null, openPositions: 0 };
        const { freeCash } = afterEntry(budget, reserved, feeBps);
        const needed = cashWithFee(notional, feeBps);
        const isLetIn = decimal(needed).lte(decimal(freeCash));
        expect({ ...sql, told: toAmount(decimal(String(sql?.told))) }).toEqual({
          free: freeCash,
          needed,
          code: isLetIn ? null : "INSUFFICIENT_CASH",
          told: freeCash,
        });
      }),
      { numRuns: 150 },
    );
    await asEngine(db, (sql) => sql`update public.accounts set reserved_cash = 0 where mode = 'live'`);
  });

  it("leave the same cash free after an accepted entry", async () => {
    await setKnob(db, "PAPER_FEE_BPS", "33.7");
    await accepted(db, entry({ notional: "24.6913", limit_price: "100" }));
    const [row] = await db.sql`select private.trader_work('paper') #>> '{account,free_cash}' as free`;
    const budget = { freeCash: "2000", dailyNotionalLeft: null, openPositions: 0 };
    expect(row?.free).toBe(afterEntry(budget, "24.6913", "33.7").freeCash);
  });

  it("assume the same rate for an account that nobody has told, and the knob's default for paper", async () => {
    expect(await feesOf("live")).toMatchObject({ maker: 95, taker: 95 });
    expect(DEFAULT_CONFIG.PAPER_FEE_BPS).toBe("95");
  });
});
