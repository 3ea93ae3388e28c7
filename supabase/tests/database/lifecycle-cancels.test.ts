import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { type StartedRun, tickRpc } from "../support/tick-rpc.ts";
import { accepted, entry, exit } from "./guards-fixture.ts";
import {
  apply,
  asEngine,
  eventsOf,
  handOver,
  intentOf,
  openBooks,
  orderOf,
  quote,
  type Report,
  report,
} from "./money-fixture.ts";

let db: TestDatabase;
let ticks: ReturnType<typeof tickRpc>;
beforeEach(async () => {
  db = await openBooks();
  ticks = tickRpc(db);
  await db.admin`select vault.create_secret('http://127.0.0.1:1', 'project_url'), vault.create_secret('t', 'cron_token')`;
});
afterEach(() => db.drop());

/** A report observed at the database's own present. */
const told = async (id: string, change: Report = {}) => {
  const [row] = await db.sql<{ now: Date }[]>`select private.clock() as now`;
  const [answer] = await apply(db, report(id, { observed_at: row?.now.toISOString(), ...change }));
  return answer;
};

const byHand = (id: string) => db.sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;

const byButton = (id: string, reason: string) =>
  asEngine(db, (sql) => sql`select private.request_cancel(${id}, ${reason}, 'operator:ann')`);

const engineCancels = (id: string, reason: string) =>
  asEngine(db, (sql) => sql`select private.cancel_orders(array[${id}::uuid], ${reason}, 'test')`);

const stillWorking = (run: StartedRun, id: string) =>
  report(id, { lease_token: Number(run.token), observed_at: run.now });

const wakes = async () => (await db.admin`select from net.http_request_queue where url like '%reposition-tick'`).length;

/** A child at the broker whose parent filled late, so that the engine cancels it in order to send the smaller rest. */
const shrinking = async () => {
  const parent = await handOver(db);
  await told(parent);
  await engineCancels(parent, "reprice");
  await db.advanceClock(1);
  const child = (await told(parent, { state: "canceled", replacement_price: "100" }))?.child_order_id ?? "";
  await asEngine(db, (sql) => sql`select private.claim_orders(${randomUUID()}, 1, 100)`);
  await told(child);
  await db.advanceClock(1);
  await told(parent, { state: "canceled", filled_qty: "0.1", average_price: "100" });
  expect(await orderOf(db, child)).toMatchObject({ status: "cancel_pending", cancel_reason_code: "late_fill" });
  return child;
};

describe("a cancel asked for while a run holds the order", () => {
  it("is handed to that run, whatever its policy has decided meanwhile", async () => {
    const id = await handOver(db);
    await told(id);
    await db.advanceClock(61);
    const run = await ticks.start("reposition-tick");
    await byHand(id);
    const { orders } = await ticks.commit(run, {
      reports: [stillWorking(run, id)],
      decisions: [{ order_id: id, action: "keep", reason: "price_unchanged", count: true }],
    });
    expect(orders).toMatchObject([{ id, action: "cancel", cancel_reason_code: "manual_sql" }]);
    expect(await orderOf(db, id)).toMatchObject({ status: "cancel_pending", replace_count: 0, claimed_for: "cancel" });
  });

  it("is due the moment its sender lets go, and wakes the reposition tick", async () => {
    const id = await accepted(db, entry());
    const sender = await ticks.start("trader-tick");
    await byHand(id);
    const before = await wakes();
    await ticks.finish(sender, { outcome: "ok", reports: [stillWorking(sender, id)] });
    expect(await wakes()).toBe(before + 1);
    const { work } = await ticks.start("reposition-tick");
    expect(work.orders).toMatchObject([{ id, action: "cancel" }]);
  });

  it("is tried again a second later when a run was told to cancel it and gave no answer", async () => {
    const id = await handOver(db);
    await told(id);
    await byHand(id);
    await db.advanceClock(1);
    const run = await ticks.start("reposition-tick");
    const before = await wakes();
    await ticks.finish(run);
    expect(await wakes()).toBe(before);
    expect(await orderOf(db, id)).toMatchObject({ next_action_at: new Date("2026-03-01T12:00:02Z") });
  });
});

describe("a cancel asked for by a person", () => {
  it.each([
    ["the button", (id: string) => byButton(id, "operator"), "operator"],
    ["hand", byHand, "manual_sql"],
    ["an exit that overtakes the entry", (id: string) => engineCancels(id, "exit_first"), "exit_first"],
  ])("wins over the engine's own cancel after a late fill: by %s", async (_, cancel, reason) => {
    const child = await shrinking();
    await cancel(child);
    expect(await orderOf(db, child)).toMatchObject({ status: "cancel_pending", cancel_reason_code: reason });
    await db.advanceClock(1);
    expect(await told(child, { state: "canceled" })).not.toHaveProperty("child_order_id");
    expect((await intentOf(db, child)).status).toBe("partially_filled");
  });

  it.each(["reprice", "late_fill", "back_from_absent"])(
    "is no order for the rest though its reason says %s",
    async (word) => {
      const [pressed, written] = [await handOver(db), await handOver(db, { symbol: "ETH-USD" })];
      await byButton(pressed, word);
      await db.sql`update public.crypto_orders set status = 'canceled', cancel_reason_code = ${word} where id = ${written}`;
      expect((await orderOf(db, pressed)).cancel_reason_code).toBe("operator");
      expect((await orderOf(db, written)).cancel_reason_code).toBe("manual_sql");
      for (const id of [pressed, written]) {
        expect(await told(id, { state: "canceled" })).not.toHaveProperty("child_order_id");
      }
    },
  );
});

describe("a cancel that the broker refused", () => {
  const refused = async (id: string) => {
    await told(id, { kind: "cancel_refused", reason: "not now" });
    expect(await orderOf(db, id)).toMatchObject({ status: "working", cancel_reason_code: null });
    await db.advanceClock(61);
    await quote(db, "99.99", "100.01");
  };
  const decided = async (id: string, action: string) => {
    const run = await ticks.start("reposition-tick");
    const { orders } = await ticks.commit(run, { decisions: [{ order_id: id, action, reason: "ttl" }] });
    return orders.find((order) => order.id === id);
  };

  it("is asked for again as long as a late fill leaves less to order", async () => {
    const child = await shrinking();
    await refused(child);
    expect(await decided(child, "keep")).toMatchObject({ action: "cancel", cancel_reason_code: "late_fill" });
  });

  it.each(["keep", "reprice"])(
    "is asked for again as long as an exit is on its way: decided was %s",
    async (action) => {
      const held = await handOver(db, { qty: "1" });
      await told(held, { state: "filled", filled_qty: "1", average_price: "100" });
      const id = await handOver(db);
      await told(id);
      await accepted(db, exit({ qty: "1" }));
      expect((await orderOf(db, id)).cancel_reason_code).toBe("exit_first");
      await refused(id);
      expect(await decided(id, action)).toMatchObject({ action: "cancel", cancel_reason_code: "exit_first" });
    },
  );
});

describe("an order that was proven absent and is alive after all", () => {
  const absent = async (id: string) => {
    for (let n = 0; n < 4; n += 1) {
      await told(id, { kind: "not_found" });
      await db.advanceClock(10);
    }
    expect(await orderOf(db, id)).toMatchObject({ status: "rejected", reject_reason: "never_reached_broker" });
  };

  it("is canceled as had been asked for before", async () => {
    const id = await handOver(db);
    await byHand(id);
    await absent(id);
    expect((await told(id))?.status).toBe("cancel_pending");
    expect(await orderOf(db, id)).toMatchObject({
      cancel_reason_code: "manual_sql",
      cancel_requested_by: "sql:postgres",
    });
    expect(await eventsOf(db, id)).toEqual(expect.arrayContaining(["rejected", "working", "cancel_pending"]));
    await db.advanceClock(1);
    await told(id, { state: "canceled" });
    expect((await intentOf(db, id)).status).toBe("canceled");
  });

  it("is canceled at once when entries are halted by now", async () => {
    const id = await handOver(db);
    await absent(id);
    await db.sql`update public.config set value = 'true' where key = 'kill_switch'`;
    await told(id);
    expect(await orderOf(db, id)).toMatchObject({
      status: "cancel_pending",
      cancel_reason_code: "kill_switch",
      next_action_at: new Date("2026-03-01T12:00:40Z"),
    });
  });

  it("works on, with no trace of a reprice that nobody needs any more", async () => {
    const id = await handOver(db);
    await engineCancels(id, "reprice");
    await db.sql`update public.config set value = '0' where key = 'MAX_OPEN_POSITIONS'`;
    await absent(id);
    await told(id);
    expect(await orderOf(db, id)).toMatchObject({
      status: "working",
      cancel_reason_code: null,
      cancel_requested_at: null,
    });
  });
});
