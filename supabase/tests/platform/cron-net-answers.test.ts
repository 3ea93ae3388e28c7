import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CronNetBench, openCronNetBench, until } from "./cron-net-bench.ts";

const TOKEN = "the-cron-token-itself";
let bench: CronNetBench;

beforeEach(async () => {
  bench = await openCronNetBench();
  await bench.db.setClock("2026-03-01T12:00:00Z");
  await bench.db
    .sql`select vault.create_secret(${bench.address}, 'project_url'), vault.create_secret(${TOKEN}, 'cron_token')`;
});
afterEach(() => bench.close());

const stalled = () =>
  bench.db.sql`select detail, action from public.alerts where kind = 'tick_stalled' and resolved_at is null`;

/** Five minutes of the schedule, each dispatch answered before the clock moves on; returns how often the function was called. */
const fiveMinutes = async (): Promise<number> => {
  const { db, received } = bench;
  for (let seconds = 0; seconds < 300; seconds += 5) {
    await db.sql`select private.dispatch_ticks()`;
    await until(async () => (await db.sql`select from net.http_request_queue`).length === 0);
    const [last] = await db.admin`select request_id from private.tick_dispatches where name = 'trader-tick'`;
    const id = last?.request_id ?? null;
    await until(
      async () => id === null || (await db.admin`select from net._http_response where id = ${id}`).length === 1,
    );
    await db.advanceClock(5);
    if (seconds % 60 === 55) await db.sql`select private.run_watchdog()`;
  }
  return received.length;
};

describe("the alert about a tick that is called and does not run", () => {
  it.each([
    [401, '{"code":"unauthorized","message":"no"}\nmore', '401: {"code":"unauthorized","message":"no"}', "cron_token"],
    [404, "Function not found", "404: Function not found", "deploy it"],
    [403, `token ${TOKEN} is wrong`, "403: token [redacted] is wrong", "cron_token"],
  ])(
    "says that its last call was answered %i, and the calls become rarer",
    async (status, body, said, advice) => {
      bench.answers((_, response) => response.writeHead(status).end(body));
      const calls = await fiveMinutes();
      expect(await stalled()).toMatchObject([
        {
          detail: expect.stringContaining(`Its last call was answered ${said}.`),
          action: expect.stringContaining(advice),
        },
      ]);
      expect(calls).toBeGreaterThanOrEqual(3);
      expect(calls).toBeLessThanOrEqual(5);
    },
    120_000,
  );

  it("says that nobody answered when the address is wrong", async () => {
    const [secret] = await bench.db.sql<{ id: string }[]>`
      select id from vault.decrypted_secrets where name = 'project_url'`;
    await bench.db.sql`select vault.update_secret(${secret?.id ?? null}, 'http://127.0.0.1:1')`;
    await fiveMinutes();
    expect(await stalled()).toMatchObject([{ detail: expect.stringContaining("was answered with nothing: ") }]);
  }, 120_000);
});
