import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { openSealedBooks, seal, undone, type Verdict, verify } from "./audit-fixture.ts";
import { applyOne, handOver } from "./money-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openSealedBooks();
});
afterAll(() => db.drop());

describe("a verification", () => {
  const fullVerdict = async () => {
    const [row] = await db.sql<{ verdict: Verdict }[]>`select public.verify_audit_log(true) as verdict`;
    return row?.verdict;
  };

  it("goes on where the last one stopped and still counts all; a full one reads all again", async () => {
    const before = await verify(db);
    await applyOne(db, await handOver(db, { symbol: "SOL-USD" }), { kind: "refused" });
    await seal(db);
    const verdict = await verify(db);
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
    await seal(db);
    await verify(db);
    await undone(db, async (sql) => {
      await sql`update public.order_events set actor = 'nobody' where id = 3`;
      const [row] = await sql`
        select public.verify_audit_log() as short, public.verify_audit_log(true) as full, private.verify_old_seals(1000000) as slice`;
      expect(row?.short.ok).toBe(true);
      expect(row?.full.first_bad).toMatchObject({ table: "order_events", row_id: 3, problem: "changed" });
      expect(row?.slice.first_bad).toMatchObject({ table: "order_events", row_id: 3, problem: "changed" });
    });
  });

  it("finds that the seal it stopped at is gone from the chain, or another", async () => {
    await seal(db);
    const { head } = await verify(db);
    const last = "(select max(id) from public.audit_seals)";
    for (const [statement, problem] of [
      [`delete from public.audit_seals where id = ${last}`, "deleted"],
      [`update public.audit_seals set hash = sha256(hash) where id = ${last}`, "changed"],
    ] as const)
      await undone(db, async (sql) => {
        await sql.unsafe(statement);
        const [row] = await sql`select public.verify_audit_log() as verdict`;
        expect(row?.verdict).toMatchObject({ ok: false, first_bad: { table: "audit_seals", problem } });
      });
    expect((await verify(db)).head).toBe(head);
  });

  it("by night comes round to every old seal, slice by slice, and stays at one that does not match", async () => {
    await seal(db);
    await undone(db, async (sql) => {
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
