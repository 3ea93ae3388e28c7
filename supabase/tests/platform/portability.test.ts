import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pushMigrations } from "../../local/postgres/migrate.ts";
import { readCatalog } from "../support/catalog.ts";
import { type HostedCluster, startHostedCluster } from "./portability-cluster.ts";

const MIGRATIONS = new URL("../../migrations/", import.meta.url);
const ROLLBACK = readFileSync(new URL("../../rollback.sql", import.meta.url), "utf8");
const THEIRS = readFileSync(new URL("./portability-theirs.sql", import.meta.url), "utf8");

let folder: string;
let cluster: HostedCluster;
const clients: postgres.Sql[] = [];

/** A new hosted project, with a client for its owner and one for Supabase itself. */
async function project(name: string) {
  await cluster.createProject(name);
  const options = { max: 1, onnotice: () => {} };
  const owner = postgres(cluster.url("postgres", name), options);
  const admin = postgres(cluster.url("supabase_admin", name), options);
  clients.push(owner, admin);
  return {
    owner,
    admin,
    push: () => pushMigrations(cluster.url("postgres", name)),
    rollBack: () => owner.unsafe(ROLLBACK).simple(),
    // cron's table is there only where the extension is
    catalog: async () => {
      const [cron] = await admin`select to_regclass('cron.job') is not null as exists`;
      return readCatalog(admin, cron?.exists ? [] : ["cron job"]);
    },
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "zoe-portability-"));
  chmodSync(folder, 0o755);
  cluster = await startHostedCluster(folder);
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("the migrations on a hosted project whose extensions are only available, not enabled", () => {
  let hosted: Awaited<ReturnType<typeof project>>;
  let before: string[];
  beforeAll(async () => {
    hosted = await project("fresh");
    before = await hosted.catalog();
  });

  it("apply by the CLI, enable what they need, and do nothing the second time", async () => {
    expect((await hosted.push()).applied).toEqual(readdirSync(MIGRATIONS).sort());
    const enabled =
      await hosted.owner`select extname from pg_extension where extname ~ '^(pg_cron|pg_net|supabase_vault)$' order by 1`;
    expect(enabled.map(({ extname }) => extname)).toEqual(["pg_cron", "pg_net", "supabase_vault"]);
    const after = await hosted.catalog();
    expect((await hosted.push()).applied).toEqual([]);
    expect(await hosted.catalog()).toEqual(after);
  });

  it("leave the API's roles nothing but what is granted by name, though the project grants everything by default", async () => {
    const open = await hosted.owner`
      select c.oid::regclass::text as name from pg_class as c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'S')
        and (has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
          or has_table_privilege('authenticated', c.oid, 'insert, update, delete, truncate')
          or has_table_privilege('service_role', c.oid, 'select, insert, update, delete, truncate'))`;
    expect(open).toEqual([]);
    const callable = await hosted.owner`
      select oid::regprocedure::text from pg_proc
      where pronamespace in ('public'::regnamespace, 'private'::regnamespace) and has_function_privilege('anon', oid, 'execute')`;
    expect(callable).toEqual([]);
  });

  it("make a schedule that calls the functions with the token from Vault", async () => {
    const { owner } = hosted;
    await owner`select vault.create_secret('https://project.example', 'project_url'), vault.create_secret('token token token', 'cron_token')`;
    const jobs = await owner<
      { command: string }[]
    >`select command from cron.job where jobname like 'zoe-%' order by jobname`;
    expect(jobs.length).toBeGreaterThan(5);
    for (const { command } of jobs) await owner.unsafe(command);
    const calls = await owner`
      select method, url, headers ->> 'x-cron-token' as token from net.http_request_queue order by id limit 1`;
    expect(calls).toEqual([
      {
        method: "POST",
        url: expect.stringContaining("https://project.example/functions/v1/"),
        token: "token token token",
      },
    ]);
    const errors = await owner`select kind, title from alerts where kind in ('missing_secret', 'invariant', 'audit')`;
    expect(errors).toEqual([]);
    await owner`delete from vault.secrets where true`;
  });

  it("can be taken out again without a trace, and applied once more", async () => {
    await hosted.rollBack();
    expect(await hosted.catalog()).toEqual(before);
    await hosted.push();
    await hosted.rollBack();
    expect(await hosted.catalog()).toEqual(before);
  });
});

describe("the migrations on a project in which somebody else lives already", () => {
  it("leave everything of theirs as it was, and so does the rollback", async () => {
    const shared = await project("shared");
    await shared.owner.unsafe(THEIRS).simple();
    const before = await shared.catalog();
    const contents = () => shared.owner`
      select (select jsonb_agg(g) from public.guestbook as g) as guestbook, public.greet('you') as greeting,
        (select jsonb_agg(to_jsonb(j) order by jobid) from cron.job as j where jobname = 'nightly') as jobs,
        (select count(*)::int from vault.secrets) as secrets`;
    const kept = await contents();
    await shared.push();
    const after = new Set(await shared.catalog());
    const changed = before.filter((line) => !after.has(line));
    // what is made in public from now on is closed to the API's roles, and the engine may use the schema
    const ours = /^(default privilege: postgres in (public|-) on |schema: public owner )/;
    expect(changed.filter((line) => !ours.test(line))).toEqual([]);
    expect(await contents()).toEqual(kept);
    await shared.rollBack();
    expect(await shared.catalog()).toEqual(before);
    expect(await contents()).toEqual(kept);
  });

  it("stop at a table of the same name, say which, and the rollback leaves that table alone", async () => {
    const taken = await project("taken");
    await taken.owner`create table public.config (theirs text)`;
    await taken.owner`create function public.trading_state(mode text) returns text language sql return 'theirs'`;
    await taken.owner`insert into public.config values ('precious')`;
    const before = await taken.catalog();
    await expect(taken.push()).rejects.toThrow(
      /Migration supabase\/migrations\/\d+_config\.sql failed: .*"config" already exists/s,
    );
    await taken.rollBack();
    expect(await taken.owner`select * from public.config`).toEqual([{ theirs: "precious" }]);
    expect(await taken.catalog()).toEqual(before);
  });

  it("stop at a schema of the same name, which the rollback leaves alone too", async () => {
    const taken = await project("schema_taken");
    await taken.owner`create schema private`;
    await taken.owner`create table private.notes (theirs text)`;
    const before = await taken.catalog();
    await expect(taken.push()).rejects.toThrow(/schema "private" already exists/);
    await taken.rollBack();
    expect(await taken.catalog()).toEqual(before);
  });

  it("are not missed: the rollback takes nothing from a project that never had Zoe", async () => {
    const stranger = await project("stranger");
    await stranger.owner`create table public.config (theirs text)`;
    await stranger.owner`create table public.positions (theirs text)`;
    const before = await stranger.catalog();
    await stranger.rollBack();
    expect(await stranger.catalog()).toEqual(before);
  });
});

describe("the migrations' text", () => {
  it("uses nothing that only the embedded platform has", () => {
    for (const file of readdirSync(MIGRATIONS)) {
      const text = readFileSync(new URL(file, MIGRATIONS), "utf8");
      expect(text, file).not.toMatch(/(?<!-)\bembedded\.\w|zoe_gateway|set role supabase_admin/);
    }
    expect(ROLLBACK).not.toMatch(/(?<!-)\bembedded\.\w|zoe_gateway/);
  });
});
