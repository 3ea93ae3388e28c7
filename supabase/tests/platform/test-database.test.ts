import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";

describe("a test database", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  it("is migrated, with the CLI's history table", async () => {
    const rows = await database.sql`select version from supabase_migrations.schema_migrations`;
    expect(rows.length).toBeGreaterThan(5);
  });

  it("gives postgres no superuser's rights", async () => {
    const [row] = await database.sql`select rolsuper, rolbypassrls from pg_roles where rolname = current_user`;
    expect(row).toEqual({ rolsuper: false, rolbypassrls: true });
  });

  it("acts as the API role with the claims of the session, in every transaction", async () => {
    const id = "5c5d8a4e-60ff-4b54-9a57-94ba47a0a3b9";
    const user = database.as("authenticated", { sub: id });
    const identity = () =>
      user`select current_user::text as role, session_user::text as session, auth.uid()::text as uid`;
    const expected = { role: "authenticated", session: "authenticator", uid: id };
    expect((await identity())[0]).toEqual(expected);
    expect((await identity())[0]).toEqual(expected);
    expect((await database.as("service_role")`select current_user::text as role`)[0]).toEqual({ role: "service_role" });
  });

  it("keeps the clock where a test puts it", async () => {
    await database.setClock("2026-03-01T12:00:00Z");
    expect((await database.advanceClock(90)).toISOString()).toBe("2026-03-01T12:01:30.000Z");
    const [row] = await database.sql<{ clock: Date }[]>`select private.clock() as clock`;
    expect(row?.clock.toISOString()).toBe("2026-03-01T12:01:30.000Z");
  });

  it("can be one that no migration has touched", async () => {
    const bare = await testDatabase({ migrated: false });
    const [row] =
      await bare.sql`select to_regclass('public.config') as config, to_regclass('auth.users')::text as users`;
    expect(row).toEqual({ config: null, users: "auth.users" });
    await bare.drop();
  });
});
