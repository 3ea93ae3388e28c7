import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pushMigrations } from "../../local/postgres/migrate.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let bare: TestDatabase;
beforeAll(async () => {
  bare = await testDatabase({ migrated: false });
});
afterAll(() => bare.drop());

describe("a database before our migrations is as a hosted project's", () => {
  it("belongs to postgres, who is no superuser and cannot become one", async () => {
    await expect(bare.sql`alter role postgres superuser`).rejects.toMatchObject({ code: "42501" });
    await expect(bare.sql`set role supabase_admin`).rejects.toMatchObject({ code: "42501" });
    const [row] =
      await bare.sql`select pg_get_userbyid(datdba)::text as owner from pg_database where datname = current_database()`;
    expect(row).toEqual({ owner: "postgres" });
  });

  it("grants what is made in public to the API roles, as projects made before October 2026 do", async () => {
    await bare.sql`create table public.fresh (id integer primary key)`;
    await bare.as("anon")`insert into public.fresh values (1)`;
    expect(await bare.as("authenticated")`select id from public.fresh`).toEqual([{ id: 1 }]);
  });

  it("lets postgres schedule, post and keep secrets only through the functions", async () => {
    await bare.sql`select cron.schedule('x', '5 seconds', 'select 1')`;
    await expect(bare.sql`delete from cron.job`).rejects.toMatchObject({ code: "42501" });
    await bare.sql`select vault.create_secret('hidden', 'a_name')`;
    expect(await bare.sql`select decrypted_secret from vault.decrypted_secrets where name = 'a_name'`).toEqual([
      { decrypted_secret: "hidden" },
    ]);
    await expect(bare.as("authenticated")`select * from vault.decrypted_secrets`).rejects.toMatchObject({
      code: "42501",
    });
  });

  it("knows who is signed in, by the claims of the request", async () => {
    const sub = "5c5d8a4e-60ff-4b54-9a57-94ba47a0a3b9";
    const user = bare.as("authenticated", { sub, email: "a@example.test" });
    expect(await user`select auth.uid()::text as uid, auth.role() as role, auth.jwt() ->> 'email' as email`).toEqual([
      { uid: sub, role: "authenticated", email: "a@example.test" },
    ]);
  });

  it("has an empty publication for Realtime that postgres may fill", async () => {
    await bare.sql`create table public.watched (id integer primary key)`;
    await bare.sql`alter publication supabase_realtime add table public.watched`;
    expect(await bare.sql`select tablename::text from pg_publication_tables`).toEqual([{ tablename: "watched" }]);
  });
});

describe("pushing migrations with the Supabase CLI", () => {
  let root: string;
  let database: TestDatabase;
  const migration = (name: string, sql: string) => writeFileSync(join(root, "supabase/migrations", name), sql);

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "zoe-push-"));
    mkdirSync(join(root, "supabase/migrations"), { recursive: true });
    cpSync("supabase/config.toml", join(root, "supabase/config.toml"));
    migration("20260101000000_first.sql", "create table public.first (id integer primary key);");
    database = await testDatabase({ migrated: false });
    expect(await pushMigrations(database.url(), root)).toEqual({ applied: ["20260101000000_first.sql"] });
    return async () => {
      await database.drop();
      rmSync(root, { recursive: true, force: true });
    };
  });

  it("applies each one once, and keeps the CLI's history", async () => {
    expect(await pushMigrations(database.url(), root)).toEqual({ applied: [] });
    expect(await database.sql`select version, name from supabase_migrations.schema_migrations`).toEqual([
      { version: "20260101000000", name: "first" },
    ]);
  });

  it("names the migration that fails, and what Postgres said", async () => {
    migration("20260101000001_second.sql", "create table public.second (id integer primary key);");
    migration("20260101000002_broken.sql", "create table public.broken (id nonsense);");
    const push = pushMigrations(database.url(), root);
    await expect(push).rejects.toThrow(
      /^Migration supabase\/migrations\/20260101000002_broken\.sql failed: ERROR: type "nonsense" does not exist/,
    );
    expect(await database.sql`select to_regclass('public.second') is not null as kept`).toEqual([{ kept: true }]);
  });

  it("says so when the database has a migration that the folder lacks", async () => {
    rmSync(join(root, "supabase/migrations/20260101000000_first.sql"));
    migration("20260101000003_other.sql", "select 1;");
    await expect(pushMigrations(database.url(), root)).rejects.toThrow(
      /migrations that this folder does not: `npm run reset` starts afresh/,
    );
  });
});
