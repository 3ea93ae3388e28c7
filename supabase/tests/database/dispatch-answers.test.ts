import { beforeEach, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { tickRpc } from "../support/tick-rpc.ts";

let db: TestDatabase;

beforeEach(async () => {
  db = await testDatabase();
  await db.setClock("2026-03-01T12:00:00Z");
  await db.sql`select vault.create_secret('http://127.0.0.1', 'project_url'), vault.create_secret('token-1', 'cron_token')`;
  return () => db.drop();
});

/** Lets every call that waits be answered, and returns how many there were. */
const answerAll = async (status: number | null, content: string | null, error: string | null = null) => {
  const rows = await db.admin`
    with taken as (delete from net.http_request_queue returning id)
    insert into net._http_response (id, status_code, content, timed_out, error_msg)
    select id, ${status}::integer, ${content}::text, false, ${error}::text from taken returning id`;
  return rows.length;
};
/** The seconds after the first call at which the trader was called, each call answered alike. */
const callsOf = async (seconds: number, status: number, content = "no") => {
  const calls: number[] = [];
  for (let past = 0; past < seconds; past += 5) {
    await db.sql`select private.dispatch_ticks()`;
    if ((await answerAll(status, content)) > 0) calls.push(past);
    await db.advanceClock(5);
  }
  return calls;
};
const dispatched = async () => {
  const [row] = await db.admin`select refusals, answer from private.tick_dispatches where name = 'trader-tick'`;
  return row;
};

describe("a function that answers its calls with a refusal", () => {
  it.each([401, 404, 500])("%i is called ever more rarely, and every five minutes at last", async (status) => {
    const calls = await callsOf(1500, status);
    expect(calls).toEqual([0, 20, 60, 140, 300, 600, 900, 1200]);
  });

  it("is called at its cadence again once it runs, whoever called it", async () => {
    await callsOf(200, 401);
    expect(await dispatched()).toEqual({ refusals: 4, answer: "401: no" });
    const ticks = tickRpc(db);
    await ticks.finish(await ticks.start("trader-tick"));
    expect(await callsOf(5, 202)).toEqual([0]);
    expect(await dispatched()).toEqual({ refusals: 0, answer: null });
    expect((await callsOf(60, 202)).length).toBeGreaterThan(0);
  });

  it("is not thought to refuse when it took the call and did not begin", async () => {
    await callsOf(10, 202, '{"accepted":true}');
    expect(await dispatched()).toEqual({ refusals: 0, answer: '202: {"accepted":true}' });
  });

  it("never has a secret or more than its first line kept", async () => {
    await callsOf(10, 401, `\n  bad token-1\nstack of token-1`);
    expect(await dispatched()).toEqual({ refusals: 1, answer: "401: bad [redacted]" });
    await db.advanceClock(60);
    await callsOf(10, 401, "x".repeat(5000));
    expect((await dispatched())?.answer).toHaveLength(200);
  });

  it("does not stop a wake: a cancel is told at once", async () => {
    await callsOf(60, 401);
    await db.sql`select private.wake('trader-tick', 'a person asks')`;
    expect(await answerAll(401, "no")).toBe(1);
  });
});
