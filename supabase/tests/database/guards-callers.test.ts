import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { entry, openMarket, order, service, submit } from "./guards-fixture.ts";

let db: TestDatabase;
beforeEach(async () => {
  db = await openMarket();
});
afterEach(() => db.drop());

describe("submit_intent is called", () => {
  it("by the publishable key's role in vain", async () => {
    await expect(submit(db, entry(), db.as("anon"))).rejects.toMatchObject({ code: "42501" });
  });

  it("by a viewer and by a stranger in vain", async () => {
    const { sql: viewer } = await db.person("viewer");
    await expect(submit(db, entry({ engine: "manual" }), viewer)).rejects.toMatchObject({ code: "PT403" });
    const stranger = db.as("authenticated", { sub: randomUUID() });
    await expect(submit(db, entry({ engine: "manual" }), stranger)).rejects.toMatchObject({ code: "PT403" });
  });

  it("by an operator for the engine manual only, under every guard, with the operator's name in the log", async () => {
    const { sql, email } = await db.person("operator");
    await expect(submit(db, entry(), sql)).rejects.toMatchObject({ code: "PT403", message: "manual_only" });
    expect((await submit(db, entry({ engine: "manual", notional: "26" }), sql)).code).toBe("MAX_NOTIONAL_PER_TRADE");
    const answer = await submit(db, entry({ engine: "manual" }), sql);
    expect(await order(db, answer.order_id)).toMatchObject({ engine: "manual", status: "new" });
    const [event] = await db.sql`select actor from public.order_events where order_id = ${answer.order_id ?? null}`;
    expect(event).toEqual({ actor: `operator:${email}` });
  });

  it("by an operator around the wrapper in vain", async () => {
    const { sql } = await db.person("operator");
    await expect(sql`select private.submit_intent(${sql.json(entry() as never)})`).rejects.toMatchObject({
      code: "42501",
    });
  });

  it("in a batch: one statement with many intents is guarded intent by intent", async () => {
    const intents = ["BTC-USD", "BTC-USD", "ETH-USD", "SOL-USD", "AVAX-USD"].map((symbol) => entry({ symbol }));
    const rows = await service(db)`
      select public.submit_intent(value) as answer from jsonb_array_elements(${db.sql.json(intents as never)})`;
    expect(rows.map(({ answer }) => answer.code ?? answer.status)).toEqual([
      "accepted",
      "ORDER_WORKING",
      "accepted",
      "MAX_DAILY_NOTIONAL",
      "MAX_DAILY_NOTIONAL",
    ]);
  });

  it("and waits for the disk when an order came of it, even if the session would not; a denial does not hold the lock for it", async () => {
    const commitOf = (sessions: string, ...intents: Record<string, unknown>[]) =>
      db.connect("postgres", { max: 1, connection: { synchronous_commit: sessions } as never }).begin(async (sql) => {
        for (const intent of intents) await sql`select public.submit_intent(${sql.json(intent as never)})`;
        return (await sql`show synchronous_commit`)[0]?.synchronous_commit;
      });
    const denied = () => entry({ notional: "26", symbol: "ETH-USD" });
    expect(await commitOf("on", denied())).toBe("off");
    expect(await commitOf("off", denied(), entry({ symbol: "ETH-USD", notional: "5" }), denied())).toBe("on");
  });
});
