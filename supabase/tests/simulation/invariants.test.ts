import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { decimal, toAmount } from "../../../shared/money/decimal.ts";
import { type Arena, openArena } from "./arena.ts";
import { checkAfterSettling, checkAlways } from "./invariants.ts";
import { openWorld, type World } from "./world.ts";

let arena: Arena;
let world: World;

beforeAll(async () => {
  arena = await openArena(inject("zoeCluster"));
});
afterAll(() => arena.close());

/** A world in which something is held, and a bought order is filled. */
async function worldWithFills(): Promise<World> {
  const opened = await openWorld(arena, 5, () => {});
  opened.exchange.faultsOn = false;
  for (let round = 0; round < 12; round += 1) {
    await opened.tick({ name: "trader-tick", fate: null });
    await opened.advance(20);
    await opened.tick({ name: "reposition-tick", fate: null });
    const [held] = await opened.admin`select from public.positions where qty > 0`;
    if (held) return opened;
  }
  throw new Error("nothing was bought in this world");
}

/** Changes rows behind the engine's back, as only a superuser without triggers can. */
const corrupt = (statement: string) =>
  world.admin.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    const { count } = await sql.unsafe(statement);
    expect(count).toBeGreaterThan(0);
  });

test("a world that nobody touched violates nothing", async () => {
  world = await worldWithFills();
  expect(await checkAlways(world)).toEqual([]);
  await world.close();
});

test.each([
  ["update public.accounts set cash = cash + 0.01 where mode = 'paper'", "the books do not add up: cash"],
  ["update public.positions set qty = qty + 1 where qty > 0", "is not the lots'"],
  [
    "update public.crypto_fills set qty = qty * 2 where seq = (select min(seq) from public.crypto_fills)",
    "is not its fills'",
  ],
  [
    "update public.accounts set day = (private.clock() at time zone 'utc')::date, day_notional = 100000 where mode = 'paper'",
    "a limit was exceeded: day",
  ],
  [
    "update public.crypto_orders set filled_qty = filled_qty * 3, qty = qty * 3 where filled_qty > 0 and purpose = 'entry'",
    "a limit was exceeded: trade",
  ],
  ["update public.crypto_orders set status = 'working' where status = 'filled' and filled_qty >= qty", "is filled for"],
  [
    "update public.config set value = 'true', updated_at = '2000-01-01' where key = 'kill_switch'",
    "under the kill switch",
  ],
  [
    "update public.crypto_orders set status = 'rejected', reject_reason = 'never_reached_broker' where filled_qty > 0",
    "given up as absent without proof",
  ],
  [
    "update public.crypto_orders set status = 'working', closed_at = null, next_action_at = null where filled_qty > 0",
    "before ever",
  ],
  [
    "update public.crypto_orders set status = 'cancel_pending', cancel_reason_code = 'test', cancel_requested_at = private.clock(), next_action_at = private.clock() + interval '61 seconds' where filled_qty > 0",
    "nobody looks at order",
  ],
  ["delete from public.crypto_orders where filled_qty > 0", "the database does not own"],
  ["update public.crypto_orders set filled_qty = filled_qty * 2 where filled_qty > 0", "an execution was booked twice"],
  ["update public.crypto_fills set price = price * 1.03", "a price was booked without a word"],
  ["update public.crypto_fills set fee = -fee", "a negative fee was booked"],
  [
    "update public.crypto_fills set executed_at = executed_at + interval '3 days'",
    "is dated before its order or ahead",
  ],
  ["update public.pnl_daily set fees = fees + 0.01", "the days do not add up"],
  ["update public.positions set exit_by = exit_by - interval '1 minute' where qty > 0", "is not that of its opening"],
  ["update public.positions set engine = 'manual' where qty > 0", "is not that of its opening"],
])("after %s the checker finds: %s", async (statement, sentence) => {
  world = await worldWithFills();
  await corrupt(statement);
  const found = await checkAlways(world).finally(world.close);
  expect(found.join("\n")).toContain(sentence);
});

test("the checker finds a stop that would not be let in", async () => {
  world = await worldWithFills();
  await corrupt("update public.positions set engine = 'nobody' where qty > 0");
  const found = await checkAlways(world).finally(world.close);
  expect(found.join("\n")).toContain("a stop can't be sold");
});

test("the checker finds prices that were never true, as the last quote, a limit and a high-water mark", async () => {
  world = await worldWithFills();
  const [quote] =
    await world.admin`select symbol, bid * 0.45 as bid, ask * 0.45 as ask from public.quotes order by symbol`;
  const [bid, ask] = [quote?.bid, quote?.ask].map((price) => toAmount(decimal(String(price))));
  world.observed.badPrints.add(`${quote?.symbol} ${bid} ${ask}`);
  await corrupt("update public.quotes set bid = bid * 0.45, ask = ask * 0.45");
  await corrupt("update public.crypto_orders set limit_price = limit_price * 0.45");
  await corrupt("update public.positions set high_water = high_water * 1.3 where qty > 0");
  const found = (await checkAlways(world).finally(world.close)).join("\n");
  expect(found).toContain("that was never true is the last good one");
  expect(found).toContain("the limit of ");
  expect(found).toContain("the high-water mark of ");
});

test("the checker finds books that were compared though they are dated ahead", async () => {
  world = await worldWithFills();
  const [event] =
    await world.admin`select observed_at::text as read_at from public.crypto_reconciliation_events order by id desc limit 1`;
  world.books.spoilt.push(String(event?.read_at));
  const found = await checkAlways(world).finally(world.close);
  expect(found.join("\n")).toContain("books that can't be true were compared");
});

test("the checker finds an order closed by the database that is open at the exchange, and two live ones", async () => {
  world = await worldWithFills();
  const order = Object.values(world.exchange.state.orders).find(({ status }) => status === "filled");
  if (!order) throw new Error("no order was filled");
  const reopened = { ...order, status: "resting" as const };
  const twin = { ...reopened, clientOrderId: "00000000-0000-4000-8000-000000000000" };
  world.exchange.state = {
    ...world.exchange.state,
    orders: {
      ...world.exchange.state.orders,
      [order.clientOrderId]: reopened,
      [twin.clientOrderId]: twin,
    },
  };
  const found = (await checkAlways(world).finally(world.close)).join("\n");
  expect(found).toContain("though it is open at the exchange");
  expect(found).toContain("two live orders at the exchange");
  expect(found).toContain("the database does not own");
});

test("the checker finds a write by a run that had lost its lease", async () => {
  world = await worldWithFills();
  const begun = { outcome: "running", runId: "a", token: 1, now: 0, traceId: "", work: null } as const;
  const answers = [begun, { ...begun, runId: "b" }];
  const store = world.leases.over(
    {
      beginTick: async () => answers.shift() ?? begun,
      commitTick: async () => ({ intents: [], reports: [], orders: [] }),
      finishTick: async () => ({ again: false, reports: [], reconciliation: [] }),
      paperLoad: async () => ({ version: 0, state: null, closedOrders: {} }),
      paperSave: async () => true,
    },
    "edge-factory-tick",
  );
  await store.beginTick("edge-factory-tick", null, "wake", {});
  await world.advance(130);
  await store.commitTick("a", 1, {});
  await store.beginTick("edge-factory-tick", null, "wake", {});
  await store.finishTick("a", 1, {});
  const found = (await checkAlways(world).finally(world.close)).join("\n");
  expect(found).toContain("whose lease had run out");
  expect(found).toContain("that another run had taken over");
});

test("the checker finds what is left undone, books that differ and steps that were not logged", async () => {
  world = await worldWithFills();
  await world.db.sql`select private.seal_audit()`;
  await corrupt("update public.crypto_orders set fee = fee + 0.01 where filled_qty > 0");
  await corrupt("update public.order_events set to_status = 'expired' where to_status = 'submitted'");
  const found = (await checkAfterSettling(world).finally(world.close)).join("\n");
  expect(found).toContain("an exit was forgotten");
  expect(found).toContain("the books differ: order");
  expect(found).toContain("illegal new -> expired");
  expect(found).toContain("the audit log does not verify");
});
