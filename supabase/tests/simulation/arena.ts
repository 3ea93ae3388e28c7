import type postgres from "postgres";
import type { ClusterAddress } from "../support/test-cluster.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

/** A migrated database in which one seed after another is played; cloning and warming up one for each would cost more than the play. */
export interface Arena {
  readonly db: TestDatabase;
  /** The superuser, to look and to set up. */
  readonly admin: postgres.Sql;
  /** A client that acts as the functions do. */
  readonly engine: postgres.Sql;
  /** Puts every row and every sequence back to where the migrations left them; new ids follow from the seed. */
  reset(seed: number): Promise<void>;
  close(): Promise<void>;
}

const SCHEMAS = ["public", "private", "paper_exchange", "net"];
/** Planning the same statements anew for tables of a few rows would cost more than running them. */
const GENERIC_PLANS = { plan_cache_mode: "force_generic_plan" };
const VACUUM_EVERY = 15;
const IDS_PER_SEED = 100_000;

/**
 * Makes an arena. Nothing of what is tested is changed: only ids are drawn from the seed instead of from chance, and the
 * clock, which stands still between two steps, is read without the sums that a running replay needs.
 */
export async function openArena(address: ClusterAddress): Promise<Arena> {
  const db = await createTestDatabase(address);
  const admin = db.connect("supabase_admin", { max: 1, connection: GENERIC_PLANS });
  await admin.unsafe(PREPARATION);
  await makeIdsRepeatable(admin);
  await letReplicasSkipTriggers(admin);
  const restore = `${await restoreRows(admin)}; ${await restoreSequences(admin)}`;
  let resets = 0;
  return {
    db,
    admin,
    engine: db.as("service_role", {}, { max: 1, connection: GENERIC_PLANS }),
    reset: async (seed) => {
      resets += 1;
      await admin.unsafe(
        `begin; set local session_replication_role = replica; ${restore};
         select setval('simulation.ids', ${seed * IDS_PER_SEED + 1}, false); commit`,
      );
      if (resets % VACUUM_EVERY === 0) await admin.unsafe("vacuum (analyze false)");
    },
    close: () => db.drop(),
  };
}

const PREPARATION = `
  create schema simulation;
  create sequence simulation.ids minvalue 0;
  create function simulation.next_id() returns uuid language plpgsql volatile security definer set search_path = ''
  as $$ begin return pg_catalog.md5(pg_catalog.nextval('simulation.ids')::text)::uuid; end $$;
  grant usage on schema simulation to public;
  create or replace function private.clock() returns timestamptz language plpgsql stable security definer set search_path = ''
  as $$ begin return coalesce((select c.anchor_clock from private.replay_clock as c), pg_catalog.clock_timestamp()); end $$`;

/** Rows are put in order by id here and there: a random one would make every run of a seed another. */
async function makeIdsRepeatable(admin: postgres.Sql): Promise<void> {
  const columns = await admin<{ place: string }[]>`
    select format('alter table %s alter column %I set default simulation.next_id()', d.adrelid::regclass, a.attname) as place
    from pg_attrdef as d join pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum
    where pg_get_expr(d.adbin, d.adrelid) like '%gen_random_uuid()%'`;
  await admin.unsafe(columns.map(({ place }) => place).join("; "));
}

/** In an ordinary session `enable always` and `enable` are the same; only the reset between two seeds is to get by. */
async function letReplicasSkipTriggers(admin: postgres.Sql): Promise<void> {
  const triggers = await admin<{ change: string }[]>`
    select format('alter table %s enable trigger %I', tgrelid::regclass, tgname) as change
    from pg_trigger where tgenabled = 'A' and not tgisinternal and tgparentid = 0`;
  await admin.unsafe(triggers.map(({ change }) => change).join("; "));
}

async function restoreRows(admin: postgres.Sql): Promise<string> {
  const tables = await admin<{ name: string; columns: string }[]>`
    select c.oid::regclass::text as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid
    where c.relkind = 'r' and c.relnamespace::regnamespace::text in ${admin(SCHEMAS)}
      and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    group by c.oid order by 1`;
  const statements: string[] = [];
  for (const [index, { name, columns }] of tables.entries()) {
    statements.push(`delete from ${name}`);
    const [filled] = await admin.unsafe(`select from ${name} limit 1`);
    if (!filled) continue;
    await admin.unsafe(`create table simulation.rows_${index} as select ${columns} from ${name}`);
    statements.push(
      `insert into ${name} (${columns}) overriding system value select ${columns} from simulation.rows_${index}`,
    );
  }
  return statements.join("; ");
}

async function restoreSequences(admin: postgres.Sql): Promise<string> {
  const sequences = await admin<{ statement: string }[]>`
    select format('select setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
      coalesce(last_value, start_value), last_value is not null) as statement
    from pg_sequences where schemaname in ${admin(SCHEMAS)} order by 1`;
  return sequences.map(({ statement }) => statement).join("; ");
}
