import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import {
  apply,
  applyOne,
  brokenInvariants,
  brokerFill,
  cashOf,
  eventsOf,
  handOver,
  intentOf,
  openAlerts,
  openBooks,
  orderOf,
  positionOf,
  report,
} from "./money-fixture.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
});

afterAll(async () => {
  await db.drop();
});

/** Sells and closes whatever a test left behind, by a fill of everything. */
async function finish(orderId: string) {
  const row = await orderOf(db, orderId);
  if (row.status !== "filled")
    await applyOne(db, orderId, { state: "canceled", filled_qty: row.filled_qty, average_price: row.average_price });
}

describe("a report of the broker", () => {
  it("that an order works makes it known: explained, acknowledged, due again at its time to live", async () => {
    const id = await handOver(db, { symbol: "DOGE-USD", qty: "100", price: "1" });
    expect(await applyOne(db, id, { broker_order_id: "b-1" })).toEqual({
      order_id: id,
      result: "applied",
      status: "working",
    });
    const row = await orderOf(db, id);
    expect([row.status, row.unresolved, row.broker_order_id]).toEqual(["working", false, "b-1"]);
    expect(row.acknowledged_at).not.toBeNull();
    expect(row.next_action_at.toISOString()).toBe("2026-03-01T12:01:00.000Z");
    await finish(id);
  });

  it("of a fill books it: cash, lot, position and order move together", async () => {
    const before = Number((await cashOf(db)).cash);
    const id = await handOver(db, { qty: "0.25", price: "100" });
    const fills = [brokerFill("f-1", "0.1", "99", "0.1"), brokerFill("f-2", "0.15", "100", "0.15")];
    const answer = await applyOne(db, id, {
      state: "filled",
      filled_qty: "0.25",
      average_price: "99.6",
      fee: "0.25",
      fills,
    });
    expect(answer).toMatchObject({ result: "applied", status: "filled" });
    const { cash, ledger } = await cashOf(db);
    expect(cash).toBe(ledger);
    expect(Number(cash)).toBeCloseTo(before - 24.9 - 0.25, 10);
    const row = await orderOf(db, id);
    expect([row.filled_qty, row.average_price, row.fee, row.remaining_qty, row.next_action_at]).toEqual([
      "0.25",
      "99.6",
      "0.25",
      "0.00",
      null,
    ]);
    expect(await positionOf(db)).toMatchObject({ qty: "0.25", engine: "trader", cost_basis: "24.9" });
    expect((await intentOf(db, id)).status).toBe("filled");
    expect(await brokenInvariants(db)).toBe(0);
  });

  it("said twice changes nothing the second time", async () => {
    const id = await handOver(db, { symbol: "ETH-USD" });
    const said = report(id, {
      state: "partially_filled",
      filled_qty: "0.1",
      average_price: "100",
      fee: "0.05",
      fills: [brokerFill("e-1", "0.1", "100", "0.05")],
    });
    const first = await apply(db, said);
    const cash = await cashOf(db);
    const events = await eventsOf(db, id);
    expect(first[0]?.result).toBe("applied");
    expect((await apply(db, said, said)).map((answer) => answer.result)).toEqual(["unchanged", "unchanged"]);
    expect(await cashOf(db)).toEqual(cash);
    expect(await eventsOf(db, id)).toEqual(events);
    await finish(id);
  });

  it("that arrives late and out of order neither takes a fill back nor books one twice", async () => {
    const id = await handOver(db, { symbol: "SOL-USD" });
    const early = report(id, {
      state: "partially_filled",
      filled_qty: "0.1",
      average_price: "100",
      fills: [brokerFill("s-1", "0.1", "100")],
    });
    const late = report(id, {
      state: "partially_filled",
      filled_qty: "0.2",
      average_price: "100.5",
      fills: [brokerFill("s-2", "0.1", "101")],
    });
    await apply(db, late, early);
    const row = await orderOf(db, id);
    expect([row.filled_qty, row.average_price, row.status]).toEqual(["0.2", "100.5", "partially_filled"]);
    const fills =
      await db.sql`select sum(qty * price) as notional, sum(qty) as qty from public.crypto_fills where order_id = ${id}`;
    expect([Number(fills[0]?.notional), fills[0]?.qty]).toEqual([20.1, "0.2"]);
    await finish(id);
  });

  it("without a list of fills books what the cumulative figures add, under a name made of them", async () => {
    const id = await handOver(db, { symbol: "AVAX-USD" });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "0.1", average_price: "100", fee: "0.1" });
    await applyOne(db, id, { state: "filled", filled_qty: "0.25", average_price: "103", fee: "0.25" });
    const fills = await db.sql`
      select fill_id, qty, trim_scale(price)::text as price, fee from public.crypto_fills where order_id = ${id} order by seq`;
    expect(fills.map((fill) => [fill.fill_id, fill.qty, fill.price, fill.fee])).toEqual([
      [`${id}:0.1`, "0.1", "100", "0.1"],
      [`${id}:0.25`, "0.15", "105", "0.15"],
    ]);
  });

  it("that names fills which cumulative figures booked already books none of them again", async () => {
    const id = await handOver(db, { symbol: "DOGE-USD", qty: "10", price: "1" });
    await applyOne(db, id, { state: "partially_filled", filled_qty: "4", average_price: "1", fee: "0.04" });
    await applyOne(db, id, {
      state: "filled",
      filled_qty: "10",
      average_price: "1",
      fee: "0.1",
      fills: [brokerFill("d-1", "4", "1", "0.04"), brokerFill("d-2", "6", "1", "0.06")],
    });
    const row = await orderOf(db, id);
    expect([row.filled_qty, row.fee, row.status]).toEqual(["10", "0.1", "filled"]);
    const [sum] = await db.sql`select sum(qty) as qty from public.crypto_fills where order_id = ${id}`;
    expect(sum?.qty).toBe("10");
  });

  it("for an order nobody knows is answered as such and changes nothing", async () => {
    const [answer] = await apply(db, report("00000000-0000-4000-8000-000000000000"));
    expect(answer).toEqual({ order_id: "00000000-0000-4000-8000-000000000000", result: "unknown_order" });
  });

  it("that can't be read is told to a person and does not hold up the others", async () => {
    const bad = await handOver(db, { symbol: "ETH-USD" });
    const good = await handOver(db, { symbol: "SOL-USD" });
    const answers = await apply(
      db,
      report(bad, { state: "partially_filled", filled_qty: "NaN" }),
      report(bad, { state: "on_holiday" }),
      report(bad, { kind: "gossip" }),
      report(bad, { state: "partially_filled", filled_qty: "0.1", fills: [{ fill_id: "x", qty: "-1", price: "1" }] }),
      report(bad, { observed_at: "yesterday-ish" }),
      report(good),
    );
    expect(answers.map((answer) => answer.result)).toEqual([
      "invalid",
      "invalid",
      "invalid",
      "invalid",
      "invalid",
      "applied",
    ]);
    expect((await orderOf(db, bad)).status).toBe("submitted");
    expect(await openAlerts(db)).toContain("contradictory_report");
    await apply(db, report(bad, { kind: "refused" }));
    await finish(good);
  });
});

describe("a lease", () => {
  it("that was lost, expired or taken over lets its holder report nothing", async () => {
    const id = await handOver(db, { symbol: "AVAX-USD" });
    const lease = (token: number, seconds: number) =>
      db.admin`
      set role zoe_engine; update public.crypto_orders set lease_owner = gen_random_uuid(), lease_token = ${db.admin.unsafe(String(token))},
        lease_expires_at = private.clock() + make_interval(secs => ${db.admin.unsafe(String(seconds))}) where id = ${db.admin.unsafe(`'${id}'`)}; reset role`.simple();
    await lease(7, 60);
    expect((await applyOne(db, id, { lease_token: 6 })).result).toBe("lease_lost");
    await lease(7, 0);
    expect((await applyOne(db, id, { lease_token: 7 })).result).toBe("lease_lost");
    expect((await orderOf(db, id)).status).toBe("submitted");
    await lease(8, 60);
    expect((await applyOne(db, id, { lease_token: 8 })).result).toBe("applied");
    expect((await applyOne(db, id, { lease_token: 8, state: "canceled" })).status).toBe("canceled");
    expect((await orderOf(db, id)).lease_token).toBeNull();
    expect(
      (await applyOne(db, id, { lease_token: 8, state: "canceled", filled_qty: "0.1", average_price: "100" })).result,
    ).toBe("lease_lost");
  });
});
