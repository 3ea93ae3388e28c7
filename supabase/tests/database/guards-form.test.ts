import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { accepted, entry, exit, hold, type Intent, openMarket, setKnob, submit } from "./guards-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openMarket();
  await hold(db, "BTC-USD", "1");
  await setKnob(db, "MAX_OPEN_POSITIONS", "10");
  await setKnob(db, "MAX_DAILY_NOTIONAL", "1000");
});
afterAll(() => db.drop());

const without = (field: string): Intent => {
  const { [field]: _, ...rest } = entry();
  return rest;
};

describe("INVALID_INTENT", () => {
  const MALFORMED: readonly [string, unknown, RegExp][] = [
    ["is no object", [entry()], /JSON object/],
    ["is null", null, /JSON object/],
    ["is a text", "buy", /JSON object/],
    ["has an unknown field", entry({ limitprice: "100" }), /no field 'limitprice'/],
    ["has no engine", without("engine"), /engine must be a text/],
    ["has no key", without("idempotency_key"), /idempotency_key must be a text/],
    ["has an empty key", entry({ idempotency_key: "" }), /1 to 200 characters/],
    ["has an endless key", entry({ idempotency_key: "k".repeat(201) }), /1 to 200 characters/],
    ["has an unknown engine", entry({ engine: "robot" }), /engine must be trader, edge_factory or manual/],
    ["has an unknown mode", entry({ mode: "demo" }), /mode must be paper or live/],
    ["has an unknown purpose", entry({ purpose: "gamble" }), /purpose must be/],
    ["sells as an entry", entry({ side: "sell" }), /side must be buy/],
    ["buys as an exit", exit({ side: "buy" }), /side must be buy for an entry and sell/],
    ["gives a quantity for an entry", entry({ qty: "1" }), /entry is given by notional alone/],
    ["gives a notional for an exit", { ...exit(), notional: "5" }, /exit is given by qty alone/],
    ["has no notional", without("notional"), /notional must be a positive finite number/],
    ["has a notional of zero", entry({ notional: "0" }), /notional must be a positive/],
    ["has a negative notional", entry({ notional: -25 }), /notional must be a positive/],
    ["has a notional that is NaN", entry({ notional: "NaN" }), /notional must be a positive/],
    ["has an infinite notional", entry({ notional: "Infinity" }), /notional must be a positive/],
    ["has an overflowing notional", entry({ notional: "1e999" }), /notional must be a positive/],
    ["has a notional in hex", entry({ notional: "0x19" }), /notional must be a positive/],
    ["has a notional with text", entry({ notional: "25 USD" }), /notional must be a positive/],
    ["has a boolean notional", entry({ notional: true }), /notional must be a positive/],
    ["has a negative quantity", exit({ qty: "-0.1" }), /qty must be a positive/],
    ["has a limit price that is NaN", entry({ limit_price: "NaN" }), /limit_price must be a positive/],
    ["has no limit price", without("limit_price"), /limit_price must be a positive/],
    ["has a limit price below the increment", entry({ limit_price: "0.001" }), /below the price increment/],
    ["names an unknown symbol", entry({ symbol: "LUNA-USD" }), /no instrument 'LUNA-USD'/],
    ["names a symbol in odd case", entry({ symbol: "btc-usd" }), /no instrument 'btc-usd'/],
    ["names a symbol with a space", entry({ symbol: "BTC-USD " }), /no instrument 'BTC-USD '/],
    ["is below the smallest notional", entry({ notional: "0.99" }), /0.99 USD is below the minimum of 1.02/],
    ["is below the smallest quantity", exit({ qty: "0.000009" }), /minimum of 0.00001/],
    ["has metadata that is no object", entry({ metadata: [] }), /metadata must be an object/],
    ["has an unknown urgency", entry({ metadata: { urgency: "now" } }), /urgency must be passive or stop_loss/],
    ["has a stop that is NaN", entry({ metadata: { stop_price: "NaN" } }), /stop_price must be a positive/],
    ["has an unreadable exit_by", entry({ metadata: { exit_by: "soon" } }), /exit_by must be a moment/],
    ["has a confidence that is no number", entry({ confidence: "high" }), /confidence must be a finite number/],
    ["has a number as its reason", entry({ reason: 5 }), /reason must be a text/],
    ["is very long", entry({ reason: "x".repeat(30_000) }), /20,000 characters/],
  ];
  it.each(MALFORMED)("when the intent %s, and no order comes of it", async (_, intent, sentence) => {
    const answer = await submit(db, intent);
    expect(answer).toMatchObject({
      status: "denied",
      code: "INVALID_INTENT",
      message: expect.stringMatching(sentence),
    });
    expect(await db.sql`select from public.crypto_orders`).toHaveLength(0);
  });

  it("for an instrument that is off the watchlist, though what is held of it can be sold", async () => {
    await db.admin`update public.instruments set enabled = false where symbol = 'AVAX-USD'`;
    await hold(db, "AVAX-USD", "1");
    expect(await submit(db, entry({ symbol: "AVAX-USD" }))).toMatchObject({
      message: expect.stringMatching(/watchlist/),
    });
    await accepted(db, exit({ symbol: "AVAX-USD" }));
    await db.admin`update public.instruments set enabled = true where symbol = 'AVAX-USD'`;
  });
});

describe("a denial", () => {
  it("is stored with code, evidence, message and count under its key, and is not sticky", async () => {
    const intent = entry({ symbol: "ETH-USD", notional: "30" });
    const row = async () => {
      const [found] = await db.sql`
        select status, denial_code, denial_evidence, denial_message, denial_count
        from public.order_intents where idempotency_key = ${intent.idempotency_key as string}`;
      return found;
    };
    const denied = await submit(db, intent);
    await submit(db, intent);
    expect(await row()).toEqual({
      status: "denied",
      denial_code: "MAX_NOTIONAL_PER_TRADE",
      denial_evidence: denied.evidence,
      denial_message: denied.message,
      denial_count: 2,
    });
    await db.sql`update public.config set value = '30' where key = 'MAX_NOTIONAL_PER_TRADE'`;
    expect(await submit(db, intent)).toMatchObject({ status: "accepted" });
    expect(await row()).toMatchObject({ status: "active", denial_code: null, denial_count: 2 });
    await db.sql`update public.config set value = '25' where key = 'MAX_NOTIONAL_PER_TRADE'`;
  });

  it("of what has no usable key is counted too", async () => {
    await submit(db, 42);
    await submit(db, 42);
    const [row] = await db.sql`select denial_count from public.order_intents where payload = '{"unread": "42"}'`;
    expect(row).toEqual({ denial_count: 2 });
  });
});

describe("an idempotency key", () => {
  it("answers a repetition with the accepted answer and creates nothing, amounts as text or number", async () => {
    const intent = entry({ symbol: "SOL-USD", notional: "5.00", limit_price: 100 });
    const first = await submit(db, intent);
    const count = async () => (await db.sql`select from public.crypto_orders`).length;
    const before = await count();
    expect(first.status).toBe("accepted");
    expect(await submit(db, intent)).toEqual(first);
    expect(await submit(db, { ...intent, notional: 5, limit_price: "1e2" })).toEqual(first);
    expect(await count()).toBe(before);
  });

  it("repeats the accepted answer even when the guards would deny by now", async () => {
    const intent = entry({ symbol: "DOGE-USD", notional: "5", limit_price: "1" });
    const first = await submit(db, intent);
    expect(first.status).toBe("accepted");
    await db.sql`update public.config set value = 'true' where key = 'kill_switch'`;
    expect(await submit(db, intent)).toEqual(first);
    await db.sql`update public.config set value = 'false' where key = 'kill_switch'`;
  });

  it("is refused for another payload: IDEMPOTENCY_CONFLICT, and what was accepted stands", async () => {
    const intent = exit({ symbol: "BTC-USD" });
    const first = await submit(db, intent);
    expect(await submit(db, { ...intent, limit_price: "101" })).toMatchObject({
      code: "IDEMPOTENCY_CONFLICT",
      evidence: { intent_id: first.intent_id },
    });
    expect(await submit(db, intent)).toEqual(first);
    const [row] =
      await db.sql`select status, denial_code, denial_count from public.order_intents where id = ${first.intent_id ?? null}`;
    expect(row).toEqual({ status: "active", denial_code: null, denial_count: 1 });
  });

  it("is bound by a denial as well, but not by an intent that was malformed", async () => {
    await accepted(db, entry({ symbol: "ETH-USD" }));
    const intent = entry({ symbol: "ETH-USD", notional: "30" });
    expect((await submit(db, intent)).code).toBe("ORDER_WORKING");
    expect((await submit(db, { ...intent, notional: "20" })).code).toBe("IDEMPOTENCY_CONFLICT");
    expect((await submit(db, intent)).code).toBe("ORDER_WORKING");
    const typo = entry({ symbol: "ETHUSD", notional: "20" });
    expect((await submit(db, typo)).code).toBe("INVALID_INTENT");
    expect((await submit(db, { ...typo, symbol: "ETH-USD" })).code).toBe("ORDER_WORKING");
  });

  it("survives an aborted transaction: nothing of it is left, and the retry is new", async () => {
    const [before] = await db.sql`select reserved_cash, version from public.accounts where mode = 'paper'`;
    await hold(db, "DOGE-USD", "500");
    const intent = exit({ symbol: "DOGE-USD", qty: "5" });
    await expect(
      db.sql.begin(async (sql) => {
        await sql`select private.submit_intent(${sql.json(intent as never)})`;
        throw new Error("crash");
      }),
    ).rejects.toThrow("crash");
    const [after] = await db.sql`select reserved_cash, version from public.accounts where mode = 'paper'`;
    expect(after).toEqual(before);
    expect(await submit(db, intent)).toMatchObject({ status: "accepted" });
  });
});
