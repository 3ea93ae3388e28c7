import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../local/postgres/migrate.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

/** What the rules apply to: everything of ours. */
const OURS = "('public'::regnamespace, 'private'::regnamespace, 'paper_exchange'::regnamespace)";
/** Tables of the book and of the switches, whose guards must hold in every session, replication included. */
const GUARDED = [
  "config",
  "crypto_orders",
  "order_events",
  "crypto_fills",
  "cash_ledger",
  "order_intents",
  "audit_seals",
];

/** Each rule with a query for the names of what breaks it. */
const RULES: [rule: string, query: string][] = [
  [
    "every table has row level security",
    `select oid::regclass::text as name from pg_class where relnamespace in ${OURS} and relkind in ('r', 'p') and not relrowsecurity`,
  ],
  [
    "every table has a primary key",
    `select c.oid::regclass::text as name from pg_class as c where c.relnamespace in ${OURS} and c.relkind in ('r', 'p')
       and not exists (select from pg_constraint as k where k.conrelid = c.oid and k.contype = 'p')`,
  ],
  [
    "every table says what it is for",
    `select oid::regclass::text as name from pg_class where relnamespace in ${OURS} and relkind in ('r', 'p', 'v') and obj_description(oid) is null`,
  ],
  [
    "every function has its search path pinned to nothing",
    `select oid::regprocedure::text as name from pg_proc where pronamespace in ${OURS} and not coalesce(proconfig @> array['search_path=""'], false)`,
  ],
  [
    "every function has a comment",
    `select oid::regprocedure::text as name from pg_proc where pronamespace in ${OURS} and coalesce(obj_description(oid), '') = ''`,
  ],
  [
    "no policy is always true",
    `select polname as name from pg_policy where pg_get_expr(polqual, polrelid) in ('true', '(true)') or pg_get_expr(polwithcheck, polrelid) in ('true', '(true)')`,
  ],
  [
    "every policy is a sentence, for select, and names the role it is for",
    `select p.polname as name from pg_policy as p join pg_class as c on c.oid = p.polrelid where c.relnamespace in ${OURS}
       and (p.polname !~ '^(Viewers and operators read|People see their own) ' or p.polcmd <> 'r' or p.polroles <> array['authenticated'::regrole::oid])`,
  ],
  [
    "nothing is executable by anon or everybody",
    `select oid::regprocedure::text as name from pg_proc where pronamespace in ${OURS}
       and (has_function_privilege('anon', oid, 'execute') or proacl is null or exists (select from aclexplode(proacl) as a where a.grantee = 0))`,
  ],
  [
    "no view runs with its owner's rights",
    `select oid::regclass::text as name from pg_class where relnamespace in ${OURS} and relkind in ('v', 'm')
       and not coalesce(reloptions @> array['security_invoker=true'], false)`,
  ],
  [
    "no function of the API runs with its owner's rights",
    "select oid::regprocedure::text as name from pg_proc where pronamespace = 'public'::regnamespace and prosecdef",
  ],
  [
    "a function with its owner's rights belongs to the engine's role, unless it needs net, vault or the paper exchange",
    `select oid::regprocedure::text as name from pg_proc where pronamespace in ${OURS} and prosecdef and proowner <> 'zoe_engine'::regrole
       and prosrc !~ '(net|vault|paper_exchange)\\.' and prosrc !~ 'private\\.(call_tick|try_call)'`,
  ],
  [
    "no rule reads another clock than private.clock()",
    `select oid::regprocedure::text as name from pg_proc where pronamespace in ${OURS}
       and coalesce(pg_get_function_sqlbody(oid), prosrc) ~* '\\m(now|clock_timestamp|statement_timestamp|transaction_timestamp)\\(|current_timestamp|current_date|localtimestamp'
       and proname not in ('clock', 'hold_clock', 'release_clock')`,
  ],
  [
    "no default, index or policy reads a clock other than as a column's default",
    `select indexrelid::regclass::text as name from pg_index where indrelid in (select oid from pg_class where relnamespace in ${OURS}) and pg_get_indexdef(indexrelid) ~ 'clock\\('
       union all select polname from pg_policy where pg_get_expr(polqual, polrelid) ~ 'clock\\('
       union all select a.attname from pg_attribute as a where a.attgenerated <> '' and a.attrelid in (select oid from pg_class where relnamespace in ${OURS})
         and (select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef as d where (d.adrelid, d.adnum) = (a.attrelid, a.attnum)) ~ 'clock\\('`,
  ],
  [
    "every check has a name that says what it demands",
    `select conname as name from pg_constraint where connamespace in ${OURS} and contype = 'c' and conname ~ '_check[0-9]*$'`,
  ],
  [
    "every foreign key can be followed by an index",
    `select k.conrelid::regclass::text || '.' || k.conname as name from pg_constraint as k where k.connamespace in ${OURS} and k.contype = 'f' and k.confrelid <> 'public.instruments'::regclass
       and not exists (select from pg_index as i where i.indrelid = k.conrelid and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)`,
  ],
];

/** One breach of every rule, undone after it was looked for. */
const BREACHES = `
  create table public.bare (n integer check (n > 0), order_id uuid references public.crypto_orders (id));
  create index bare_clock on public.bare ((position('clock(' in n::text)));
  create view public.leak as select key from public.config;
  create function public.careless() returns timestamptz language sql security definer as 'select now()';
  alter table public.quotes enable row level security;
  create policy "all" on public.quotes for all using (true);
`;

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

/** Objects that break a rule: the query returns their names. */
const offenders = async (query: string) => (await db.admin.unsafe<{ name: string }[]>(query)).map(({ name }) => name);

describe("house rules", () => {
  it.each(RULES)("%s", async (_rule, query) => {
    expect(await offenders(query)).toEqual([]);
  });

  it.each(RULES)("%s: and a breach would be seen", async (_rule, query) => {
    const breach = await db.admin.begin(async (sql) => {
      await sql.unsafe(BREACHES);
      const rows = await sql.unsafe<{ name: string }[]>(query);
      await sql.unsafe("rollback and chain");
      return rows.map(({ name }) => name);
    });
    expect(breach.length).toBeGreaterThan(0);
  });

  it.each(GUARDED)("the triggers that guard %s fire in every session, and on truncate", async (table) => {
    const triggers = await db.admin<{ name: string; enabled: string; truncate: boolean }[]>`
      select tgname as name, tgenabled as enabled, (tgtype::integer & 32) <> 0 as truncate from pg_trigger
      where tgrelid = ${`public.${table}`}::regclass and not tgisinternal`;
    expect(triggers.some(({ truncate }) => truncate)).toBe(true);
    expect(triggers.filter(({ enabled, name }) => enabled !== "A" && !name.endsWith("_tell"))).toEqual([]);
  });

  it("the CLI's advisors have nothing to warn of", async () => {
    const { code, output } = await runCli([
      "db",
      "advisors",
      "--level",
      "warn",
      "--fail-on",
      "warn",
      `--remote=${db.url()}`,
    ]);
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
  });

  it("the CLI's advisors would say so", async () => {
    await db.sql`create function public.careless() returns integer language sql as 'select 1'`;
    const { code, output } = await runCli([
      "db",
      "advisors",
      "--level",
      "warn",
      "--fail-on",
      "warn",
      `--remote=${db.url()}`,
    ]);
    expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining("public.careless") });
    await db.sql`drop function public.careless()`;
  });
});
