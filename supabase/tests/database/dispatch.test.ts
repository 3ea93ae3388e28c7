import { beforeEach, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { entry, quoteAt, tickRpc } from "../support/tick-rpc.ts";

const NOON = "2026-03-01T12:00:00Z";
let db: TestDatabase;
let ticks: ReturnType<typeof tickRpc>;

interface Call {
  url: string;
  headers: Record<string, string>;
  body: { trigger: string; slot?: string; reason?: string };
  timeout_milliseconds: number;
}

/** The calls that wait in pg_net's queue, the oldest first; asking empties it. */
async function calls(): Promise<Call[]> {
  const rows = await db.sql<(Omit<Call, "body"> & { id: string; body: string })[]>`
    with taken as (delete from net.http_request_queue returning id, url, headers, convert_from(body, 'utf8') as body, timeout_milliseconds)
    select * from taken order by id`;
  return rows.map(({ id: _, body, ...call }) => ({ ...call, body: JSON.parse(body) }));
}
const names = async () => (await calls()).map(({ url }) => url.split("/").at(-1));
const dispatch = async () => (await db.sql`select private.dispatch_ticks() as called`)[0]?.called;
const secrets = async () => {
  await db.sql`select vault.create_secret('https://project.example/', 'project_url'), vault.create_secret('token', 'cron_token')`;
};
const openAlerts = () => db.sql`select kind, title, detail from public.alerts where resolved_at is null`;

beforeEach(async () => {
  db = await testDatabase();
  ticks = tickRpc(db);
  await db.setClock(NOON);
  return () => db.drop();
});

describe("the dispatch", () => {
  beforeEach(async () => {
    await secrets();
    await db.sql`update public.config set value = 'paper' where key = 'EDGE_FACTORY_MODE'`;
  });

  it("calls the engines' functions with the slot and the cron token, and waits five seconds for them", async () => {
    expect(await dispatch()).toBe(2);
    const [trader, edgeFactory] = await calls();
    expect(trader).toEqual({
      url: "https://project.example/functions/v1/trader-tick",
      headers: { "Content-Type": "application/json", "x-cron-token": "token" },
      body: { trigger: "cron", slot: "2026-03-01T12:00:00.000000Z" },
      timeout_milliseconds: 5000,
    });
    expect(edgeFactory?.url).toBe("https://project.example/functions/v1/edge-factory-tick");
  });

  it("calls once a slot, and again when the cadence has passed", async () => {
    await dispatch();
    await db.advanceClock(5);
    expect(await dispatch()).toBe(0);
    await ticks.finish(await ticks.start("trader-tick", { slot: NOON, trigger: "cron" }));
    await ticks.finish(await ticks.start("edge-factory-tick", { slot: NOON, trigger: "cron" }));
    await db.advanceClock(50);
    expect(await dispatch()).toBe(0);
    await db.advanceClock(5);
    expect(await dispatch()).toBe(2);
  });

  it("calls a second time when the first call was lost and nothing began", async () => {
    await dispatch();
    await ticks.finish(await ticks.start("edge-factory-tick", { slot: NOON, trigger: "cron" }));
    await calls();
    await db.advanceClock(20);
    expect(await dispatch()).toBe(1);
    expect(await names()).toEqual(["trader-tick"]);
  });

  it("does not call a tick that is at work", async () => {
    const run = await ticks.start("trader-tick");
    await dispatch();
    expect(await names()).toEqual(["edge-factory-tick"]);
    await ticks.finish(run);
    await db.advanceClock(5);
    await dispatch();
    expect(await names()).toEqual(["trader-tick"]);
  });

  it("follows a changed cadence at once", async () => {
    await db.sql`update public.config set value = '10' where key = 'TRADER_TICK_SECONDS'`;
    await dispatch();
    await ticks.finish(await ticks.start("trader-tick", { slot: NOON, trigger: "cron" }));
    await calls();
    await db.advanceClock(10);
    await dispatch();
    expect(await names()).toEqual(["trader-tick"]);
  });

  it("calls the reposition tick only while orders wait for it", async () => {
    await dispatch();
    expect(await names()).not.toContain("reposition-tick");
    const run = await ticks.start("trader-tick");
    await ticks.finish(run, {
      outcome: "ok",
      quotes: [quoteAt(NOON)],
      broker_books: [{ mode: "paper", cash: "2000", holdings: {}, open_orders: [], observed_at: NOON }],
    });
    await ticks.sql`select public.submit_intent(${ticks.sql.json(entry("waiting") as never)})`;
    await calls();
    await dispatch();
    expect(await names()).toContain("reposition-tick");
    await ticks.finish(await ticks.start("reposition-tick"), { outcome: "ok" });
  });
});

describe("a wake", () => {
  it("calls the tick after the commit, once a transaction", async () => {
    await secrets();
    await db.sql.begin(async (sql) => {
      await sql`select private.wake('reposition-tick', 'cancel'), private.wake('reposition-tick', 'kill switch')`;
      await sql`select private.wake('trader-tick', 'run now')`;
    });
    expect((await calls()).map(({ body }) => body)).toEqual([
      { trigger: "wake", reason: "cancel" },
      { trigger: "wake", reason: "run now" },
    ]);
    await db.sql`select private.wake('reposition-tick', 'later')`;
    expect(await calls()).toHaveLength(1);
  });

  it("that is rolled back calls nobody", async () => {
    await secrets();
    await db.sql
      .begin(async (sql) => {
        await sql`select private.wake('reposition-tick')`;
        throw new Error("rolled back");
      })
      .catch(() => {});
    expect(await calls()).toEqual([]);
  });

  it("without its Vault secrets opens an alert, and the write it follows stands", async () => {
    await db.sql`update public.config set value = 'true' where key = 'kill_switch'`;
    expect(await db.sql`select value from public.config where key = 'kill_switch'`).toEqual([{ value: "true" }]);
    expect(await openAlerts()).toContainEqual({
      kind: "missing_secret",
      title: "Ticks can't be called",
      detail: "reposition-tick was not woken: a Vault secret is missing.",
    });
    expect(await calls()).toEqual([]);
  });

  it("that pg_net refuses opens an alert, and the write it follows stands", async () => {
    await secrets();
    await db.admin`alter function net.http_post(text, jsonb, jsonb, jsonb, integer) rename to http_post_gone`;
    await db.sql`update public.config set value = 'true' where key = 'kill_switch'`;
    expect(await db.sql`select value from public.config where key = 'kill_switch'`).toEqual([{ value: "true" }]);
    expect(await openAlerts()).toContainEqual(
      expect.objectContaining({ kind: "missing_secret", detail: expect.stringContaining("net.http_post") }),
    );
    expect(await dispatch()).toBe(0);
  });

  it("never shows a secret: not in an alert, not in the dispatch's books", async () => {
    await secrets();
    await dispatch();
    const [seen] = await db.admin<{ text: string }[]>`
      select concat((select json_agg(a) from public.alerts as a), (select json_agg(d) from private.tick_dispatches as d)) as text`;
    expect(seen?.text).not.toContain("token");
  });
});
