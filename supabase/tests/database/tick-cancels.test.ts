import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { type StartedRun, tickRpc } from "../support/tick-rpc.ts";
import { accepted, entry, openMarket, order } from "./guards-fixture.ts";

let db: TestDatabase;
let ticks: ReturnType<typeof tickRpc>;
let id: string;
beforeEach(async () => {
  db = await openMarket();
  await db.admin`select vault.create_secret('http://127.0.0.1:1', 'project_url'), vault.create_secret('t', 'cron_token')`;
  ticks = tickRpc(db);
  id = await accepted(db, entry());
});
afterEach(() => db.drop());

const reported = (run: StartedRun, kind = "report", state = "working") => ({
  outcome: "ok",
  reports: [
    {
      order_id: id,
      kind,
      state,
      filled_qty: "0",
      fee: "0",
      observed_at: run.now,
      lease_token: run.work.orders[0]?.lease_token,
    },
  ],
});
const cancelByHand = () => db.sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
const calls = async () =>
  (await db.admin<{ url: string }[]>`delete from net.http_request_queue returning url`).map(({ url }) =>
    url.split("/").at(-1),
  );

describe("an order that is canceled while a tick is at work on it", () => {
  it.each([["report"], ["unavailable"]])(
    "is told to the broker in the next round, whatever was said to it meanwhile (%s)",
    async (kind) => {
      const sending = await ticks.start("reposition-tick");
      expect(sending.work.orders).toMatchObject([{ id, action: "send" }]);
      await cancelByHand();
      expect((await ticks.finish(sending, reported(sending, kind))).again).toBe(true);
      const next = await ticks.start("reposition-tick");
      expect(next.work.orders).toMatchObject([{ id, action: "cancel" }]);
    },
  );

  it("is told once: a broker that is silent then is asked with back-off", async () => {
    const sending = await ticks.start("reposition-tick");
    await cancelByHand();
    await ticks.finish(sending, reported(sending));
    const canceling = await ticks.start("reposition-tick");
    expect((await ticks.finish(canceling, reported(canceling, "unavailable"))).again).toBe(false);
    expect((await order(db, id)).next_action_at.getTime()).toBeGreaterThan(Date.parse(canceling.now));
  });

  it("has the reposition tick woken when the run at work was another one", async () => {
    const trader = await ticks.start("trader-tick");
    expect(trader.work.orders).toMatchObject([{ id, action: "send" }]);
    await cancelByHand();
    await calls();
    await ticks.finish(trader, reported(trader));
    expect(await calls()).toEqual(["reposition-tick"]);
    expect((await ticks.start("reposition-tick")).work.orders).toMatchObject([{ id, action: "cancel" }]);
  });

  it("wakes nobody when nobody has canceled it", async () => {
    const trader = await ticks.start("trader-tick");
    await calls();
    await ticks.finish(trader, reported(trader));
    expect(await calls()).toEqual([]);
  });
});
