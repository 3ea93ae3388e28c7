import type postgres from "postgres";
import { beforeEach, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";

const NOON = "2026-03-01T12:00:00Z";
let db: TestDatabase;

const open = (kind: string) =>
  db.sql`select key, mode, severity, title, detail, action, count, acknowledged_at from public.alerts where kind = ${kind} and resolved_at is null`;

beforeEach(async () => {
  db = await testDatabase();
  await db.setClock(NOON);
  return () => db.drop();
});

describe("an alert", () => {
  const say = (sql: postgres.Sql, severity = "warning", count: number | null = null) =>
    sql`select private.open_alert('rejections', '', 'paper', ${severity}, 'title', 'detail', 'action', '{}', ${count})`;

  it("is one open row a kind, key and mode, which counts", async () => {
    await say(db.sql);
    await db.advanceClock(10);
    await say(db.sql);
    const [alert, ...rest] = await db.sql`select count, opened_at, last_seen_at from public.alerts`;
    expect(rest).toEqual([]);
    expect(alert).toEqual({ count: 2, opened_at: new Date(NOON), last_seen_at: new Date("2026-03-01T12:00:10Z") });
  });

  it("opens anew after it was resolved", async () => {
    await say(db.sql);
    await db.sql`select private.resolve_alert('rejections', '', 'paper')`;
    expect(await open("rejections")).toEqual([]);
    await say(db.sql);
    expect(await open("rejections")).toEqual([expect.objectContaining({ count: 1 })]);
    expect(await db.sql`select from public.alerts`).toHaveLength(2);
  });

  it("stays acknowledged until it gets worse", async () => {
    const operator = await db.person("operator");
    await say(db.sql, "warning", 2);
    const [row] = await db.sql`select id from public.alerts`;
    await operator.sql`select public.acknowledge_alert(${row?.id})`;
    await say(db.sql, "warning", 2);
    expect((await open("rejections"))[0]?.acknowledged_at).toEqual(new Date(NOON));
    await say(db.sql, "warning", 3);
    expect((await open("rejections"))[0]?.acknowledged_at).toBeNull();
    await operator.sql`select public.acknowledge_alert(${row?.id})`;
    await say(db.sql, "critical", 3);
    expect((await open("rejections"))[0]?.acknowledged_at).toBeNull();
  });

  it("about something that happened once is resolved by the acknowledgement", async () => {
    const operator = await db.person("operator");
    const [row] =
      await db.sql`select private.open_alert('late_fill', 'order', 'paper', 'warning', 't', 'd', 'a') as id`;
    await operator.sql`select public.acknowledge_alert(${row?.id})`;
    expect(await db.sql`select acknowledged_by, resolved_at from public.alerts`).toEqual([
      { acknowledged_by: `operator:${operator.email}`, resolved_at: new Date(NOON) },
    ]);
  });

  it("of an unknown kind is refused", async () => {
    await expect(
      db.sql`select private.open_alert('weather', '', 'paper', 'info', 't', 'd', 'a')`,
    ).rejects.toMatchObject({
      constraint_name: "alerts_kind_known",
    });
  });
});
