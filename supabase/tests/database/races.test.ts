import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { type Answer, asEngine, entry, openMarket, order, setKnob, submit } from "./guards-fixture.ts";

const SYMBOLS = ["BTC-USD", "ETH-USD", "SOL-USD", "AVAX-USD", "DOGE-USD"];

let db: TestDatabase;
beforeEach(async () => {
  db = await openMarket();
});
afterEach(() => db.drop());

async function race(
  connections: number,
  count: number,
  intent: (index: number) => Record<string, unknown>,
): Promise<Answer[]> {
  const sql = db.as("service_role", {}, { max: connections });
  return await Promise.all(Array.from({ length: count }, (_, index) => submit(db, intent(index), sql)));
}

const won = (answers: readonly Answer[]) => answers.filter((answer) => answer.status === "accepted");

function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code = "accepted" } of answers) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

describe("64 connections", () => {
  it("with 2,000 entries of 25 against 25 a trade and 50 a day get exactly two accepted", async () => {
    const answers = await race(64, 2000, (index) => entry({ symbol: SYMBOLS[index % 5], limit_price: "1" }));
    expect(won(answers)).toHaveLength(2);
    const [book] = await db.sql`
      select count(*)::int as orders, sum(qty * limit_price)::int as open,
        (select count(*)::int from public.order_intents where status = 'active') as intents,
        (select count(*)::int from public.order_intents where status = 'denied') as denials,
        (select reserved_cash::int from public.accounts where mode = 'paper') as reserved
      from public.crypto_orders`;
    expect(book).toEqual({ orders: 2, open: 50, intents: 2, denials: 1998, reserved: 50 });
    expect(Object.keys(tally(answers)).sort()).toEqual(["MAX_DAILY_NOTIONAL", "ORDER_WORKING", "accepted"]);
  });

  it("of two engines on one symbol: exactly one engine wins", async () => {
    await setKnob(db, "EDGE_FACTORY_MODE", "paper");
    await setKnob(db, "MAX_DAILY_NOTIONAL", "100000");
    const answers = await race(64, 512, (index) => entry({ engine: index % 2 ? "trader" : "edge_factory" }));
    expect(won(answers)).toHaveLength(1);
    const [winner] = await db.sql`select engine from public.crypto_orders`;
    const [lock] = await db.sql`select engine from public.trade_locks`;
    expect(lock).toEqual(winner);
    expect(tally(answers)).toEqual({ accepted: 1, SYMBOL_LOCKED: 256, ORDER_WORKING: 255 });
  });

  it("with one idempotency key get one answer and one order", async () => {
    const intent = entry();
    const answers = await race(64, 256, () => intent);
    expect(new Set(answers.map((answer) => answer.order_id)).size).toBe(1);
    expect(await db.sql`select from public.crypto_orders`).toHaveLength(1);
  });

  it("with paper and live, kills, hand cancels and claims at once never deadlock", async () => {
    await setKnob(db, "MAX_DAILY_NOTIONAL", "100000");
    const hand = db.connect("postgres", { max: 8 });
    const answers = race(48, 480, (index) => entry({ symbol: SYMBOLS[index % 5], mode: index % 3 ? "paper" : "live" }));
    const others = Array.from({ length: 160 }, (_, index) => {
      if (index % 4 === 0)
        return hand`update public.config set value = ${String(index % 8 === 0)} where key = 'kill_switch'`;
      if (index % 4 === 1) return hand`update public.crypto_orders set status = 'canceled' where mode = 'paper'`;
      if (index % 4 === 2) return hand`select private.claim_orders(gen_random_uuid(), ${index}, 10)`;
      return hand`select private.request_cancel(id, 'test', 'test') from public.crypto_orders limit 3`;
    });
    await Promise.all([answers, ...others]);
    const [books] = await db.sql`
      select (select reserved_cash from public.accounts where mode = 'paper') as reserved,
        (select coalesce(sum(remaining_qty * limit_price), 0) from public.crypto_orders
          where private.is_live(status) or unresolved) as open`;
    expect(Number(books?.reserved)).toBe(Number(books?.open));
  });
});

describe("a kill", () => {
  it("that waits for a submission cancels what the submission created", async () => {
    const submitter = await db.connect("postgres", { max: 1 }).reserve();
    await submitter`begin`;
    const [row] = await submitter<
      { answer: Answer }[]
    >`select private.submit_intent(${submitter.json(entry() as never)}) as answer`;
    const kill = setKnob(db, "kill_switch", "true");
    await waitForWaiter("update public.config");
    await submitter`commit`;
    submitter.release();
    await kill;
    expect(await order(db, row?.answer.order_id)).toMatchObject({
      status: "canceled",
      cancel_reason_code: "kill_switch",
    });
  });

  it("between a decision and its claim: the order is canceled on the spot and never handed out", async () => {
    const answer = await submit(db, entry());
    const killer = await db.connect("postgres", { max: 1 }).reserve();
    await killer`begin`;
    await killer`update public.config set value = 'true' where key = 'kill_switch'`;
    const claim = asEngine(db, (sql) => sql`select private.claim_orders(gen_random_uuid(), 1, 10)`);
    await waitForWaiter("private.claim_orders");
    await killer`commit`;
    killer.release();
    expect(await claim).toHaveLength(0);
    expect(await order(db, answer.order_id)).toMatchObject({ status: "canceled", submitted_at: null });
    const [intent] = await db.sql`select status from public.order_intents where id = ${answer.intent_id ?? null}`;
    expect(intent).toEqual({ status: "canceled" });
  });
});

describe("a transaction that can't see what was committed while it waited", () => {
  it.each(["repeatable read", "serializable"])("(%s) is refused by the guards", async (isolation) => {
    const attempt = db.sql.begin(
      `isolation level ${isolation}`,
      (sql) => sql`select private.submit_intent(${sql.json(entry() as never)})`,
    );
    await expect(attempt).rejects.toThrow(/read committed/);
  });
});

async function waitForWaiter(text: string): Promise<void> {
  for (;;) {
    const waiting = await db.admin`
      select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like ${`%${text}%`}`;
    if (waiting.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
