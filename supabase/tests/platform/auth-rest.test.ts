import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@supabase/supabase-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import ws from "ws";
import { createRestAndAuth, type RestAndAuth } from "../../local/api/rest-and-auth.ts";
import { type Keys, openKeys, readKeys } from "../../local/keys.ts";
import { seedPeople } from "../../local/seed.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let database: TestDatabase;
let api: RestAndAuth;
let keys: Keys;
let folder: string;
/** The privileges before the first request of all. */
let untouched: Awaited<ReturnType<typeof privileges>>;

const TEST_FUNCTIONS = `
  create function public.who() returns text language sql return current_user || '/' || session_user;
  create function public.echo_json(p jsonb) returns jsonb language sql
  return jsonb_build_object('type', jsonb_typeof(p), 'value', p);
  create function public.echo_ids(p uuid[]) returns integer language sql return cardinality(p);
  create function public.echo_text(p text) returns jsonb language sql return to_jsonb(p);
  create function public.refuse() returns void language plpgsql as $$
  begin
    raise exception 'lease_lost' using errcode = 'PT409', detail = 'the token is old';
  end $$;
  grant execute on all functions in schema public to service_role;
  grant execute on function public.who() to anon, authenticated`;

/** A supabase-js client whose requests go straight to the embedded REST and Auth server. */
const client = (key: string) =>
  createClient("http://127.0.0.1:54321", key, {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: ws as never },
    global: { fetch: (input, init) => api.fetch(new Request(input as string, init)) },
  });

/** Every privilege on our schemas, as one comparable list. */
const privileges = () => database.admin`
  select n.nspname::text as schema, c.relname::text as name, c.relacl::text as acl
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where n.nspname in ('public', 'private', 'paper_exchange', 'auth', 'vault', 'cron')
  union all
  select n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.proacl::text
  from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname in ('public', 'private', 'paper_exchange', 'auth', 'vault', 'cron')
  union all
  select n.nspname, '(schema)', n.nspacl::text from pg_namespace as n
  union all
  select coalesce(n.nspname, ''), format('(default for %s of %s)', d.defaclobjtype, d.defaclrole::regrole), d.defaclacl::text
  from pg_default_acl as d left join pg_namespace as n on n.oid = d.defaclnamespace
  order by 1, 2, 3`;

beforeAll(async () => {
  database = await testDatabase();
  folder = mkdtempSync(join(tmpdir(), "zoe-keys-"));
  keys = await openKeys(folder);
  await seedPeople(database.sql, keys);
  await database.admin.unsafe(TEST_FUNCTIONS);
  untouched = await privileges();
  api = await createRestAndAuth({
    databaseUrl: database.url("zoe_gateway"),
    jwtSecret: keys.jwtSecret,
    publishableKey: keys.publishable,
    secretKey: keys.secret,
    siteUrl: "http://127.0.0.1:5180",
  });
});

afterAll(async () => {
  await api.stop();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

describe("keys of a data folder", () => {
  it("have the new format and stay the same once they are made", () => {
    expect(keys.publishable).toMatch(/^sb_publishable_[\w-]{22}_[\w-]{8}$/);
    expect(keys.secret).toMatch(/^sb_secret_[\w-]{22}_[\w-]{8}$/);
    expect(readKeys(folder)).toEqual(keys);
  });
});

describe("sign-in", () => {
  it.each(["operator", "viewer"] as const)(
    "lets the seeded %s in with supabase-js, and knows the role",
    async (role) => {
      const visitor = client(keys.publishable);
      const { data, error } = await visitor.auth.signInWithPassword(keys[role]);
      expect(error).toBeNull();
      const [row] = await database.sql`select role from public.operators where user_id = ${data.user?.id ?? null}`;
      expect(row?.role).toBe(role);
      const { data: again } = await visitor.auth.getUser();
      expect(again.user?.email).toBe(keys[role].email);
      const { data: refreshed } = await visitor.auth.refreshSession();
      expect(refreshed.session?.access_token).toBeTruthy();
    },
  );

  it("refuses a wrong password", async () => {
    const { error } = await client(keys.publishable).auth.signInWithPassword({
      ...keys.operator,
      password: "a wrong one",
    });
    expect(error?.code).toBe("invalid_credentials");
  });

  it("lets nobody sign up by himself", async () => {
    const { error } = await client(keys.publishable).auth.signUp({
      email: "a@example.test",
      password: "long enough to pass",
    });
    expect(error?.status).toBe(422);
    const [row] = await database.sql`select count(*) as users from auth.users`;
    expect(row?.users).toBe("2");
  });

  it("does not seed anybody twice", async () => {
    await seedPeople(database.sql, keys);
    const [row] = await database.sql`select count(*) as users from auth.users`;
    expect(row?.users).toBe("2");
  });
});

describe("REST", () => {
  it("answers a key it does not know with 401", async () => {
    const { status } = await client("sb_secret_AAAAAAAAAAAAAAAAAAAAAA_AAAAAAAA").from("config").select();
    expect(status).toBe(401);
  });

  it("acts as anon, authenticated and service_role by key and session", async () => {
    const visitor = client(keys.publishable);
    expect((await visitor.rpc("who")).data).toBe("anon/zoe_gateway");
    await visitor.auth.signInWithPassword(keys.viewer);
    expect((await visitor.rpc("who")).data).toBe("authenticated/zoe_gateway");
    expect((await client(keys.secret).rpc("who")).data).toBe("service_role/zoe_gateway");
  });

  it("hands over JSON, arrays, text and numbers as what they are", async () => {
    const service = client(keys.secret);
    for (const [type, value] of [
      ["object", { a: [1, "2", null], "b'": 'c"' }],
      ["array", [{ a: "0.10" }, []]],
      ["array", []],
    ] as const)
      expect((await service.rpc("echo_json", { p: value })).data).toEqual({ type, value });
    expect((await service.rpc("echo_ids", { p: ["5c5d8a4e-60ff-4b54-9a57-94ba47a0a3b9"] })).data).toBe(1);
    expect((await service.rpc("echo_ids", { p: [] })).data).toBe(0);
    expect((await service.rpc("echo_text", { p: '{"a": 1}' })).data).toBe('{"a": 1}');
  });

  it("passes on an error's code, status, sentence and detail", async () => {
    const { status, error } = await client(keys.secret).rpc("refuse");
    expect([status, error]).toEqual([
      409,
      expect.objectContaining({ message: "lease_lost", details: "the token is old" }),
    ]);
  });

  it("changes no privilege, so that what the migrations revoke stays revoked", async () => {
    const visitor = client(keys.publishable);
    expect((await visitor.from("crypto_orders").select()).error?.code).toBe("42501");
    await visitor.auth.signInWithPassword(keys.operator);
    expect((await visitor.from("crypto_orders").insert({ symbol: "BTC-USD" })).error?.code).toBe("42501");
    expect(
      (await client(keys.secret).from("crypto_orders").update({ status: "filled" }).eq("symbol", "X")).error?.code,
    ).toBe("42501");
    expect(await privileges()).toEqual(untouched);
  });
});
