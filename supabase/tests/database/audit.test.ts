import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { afterTampering, openSealedBooks, seal, type Verdict, verify } from "./audit-fixture.ts";
import { applyOne, asEngine, handOver, openAlerts } from "./money-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openSealedBooks();
});
afterAll(() => db.drop());

describe("the sealed tables", () => {
  const roles = ["postgres", "supabase_admin", "zoe_engine", "service_role"] as const;
  const tables = ["order_events", "crypto_fills", "cash_ledger", "audit_seals"];

  for (const role of roles) {
    it(`refuse update, delete and truncate from ${role}`, async () => {
      for (const table of tables) {
        for (const statement of [
          `update public.${table} set ${table === "crypto_fills" ? "fee" : "id"} = default`,
          `delete from public.${table} where false`,
          `truncate public.${table} cascade`,
        ]) {
          const attempt = db.admin.begin(async (sql) => {
            await sql.unsafe(`set local role ${role}`);
            await sql.unsafe(statement);
          });
          await expect(attempt, `${role}: ${statement}`).rejects.toMatchObject({
            code: expect.stringMatching(/PT403|42501/),
          });
        }
      }
    });
  }

  it("refuse also with replication's switch, which turns ordinary triggers off", async () => {
    const attempt = db.admin.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`update public.cash_ledger set amount = amount + 1`;
    });
    await expect(attempt).rejects.toMatchObject({ code: "PT403" });
  });

  it("take no seal, fill or entry by hand", async () => {
    await expect(
      db.sql`insert into public.audit_seals (table_name, row_ids, row_marks, previous_hash, hash) values ('cash_ledger', '{1}', '\\x0011223344556677', '', '')`,
    ).rejects.toMatchObject({ code: "PT403" });
    await expect(
      db.sql`insert into public.cash_ledger (mode, kind, amount, actor) values ('paper', 'deposit', 1000000, 'me')`,
    ).rejects.toMatchObject({ code: "PT403" });
  });
});

describe("the chain of seals", () => {
  beforeEach(async () => {
    await seal(db);
    expect(await verify(db)).toMatchObject({ ok: true, first_bad: null });
  });

  it("covers every event, fill and entry, and grows only when something was written", async () => {
    const [rows] = await db.sql<{ rows: number }[]>`
      select ((select count(*) from public.order_events) + (select count(*) from public.crypto_fills)
        + (select count(*) from public.cash_ledger))::integer as rows`;
    const verdict = await verify(db);
    expect(verdict.verified_rows).toBe(rows?.rows);
    expect(await seal(db)).toBe(0);
    expect((await verify(db)).head).toBe(verdict.head);
    const id = await handOver(db, { symbol: "SOL-USD" });
    await applyOne(db, id, { kind: "refused" });
    expect(await seal(db)).toBe(3);
    expect((await verify(db)).head).not.toBe(verdict.head);
  });

  it("does not depend on the time zone it is verified in", async () => {
    await db.sql.begin(async (sql) => {
      await sql`set local time zone 'Asia/Tokyo'`;
      const [row] = await sql<{ verdict: Verdict }[]>`select public.verify_audit_log() as verdict`;
      expect(row?.verdict.ok).toBe(true);
    });
  });

  it("names the first row that was changed", async () => {
    const verdict = await afterTampering(db, "update public.order_events set actor = 'nobody' where id in (3, 5)");
    expect(verdict).toMatchObject({ ok: false, first_bad: { table: "order_events", row_id: 3, problem: "changed" } });
    expect(verdict.message).toBe("The first row that does not match: order_events 3 (changed).");
  });

  it("notices the smallest change: a hundred-millionth of a dollar, a microsecond, a word", async () => {
    for (const [statement, table, row] of [
      ["update public.cash_ledger set amount = amount + 0.00000001 where id = 4", "cash_ledger", 4],
      [
        "update public.crypto_fills set executed_at = executed_at + interval '1 microsecond' where seq = 2",
        "crypto_fills",
        2,
      ],
      ["update public.order_events set metadata = '{\"a\": 1}' where id = 2", "order_events", 2],
    ] as const) {
      expect((await afterTampering(db, statement)).first_bad).toMatchObject({ table, row_id: row, problem: "changed" });
    }
  });

  it("names a row that was taken away, at the end of a seal too", async () => {
    expect((await afterTampering(db, "delete from public.order_events where id = 6")).first_bad).toMatchObject({
      table: "order_events",
      row_id: 6,
      problem: "deleted",
    });
    const [last] = await db.sql<{ id: string }[]>`select max(id) as id from public.order_events`;
    expect(
      (await afterTampering(db, `delete from public.order_events where id = ${last?.id}`)).first_bad,
    ).toMatchObject({
      row_id: Number(last?.id),
      problem: "deleted",
    });
  });

  it("names a row that was slipped in where a number had been skipped", async () => {
    await asEngine(db, (sql) => sql`select nextval('public.order_events_id_seq')`);
    const [gap] = await db.sql<{ id: string }[]>`select last_value as id from public.order_events_id_seq`;
    const order = await handOver(db, { symbol: "AVAX-USD" });
    await applyOne(db, order, { kind: "refused" });
    await seal(db);
    const verdict = await afterTampering(
      db,
      `insert into public.order_events (id, order_id, intent_group_id, mode, symbol, event_type, actor) overriding system value
       select ${gap?.id}, id, intent_group_id, mode, symbol, 'invented', 'nobody' from public.crypto_orders limit 1`,
    );
    expect(verdict.first_bad).toMatchObject({ table: "order_events", row_id: Number(gap?.id), problem: "inserted" });
  });

  it("notices a seal that was forged, taken out, or re-made for a changed row", async () => {
    expect(
      (await afterTampering(db, "update public.audit_seals set hash = sha256(hash) where id = 3")).first_bad,
    ).toMatchObject({
      table: "audit_seals",
      row_id: 3,
    });
    expect((await afterTampering(db, "delete from public.audit_seals where id = 2")).ok).toBe(false);
    const remade = await afterTampering(
      db,
      "update public.cash_ledger set amount = 1 where id = 1",
      `update public.audit_seals set row_marks = (select substr(sha256(convert_to(s.content, 'UTF8')), 1, 8) from private.sealed_rows as s
         where s.table_name = 'cash_ledger' and s.row_id = 1) || substr(row_marks, 9)
       where table_name = 'cash_ledger' and row_ids[1] = 1`,
    );
    expect(remade.first_bad).toMatchObject({ table: "audit_seals" });
  });

  it("opens no alert, and takes one back, when the nightly job finds it whole", async () => {
    await asEngine(db, (sql) => sql`select private.open_alert('audit', '', null, 'critical', 't', 'd', 'a')`);
    await db.sql`select private.check_audit()`;
    expect(await openAlerts(db)).toEqual([]);
  });

  it("has no gap when two modes write while it seals", async () => {
    const writers = ["paper", "live"].map(async (mode) => {
      for (let n = 0; n < 15; n++) {
        const id = await handOver(db, { mode, symbol: "DOGE-USD", qty: "10", price: "1" });
        await applyOne(db, id, { kind: "refused" });
      }
    });
    const sealer = async () => {
      for (let n = 0; n < 20; n++) await seal(db);
    };
    await Promise.all([...writers, sealer(), sealer()]);
    await seal(db);
    expect(await verify(db)).toMatchObject({ ok: true });
  });
});
