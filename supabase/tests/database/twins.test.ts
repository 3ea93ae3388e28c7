import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseInstant } from "../../../shared/market/instant.ts";
import { ENGINES_OWN_CANCELS, ordersTheRest } from "../../../shared/orders/cancel-reasons.ts";
import { ttlSeconds } from "../../../shared/orders/reposition.ts";
import { isLive, ORDER_STATUSES } from "../../../shared/orders/status.ts";
import { slotOf } from "../../functions/trader-tick/slot.ts";
import type { TestDatabase } from "../support/database.ts";
import { setKnob } from "./guards-fixture.ts";
import { openBooks } from "./money-fixture.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

let db: TestDatabase;
beforeAll(async () => {
  db = await openBooks();
});
afterAll(() => db.drop());

describe("a rule that is written in SQL and in TypeScript says the same in both", () => {
  it("of when an order is looked at again", async () => {
    for (const [entry, exit] of [
      [60, 30],
      [1, 86_400],
    ] as const) {
      await setKnob(db, "ORDER_TTL_SECONDS_ENTRY", String(entry));
      await setKnob(db, "ORDER_TTL_SECONDS_EXIT", String(exit));
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
      await setKnob(db, "TRADER_TICK_SECONDS", String(cadence));
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
