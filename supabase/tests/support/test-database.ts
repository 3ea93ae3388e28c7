import { randomUUID } from "node:crypto";
import postgres from "postgres";
import { PASSWORD } from "../../local/postgres/cluster.ts";
import { BARE_TEMPLATE, type ClusterAddress, TEMPLATE } from "./test-cluster.ts";

type Sql = postgres.Sql;
/** The roles that the REST API acts as. */
export type ApiRole = "anon" | "authenticated" | "service_role";
/** What a session token says; `sub` is the user's id. */
export type Claims = Record<string, unknown> & { sub?: string };

/** A database of its own, gone with `drop()`. Roles belong to the cluster and are shared by all of them. */
export interface TestDatabase {
  name: string;
  /** The address for a login role; `postgres` unless another is named. */
  url(role?: string): string;
  /** Role `postgres`: the migrator and SQL editor, not a superuser. */
  sql: Sql;
  /** Role `supabase_admin`, the superuser. */
  admin: Sql;
  /** A client whose sessions act as the REST API would for these claims: `role`, `request.jwt.claims` and their parts. */
  as(role: ApiRole, claims?: Claims, options?: postgres.Options<Record<string, postgres.PostgresType>>): Sql;
  /** Signs up a person with a row in `operators` and returns a client acting as that person. */
  person(role: "viewer" | "operator", email?: string): Promise<{ id: string; email: string; sql: Sql }>;
  /** Another client of a login role, for tests that need many connections. */
  connect(role?: string, options?: postgres.Options<Record<string, postgres.PostgresType>>): Sql;
  /** Sets the replay clock; it stands still unless a speed is given. */
  setClock(at: string | Date, speed?: number): Promise<void>;
  /** Moves the replay clock on, and returns what it shows then. */
  advanceClock(seconds: number): Promise<Date>;
  drop(): Promise<void>;
}

/** Makes a database from the migrated template, or from the bare one that no migration has touched. */
export async function createTestDatabase({ port }: ClusterAddress, migrated = true): Promise<TestDatabase> {
  const name = `zoe_${randomUUID().replaceAll("-", "")}`;
  const url = (role = "postgres", database = name) => `postgresql://${role}:${PASSWORD}@127.0.0.1:${port}/${database}`;
  await maintain(
    url("supabase_admin", "postgres"),
    `create database ${name} template ${migrated ? TEMPLATE : BARE_TEMPLATE} owner postgres`,
  );
  const clients: Sql[] = [];
  const connect: TestDatabase["connect"] = (role = "postgres", options = {}) => {
    const client = postgres(url(role), { max: 4, idle_timeout: 20, onnotice: () => {}, ...options });
    clients.push(client);
    return client;
  };
  const as: TestDatabase["as"] = (role, claims = {}, options = {}) =>
    connect("authenticator", { ...options, connection: { ...options.connection, ...sessionSettings(role, claims) } });
  const admin = connect("supabase_admin");
  return {
    name,
    url: (role) => url(role),
    sql: connect(),
    admin,
    as,
    connect,
    person: (role, email = `${role}-${randomUUID().slice(0, 8)}@example.test`) => signUp(admin, as, role, email),
    ...clockControls(admin),
    drop: async () => {
      await Promise.all(clients.map((client) => client.end({ timeout: 1 })));
      await maintain(url("supabase_admin", "postgres"), `drop database ${name} with (force)`);
    },
  };
}

function sessionSettings(role: ApiRole, claims: Claims): Record<string, string> {
  return {
    role,
    "request.jwt.claims": JSON.stringify({ role, ...claims }),
    "request.jwt.claim.sub": claims.sub ?? "",
    "request.jwt.claim.role": role,
  };
}

async function signUp(admin: Sql, as: TestDatabase["as"], role: "viewer" | "operator", email: string) {
  const id = randomUUID();
  await admin`insert into auth.users (id, email, email_confirmed_at) values (${id}, ${email}, now())`;
  await admin`insert into public.operators (user_id, role, email) values (${id}, ${role}, ${email})`;
  return { id, email, sql: as("authenticated", { sub: id, email }) };
}

function clockControls(admin: Sql): Pick<TestDatabase, "setClock" | "advanceClock"> {
  return {
    setClock: async (at, speed = 0) => {
      await admin`
        insert into private.replay_clock (anchor_clock, anchor_real, speed)
        values (${at}::timestamptz, clock_timestamp(), ${speed})
        on conflict (one) do update
        set anchor_clock = excluded.anchor_clock, anchor_real = excluded.anchor_real, speed = excluded.speed`;
    },
    advanceClock: async (seconds) => {
      const [row] = await admin<{ clock: Date }[]>`
        update private.replay_clock
        set anchor_clock = private.clock() + make_interval(secs => ${seconds}), anchor_real = clock_timestamp()
        returning anchor_clock as clock`;
      if (!row) throw new Error("advanceClock needs a clock: call setClock first");
      return row.clock;
    },
  };
}

async function maintain(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
