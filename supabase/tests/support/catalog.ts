import type postgres from "postgres";

/** One query a kind of object; each line names the object with everything a rollback must put back: owner, grants, definition. */
const KINDS: Readonly<Record<string, string>> = {
  schema:
    "select format('%s owner %s acl %s', nspname, nspowner::regrole, nspacl) as line from pg_namespace where nspname !~ '^pg_(toast|temp)'",
  relation: `select format('%s %s owner %s acl %s rls %s options %s', c.relkind, c.oid::regclass, c.relowner::regrole, c.relacl, c.relrowsecurity, c.reloptions) as line
    from pg_class as c where c.relnamespace::regnamespace::text !~ '^pg_(toast|temp)'`,
  column: `select format('%s.%s %s default %s not null %s acl %s', a.attrelid::regclass, a.attname, a.atttypid::regtype, pg_get_expr(d.adbin, d.adrelid), a.attnotnull, a.attacl) as line
    from pg_attribute as a join pg_class as c on c.oid = a.attrelid left join pg_attrdef as d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    where a.attnum > 0 and not a.attisdropped and c.relnamespace::regnamespace::text !~ '^pg_(toast|temp|catalog)'`,
  constraint:
    "select format('%s on %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid)) as line from pg_constraint",
  routine: `select format('%s owner %s acl %s md5 %s', oid::regprocedure, proowner::regrole, proacl, md5(coalesce(prosrc, '') || coalesce(probin, ''))) as line from pg_proc`,
  trigger: "select pg_get_triggerdef(oid) as line from pg_trigger where not tgisinternal",
  type: "select format('%s owner %s', oid::regtype, typowner::regrole) as line from pg_type where typnamespace::regnamespace::text !~ '^pg_(toast|temp)'",
  policy: "select format('%s on %s', polname, polrelid::regclass) as line from pg_policy",
  publication:
    "select format('%s owner %s all %s', pubname, pubowner::regrole, puballtables) as line from pg_publication",
  "published table": "select format('%s: %s.%s', pubname, schemaname, tablename) as line from pg_publication_tables",
  "default privilege":
    "select format('%s in %s on %s: %s', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, (select string_agg(a::text, ',' order by a::text) from unnest(defaclacl) as a)) as line from pg_default_acl",
  extension: "select format('%s in %s', extname, extnamespace::regnamespace) as line from pg_extension",
  role: "select format('%s %s', rolname, (rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolconfig)) as line from pg_roles",
  membership: "select format('%s in %s', member::regrole, roleid::regrole) as line from pg_auth_members",
  comment: "select format('%s %s: %s', classoid::regclass, objsubid, md5(description)) as line from pg_description",
  "cron job": "select format('%s %s %s', jobname, schedule, command) as line from cron.job",
};

/**
 * Everything a database's catalog holds but the kinds left out, as sorted lines `kind: object`, so that two of them can be
 * compared. Needs a superuser.
 */
export async function readCatalog(sql: postgres.Sql, without: string[] = []): Promise<string[]> {
  const kinds = Object.entries(KINDS).filter(([kind]) => !without.includes(kind));
  const lines = await Promise.all(
    kinds.map(async ([kind, query]) =>
      (await sql.unsafe<{ line: string }[]>(query)).map(({ line }) => `${kind}: ${line}`),
    ),
  );
  return lines.flat().sort();
}
