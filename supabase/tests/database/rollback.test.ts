import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootstrapDatabase } from "../../local/postgres/bootstrap.ts";
import { type Cluster, startCluster } from "../../local/postgres/cluster.ts";
import { pushMigrations } from "../../local/postgres/migrate.ts";
import { freePort } from "../../local/process/free-port.ts";
import { readCatalog } from "../support/catalog.ts";

const ROLLBACK = readFileSync(new URL("../../rollback.sql", import.meta.url), "utf8");

/** A cluster of its own: a role belongs to the whole cluster and could not go while another database uses it. */
describe("supabase/rollback.sql", () => {
  const folder = mkdtempSync(join(tmpdir(), "zoe-rollback-"));
  const project = "project";
  let cluster: Cluster;
  let admin: postgres.Sql;
  let owner: postgres.Sql;
  const rollBack = () => owner.unsafe(ROLLBACK).simple();

  beforeAll(async () => {
    cluster = await startCluster({ dataDir: join(folder, "postgres"), port: await freePort(), durable: false });
    await bootstrapDatabase(cluster, project);
    const options = { max: 1, onnotice: () => {} };
    admin = postgres(cluster.url("supabase_admin", project), options);
    owner = postgres(cluster.url("postgres", project), options);
  });
  afterAll(async () => {
    await Promise.all([admin?.end(), owner?.end()]);
    await cluster?.stop();
    for (const path of [cluster?.dataDir, folder]) if (path) rmSync(path, { recursive: true, force: true });
  });

  it("leaves the catalog as it was before the push, twice over", async () => {
    const before = await readCatalog(admin);
    await pushMigrations(cluster.url("postgres", project));
    expect(await readCatalog(admin)).not.toEqual(before);
    await rollBack();
    expect(await readCatalog(admin)).toEqual(before);
    await rollBack();
    expect(await readCatalog(admin)).toEqual(before);
  });

  it("lets the migrations be pushed again, to the same catalog", async () => {
    await pushMigrations(cluster.url("postgres", project));
    const first = await readCatalog(admin);
    await rollBack();
    await pushMigrations(cluster.url("postgres", project));
    expect(await readCatalog(admin)).toEqual(first);
  });

  it("leaves other people's tables, jobs, history and grants alone", async () => {
    await owner`create table public.guestbook (id integer primary key)`;
    await owner`grant select on public.guestbook to anon`;
    await owner`create function public.greet() returns text language sql return 'hello'`;
    await owner`select cron.schedule('nightly', '0 1 * * *', 'select 1')`;
    await owner`insert into supabase_migrations.schema_migrations (version) values ('20250101000000')`;
    await rollBack();
    const [left] = await owner`
      select has_table_privilege('anon', 'public.guestbook', 'select') as granted, public.greet() as greeting,
        array(select jobname from cron.job) as jobs, array(select version from supabase_migrations.schema_migrations) as versions`;
    expect(left).toEqual({ granted: true, greeting: "hello", jobs: ["nightly"], versions: ["20250101000000"] });
  });

  it("works in a database that has never seen Zoe", async () => {
    await bootstrapDatabase(cluster, "stranger");
    const stranger = postgres(cluster.url("postgres", "stranger"), { max: 1, onnotice: () => {} });
    const strangerAdmin = postgres(cluster.url("supabase_admin", "stranger"), { max: 1 });
    const before = await readCatalog(strangerAdmin);
    await stranger.unsafe(ROLLBACK).simple();
    expect(await readCatalog(strangerAdmin)).toEqual(before);
    await Promise.all([stranger.end(), strangerAdmin.end()]);
  });
});
