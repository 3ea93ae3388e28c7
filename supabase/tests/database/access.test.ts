import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { busyDay } from "../support/busy-day.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import {
  API_FUNCTIONS,
  KEPT_FOR_EVER,
  OPEN_PRIVATE_FUNCTIONS,
  SCHEMAS,
  TABLES,
  type TableDecision,
} from "./access-decisions.ts";

const API_ROLES = ["anon", "authenticated", "service_role"] as const;
const PRIVILEGES = ["select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain"] as const;
const OURS = ["public", "private", "paper_exchange"];

/** What each API role may do with a table, by its decision; whatever isn't named here is refused. */
const ALLOWED: Record<TableDecision, Partial<Record<(typeof API_ROLES)[number], readonly string[]>>> = {
  readers: { authenticated: ["select"] },
  "own row": { authenticated: ["select"] },
  functions: {},
  "broker's books": { service_role: ["select", "insert", "update"] },
  "broker's book": { service_role: ["select", "update"] },
};

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
  await busyDay(db);
});
afterAll(() => db.drop());

const relations = (kinds: string[]) => db.admin<{ name: string }[]>`
  select format('%I.%I', n.nspname, c.relname) as name
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = any (${OURS}) and c.relkind = any (${kinds})`;

describe("every object has a decision", () => {
  it("each schema", async () => {
    const rows = await db.admin<{ name: string }[]>`
      select nspname as name from pg_namespace
      where nspname !~ '^pg_' and nspname not in ('information_schema', 'auth', 'cron', 'net', 'vault', 'extensions', 'embedded', 'supabase_migrations')`;
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(SCHEMAS).sort());
  });

  it("each table and view", async () => {
    const names = (await relations(["r", "p", "v", "m", "f"])).map(({ name }) => name);
    expect(names.sort()).toEqual(Object.keys(TABLES).sort());
  });

  it("each function of the API", async () => {
    const rows = await db.admin<{ name: string }[]>`
      select distinct proname as name from pg_proc where pronamespace = 'public'::regnamespace order by 1`;
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(API_FUNCTIONS).sort());
  });
});

describe("grants are what was decided", () => {
  it("on schemas", async () => {
    const rows = await db.admin<{ schema: string; role: string; usage: boolean; create: boolean }[]>`
      select s as schema, r as role, has_schema_privilege(r, s, 'usage') as usage, has_schema_privilege(r, s, 'create') as create
      from unnest(${Object.keys(SCHEMAS)}::text[]) as s cross join unnest(${[...API_ROLES]}::text[]) as r`;
    for (const { schema, role, usage, create } of rows) {
      const decided = SCHEMAS[schema]?.some((user) => user === role) ?? false;
      expect({ schema, role, usage, create }).toEqual({ schema, role, usage: decided, create: false });
    }
  });

  it.each(API_ROLES)("on tables and views, column by column, for %s", async (role) => {
    const found = await db.admin<{ name: string; privileges: string[] }[]>`
      select t as name, array(
        select p from unnest(${[...PRIVILEGES]}::text[]) with ordinality as p (p, place)
        where has_table_privilege(${role}, t, p)
          or (p in ('select', 'insert', 'update', 'references') and has_any_column_privilege(${role}, t, p))
        order by place
      ) as privileges
      from unnest(${Object.keys(TABLES)}::text[]) as t`;
    const decided = Object.entries(TABLES).map(([name, decision]) => ({
      name,
      privileges: ALLOWED[decision][role] ?? [],
    }));
    expect([...found]).toEqual(decided);
  });

  it("on sequences: none", async () => {
    const rows = await db.admin`
      select s.oid::regclass::text as name, r as role
      from pg_class as s cross join unnest(${[...API_ROLES]}::text[]) as r
      where s.relkind = 'S' and s.relnamespace::regnamespace::text = any (${OURS})
        and has_sequence_privilege(r, s.oid, 'usage, select, update')`;
    expect(rows).toEqual([]);
  });

  it.each(API_ROLES)("on functions of the API, for %s", async (role) => {
    const found = await db.admin<{ name: string; allowed: boolean }[]>`
      select proname as name, bool_or(has_function_privilege(${role}, oid, 'execute')) as allowed
      from pg_proc where pronamespace = 'public'::regnamespace group by proname order by 1`;
    const callers = { anon: [], authenticated: ["signed-in", "both"], service_role: ["engine", "both"] }[
      role
    ] as string[];
    expect([...found]).toEqual(
      Object.entries(API_FUNCTIONS).map(([name, who]) => ({ name, allowed: callers.includes(who) })),
    );
  });

  it("on private functions: closed, unless decided otherwise", async () => {
    const rows = await db.admin<{ name: string; who: string }[]>`
      select proname as name, case
          when bool_or(has_function_privilege('anon', oid, 'execute')) then 'anybody'
          when bool_or(has_function_privilege('authenticated', oid, 'execute')) and bool_or(has_function_privilege('service_role', oid, 'execute')) then 'both'
          when bool_or(has_function_privilege('authenticated', oid, 'execute')) then 'signed-in'
          when bool_or(has_function_privilege('service_role', oid, 'execute')) then 'engine'
        end as who
      from pg_proc where pronamespace in ('private'::regnamespace, 'paper_exchange'::regnamespace)
      group by proname order by 1`;
    const open = rows.filter(({ who }) => who !== null).map(({ name, who }) => [name, who]);
    expect(Object.fromEntries(open)).toEqual(OPEN_PRIVATE_FUNCTIONS);
  });

  it("for the engine's role: it deletes only what may go, and nobody logs in as it", async () => {
    const rows = await db.admin<{ name: string }[]>`
      select t as name from unnest(${[...KEPT_FOR_EVER]}::text[]) as t where has_table_privilege('zoe_engine', t, 'delete, truncate')`;
    expect(rows).toEqual([]);
    const [role] =
      await db.admin`select rolcanlogin, rolsuper, rolcreaterole from pg_roles where rolname = 'zoe_engine'`;
    expect(role).toEqual({ rolcanlogin: false, rolsuper: false, rolcreaterole: false });
    const [broker] =
      await db.admin`select has_schema_privilege('zoe_engine', 'paper_exchange', 'usage, create') as reachable`;
    expect(broker).toEqual({ reachable: false });
  });

  it("for what comes later: nothing is granted by default", async () => {
    await db.sql`create table public.later (id integer primary key)`;
    await db.sql`create function public.later_too() returns integer language sql return 1`;
    const [row] = await db.admin`
      select array(select r from unnest(${[...API_ROLES]}::text[]) as r where has_table_privilege(r, 'public.later', 'select, insert, update, delete')) as tables,
        array(select r from unnest(${[...API_ROLES]}::text[]) as r where has_function_privilege(r, 'public.later_too()', 'execute')) as functions`;
    await db.sql`drop table public.later`;
    await db.sql`drop function public.later_too()`;
    expect(row).toEqual({ tables: [], functions: [] });
  });
});

describe("who sees and changes rows", () => {
  const people: Record<string, postgres.Sql> = {};
  const readable = Object.entries(TABLES)
    .filter(([, decision]) => decision === "readers")
    .map(([name]) => name);
  const count = async (sql: postgres.Sql, table: string) =>
    (await sql.unsafe(`select count(*)::integer as rows from ${table}`))[0]?.rows;

  beforeAll(async () => {
    people.viewer = (await db.person("viewer")).sql;
    people.operator = (await db.person("operator")).sql;
    people.stranger = db.as("authenticated", { sub: "7b0b9a7e-4f5f-4c60-8c6c-0a2a0d8a6b11" });
    people.nobody = db.as("authenticated");
    people.anon = db.as("anon");
    people.service_role = db.as("service_role");
  });

  it.each(readable)("%s: viewers and operators all, strangers none, anon and the secret key refused", async (table) => {
    const all = await count(db.admin, table);
    expect(all).toBeGreaterThan(0);
    for (const reader of ["viewer", "operator"]) expect(await count(people[reader] as postgres.Sql, table)).toBe(all);
    for (const stranger of ["stranger", "nobody"]) expect(await count(people[stranger] as postgres.Sql, table)).toBe(0);
    for (const refused of ["anon", "service_role"]) {
      await expect(count(people[refused] as postgres.Sql, table)).rejects.toMatchObject({ code: "42501" });
    }
  });

  it("operators: people see their own row only", async () => {
    expect(await count(people.viewer as postgres.Sql, "public.operators")).toBe(1);
    expect(await count(people.operator as postgres.Sql, "public.operators")).toBe(1);
    expect(await count(people.stranger as postgres.Sql, "public.operators")).toBe(0);
  });

  it.each(Object.keys(TABLES).filter((name) => name !== "private.sealed_rows" && name !== "private.executions"))(
    "%s: no API role writes it",
    async (table) => {
      const broker = TABLES[table]?.startsWith("broker") ?? false;
      for (const [name, sql] of Object.entries(people)) {
        const statements = [`delete from ${table} where true`, `truncate ${table}`];
        if (!(broker && name === "service_role")) {
          statements.push(`insert into ${table} default values`, `select * from ${table} for update`);
        }
        for (const statement of statements) {
          await expect(sql.unsafe(statement), `${name}: ${statement}`).rejects.toMatchObject({ code: "42501" });
        }
      }
    },
  );

  it.each([
    "order_intents",
    "crypto_orders",
    "order_events",
    "crypto_fills",
    "cash_ledger",
    "position_lots",
    "lot_closures",
    "positions",
    "trade_locks",
    "audit_seals",
  ])("%s: not even the database's owner deletes, inserts or truncates by hand", async (table) => {
    const before = await count(db.admin, `public.${table}`);
    for (const sql of [db.sql, db.admin]) {
      for (const statement of [
        `delete from public.${table}`,
        `truncate public.${table} cascade`,
        `insert into public.${table} select * from public.${table}`,
      ]) {
        await expect(sql.unsafe(statement), statement).rejects.toThrow();
      }
    }
    expect(await count(db.admin, `public.${table}`)).toBe(before);
  });
});
