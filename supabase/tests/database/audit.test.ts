import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { applyOne, asEngine, handOver, openAlerts, openBooks } from "./money-fixture.ts";

interface Verdict {
  ok: boolean;
  first_bad: { table: string; row_id: number; seal_id: number; problem: string } | null;
  seals: number;
  verified_rows: number;
  head: string;
  message: string;
}

let db: TestDatabase;

beforeAll(async () => {
  db = await openBooks();
  for (let n = 0; n < 4; n++) {
    const id = await handOver(db, { symbol: "ETH-USD", qty: "1", price: "100" });
    await applyOne(db, id, { state: "filled", filled_qty: "1", average_price: "100", fee: "0.1" });
    await seal();
  }
});

afterAll(async () => {
  await db.drop();
});

const seal = async () => {
  const [row] = await db.sql<{ rows: number }[]>`select private.seal_audit() as rows`;
  return row?.rows;
};

const verify = async (): Promise<Verdict> => {
  const [row] = await db.sql<{ verdict: Verdict }[]>`select public.verify_audit_log() as verdict`;
  if (!row) throw new Error("no verdict");
  return row.verdict;
};

class Undo extends Error {}

/** What is found after a superuser switched the triggers off and did this; all of it is undone afterwards. */
async function afterTampering(...statements: string[]): Promise<Verdict> {
  let verdict: Verdict | undefined;
  const attempt = db.admin.begin(async (sql) => {
    for (const table of ["order_events", "crypto_fills", "cash_ledger", "audit_seals"]) {
      await sql.unsafe(`alter table public.${table} disable trigger all`);
    }
    for (const statement of statements) await sql.unsafe(statement);
    [{ verdict }] = await sql<[{ verdict: Verdict }]>`select private.check_audit() as verdict`;
    expect(await sql`select 1 from public.alerts where kind = 'audit' and resolved_at is null`).toHaveLength(1);
    throw new Undo();
  });
  await expect(attempt).rejects.toBeInstanceOf(Undo);
  if (!verdict) throw new Error("no verdict");
  return verdict;
}

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
    await seal();
    expect(await verify()).toMatchObject({ ok: true, first_bad: null });
  });

  it("covers every event, fill and entry, and grows only when something was written", async () => {
    const [rows] = await db.sql<{ rows: number }[]>`
      select ((select count(*) from public.order_events) + (select count(*) from public.crypto_fills)
        + (select count(*) from public.cash_ledger))::integer as rows`;
    const verdict = await verify();
    expect(verdict.verified_rows).toBe(rows?.rows);
    expect(await seal()).toBe(0);
    expect((await verify()).head).toBe(verdict.head);
    const id = await handOver(db, { symbol: "SOL-USD" });
    await applyOne(db, id, { kind: "refused" });
    expect(await seal()).toBe(3);
    expect((await verify()).head).not.toBe(verdict.head);
  });

  it("does not depend on the time zone it is verified in", async () => {
    await db.sql.begin(async (sql) => {
      await sql`set local time zone 'Asia/Tokyo'`;
      const [row] = await sql<{ verdict: Verdict }[]>`select public.verify_audit_log() as verdict`;
      expect(row?.verdict.ok).toBe(true);
    });
  });

  it("names the first row that was changed", async () => {
    const verdict = await afterTampering("update public.order_events set actor = 'nobody' where id in (3, 5)");
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
      expect((await afterTampering(statement)).first_bad).toMatchObject({ table, row_id: row, problem: "changed" });
    }
  });

  it("names a row that was taken away, at the end of a seal too", async () => {
    expect((await afterTampering("delete from public.order_events where id = 6")).first_bad).toMatchObject({
      table: "order_events",
      row_id: 6,
      problem: "deleted",
    });
    const [last] = await db.sql<{ id: string }[]>`select max(id) as id from public.order_events`;
    expect((await afterTampering(`delete from public.order_events where id = ${last?.id}`)).first_bad).toMatchObject({
      row_id: Number(last?.id),
      problem: "deleted",
    });
  });

  it("names a row that was slipped in where a number had been skipped", async () => {
    await asEngine(db, (sql) => sql`select nextval('public.order_events_id_seq')`);
    const [gap] = await db.sql<{ id: string }[]>`select last_value as id from public.order_events_id_seq`;
    const order = await handOver(db, { symbol: "AVAX-USD" });
    await applyOne(db, order, { kind: "refused" });
    await seal();
    const verdict = await afterTampering(
      `insert into public.order_events (id, order_id, intent_group_id, mode, symbol, event_type, actor) overriding system value
       select ${gap?.id}, id, intent_group_id, mode, symbol, 'invented', 'nobody' from public.crypto_orders limit 1`,
    );
    expect(verdict.first_bad).toMatchObject({ table: "order_events", row_id: Number(gap?.id), problem: "inserted" });
  });

  it("notices a seal that was forged, taken out, or re-made for a changed row", async () => {
    expect(
      (await afterTampering("update public.audit_seals set hash = sha256(hash) where id = 3")).first_bad,
    ).toMatchObject({
      table: "audit_seals",
      row_id: 3,
    });
    expect((await afterTampering("delete from public.audit_seals where id = 2")).ok).toBe(false);
    const remade = await afterTampering(
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
      for (let n = 0; n < 20; n++) await seal();
    };
    await Promise.all([...writers, sealer(), sealer()]);
    await seal();
    expect(await verify()).toMatchObject({ ok: true });
  });
});

describe("a verification", () => {
  const fullVerdict = async () => {
    const [row] = await db.sql<{ verdict: Verdict }[]>`select public.verify_audit_log(true) as verdict`;
    return row?.verdict;
  };
  const undone = async (work: (sql: postgres.TransactionSql) => Promise<void>) => {
    const attempt = db.admin.begin(async (sql) => {
      for (const table of ["order_events", "crypto_fills", "cash_ledger", "audit_seals"])
        await sql.unsafe(`alter table public.${table} disable trigger all`);
      await work(sql);
      throw new Undo();
    });
    await expect(attempt).rejects.toBeInstanceOf(Undo);
  };

  it("goes on where the last one stopped and still counts all; a full one reads all again", async () => {
    const before = await verify();
    await applyOne(db, await handOver(db, { symbol: "SOL-USD" }), { kind: "refused" });
    await seal();
    const verdict = await verify();
    expect(verdict).toMatchObject({ ok: true, verified_rows: before.verified_rows + 3, seals: before.seals + 1 });
    expect(verdict.message).toContain("were verified before and not read again");
    expect(await fullVerdict()).toMatchObject({
      ok: true,
      verified_rows: verdict.verified_rows,
      head: verdict.head,
      message: `${verdict.verified_rows} sealed rows match.`,
    });
  });

  it("of the new does not read the old, which the full one and the nightly slice do", async () => {
    await seal();
    await verify();
    await undone(async (sql) => {
      await sql`update public.order_events set actor = 'nobody' where id = 3`;
      const [row] = await sql`
        select public.verify_audit_log() as short, public.verify_audit_log(true) as full, private.verify_old_seals(1000000) as slice`;
      expect(row?.short.ok).toBe(true);
      expect(row?.full.first_bad).toMatchObject({ table: "order_events", row_id: 3, problem: "changed" });
      expect(row?.slice.first_bad).toMatchObject({ table: "order_events", row_id: 3, problem: "changed" });
    });
  });

  it("finds that the seal it stopped at is gone from the chain, or another", async () => {
    await seal();
    const { head } = await verify();
    const last = "(select max(id) from public.audit_seals)";
    for (const [statement, problem] of [
      [`delete from public.audit_seals where id = ${last}`, "deleted"],
      [`update public.audit_seals set hash = sha256(hash) where id = ${last}`, "changed"],
    ] as const)
      await undone(async (sql) => {
        await sql.unsafe(statement);
        const [row] = await sql`select public.verify_audit_log() as verdict`;
        expect(row?.verdict).toMatchObject({ ok: false, first_bad: { table: "audit_seals", problem } });
      });
    expect((await verify()).head).toBe(head);
  });

  it("by night comes round to every old seal, slice by slice, and stays at one that does not match", async () => {
    await seal();
    await undone(async (sql) => {
      const last = async () => Number((await sql`select max(id) as id from public.audit_seals`)[0]?.id);
      const slice = async () => (await sql`select private.check_audit(1) as verdict`)[0]?.verdict;
      const seen: number[] = [];
      for (let night = 0; night < (await last()); night += 1) {
        await slice();
        seen.push(Number((await sql`select again_after from private.audit_checkpoints`)[0]?.again_after));
      }
      expect(seen.at(-1)).toBe(0);
      expect([...seen.slice(0, -1)]).toEqual([...seen.slice(0, -1)].sort((a, b) => a - b));
      await sql`update public.order_events set actor = 'nobody' where id = 1`;
      for (const _ of [1, 2]) expect(await slice()).toMatchObject({ ok: false, first_bad: { row_id: 1 } });
      expect(await sql`select from public.alerts where kind = 'audit' and resolved_at is null`).toHaveLength(1);
    });
  });
});

describe("verify_audit_log", () => {
  it("answers viewers and operators, and nobody else", async () => {
    const viewer = await db.person("viewer");
    const [row] = await viewer.sql<{ verdict: Verdict }[]>`select public.verify_audit_log() as verdict`;
    expect(row?.verdict.ok).toBe(true);
    const stranger = db.as("authenticated", { sub: "00000000-0000-4000-8000-000000000001" });
    await expect(stranger`select public.verify_audit_log()`).rejects.toMatchObject({ code: "PT403" });
    await expect(db.as("anon")`select public.verify_audit_log()`).rejects.toMatchObject({ code: "42501" });
  });
});
