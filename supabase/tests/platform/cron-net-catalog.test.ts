import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase({ migrated: false });
});
afterAll(() => db.drop());

describe("cron", () => {
  it("has pg_cron's columns, in order and with their types", async () => {
    expect(await columns("cron.job")).toEqual(
      "jobid bigint, schedule text, command text, nodename text, nodeport integer, database text, username text, active boolean, jobname text",
    );
    expect(await columns("cron.job_run_details")).toEqual(
      "jobid bigint, runid bigint, job_pid integer, database text, username text, command text, status text, return_message text, start_time timestamp with time zone, end_time timestamp with time zone",
    );
  });

  it("has pg_cron's functions with their argument names and defaults", async () => {
    expect(await signatures("cron")).toEqual([
      "alter_job(job_id bigint, schedule text DEFAULT NULL::text, command text DEFAULT NULL::text, database text DEFAULT NULL::text, username text DEFAULT NULL::text, active boolean DEFAULT NULL::boolean) void",
      "job_cache_invalidate() trigger",
      "schedule(job_name text, schedule text, command text) bigint",
      "schedule(schedule text, command text) bigint",
      "schedule_in_database(job_name text, schedule text, command text, database text, username text DEFAULT NULL::text, active boolean DEFAULT true) bigint",
      "unschedule(job_id bigint) boolean",
      "unschedule(job_name text) boolean",
    ]);
  });

  it("changes the job of the same name and role instead of making a second one", async () => {
    const [first] = await db.sql`select cron.schedule('upsert', '5 seconds', 'select 1') as id`;
    const [second] = await db.sql`select cron.schedule('upsert', '*/2 * * * *', 'select 2') as id`;
    expect(second?.id).toEqual(first?.id);
    expect(await db.sql`select schedule, command, username, active from cron.job where jobname = 'upsert'`).toEqual([
      { schedule: "*/2 * * * *", command: "select 2", username: "postgres", active: true },
    ]);
  });

  it.each([
    "1 second",
    "59 seconds",
    " 30  SECONDS ",
    "* * * * *",
    "*/5 0-6/2 1,15 jan-mar mon",
    "0 12 $ * 7",
    "@hourly",
  ])("accepts the schedule %j", async (schedule) => {
    await db.sql`select cron.schedule('valid', ${schedule}, 'select 1')`;
    expect(await db.sql`select schedule from cron.job where jobname = 'valid'`).toEqual([{ schedule }]);
  });

  it.each([
    "0 seconds",
    "60 seconds",
    "90 seconds",
    "1 minute",
    "* * * *",
    "60 * * * *",
    "5/10 * * * *",
    "* * * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "x",
    "",
    "1,,2 * * * *",
  ])("refuses the schedule %j as pg_cron does", async (schedule) => {
    await expect(db.sql`select cron.schedule('bad', ${schedule}, 'select 1')`).rejects.toMatchObject({
      code: "22023",
      message: `invalid schedule: ${schedule}`,
      hint: "Use cron format (e.g. 5 4 * * *), or interval format '[1-59] seconds'",
    });
  });

  it("raises when a job to unschedule does not exist", async () => {
    await expect(db.sql`select cron.unschedule('nobody')`).rejects.toThrow(
      "could not find valid entry for job 'nobody'",
    );
    await expect(db.sql`select cron.unschedule(987654)`).rejects.toThrow("could not find valid entry for job 987654");
  });

  it("pauses a job with alter_job, and only for its owner", async () => {
    const [row] = await db.sql`select cron.schedule('pause', '5 seconds', 'select 1') as id`;
    await db.sql`select cron.alter_job(${row?.id}, active := false)`;
    expect(await db.sql`select active, schedule from cron.job where jobname = 'pause'`).toEqual([
      { active: false, schedule: "5 seconds" },
    ]);
    await expect(db.admin`select cron.alter_job(${row?.id}, active := true)`).rejects.toThrow("don't own it");
  });

  it("lets postgres call the functions and read the jobs, but not write the table", async () => {
    await expect(
      db.sql`insert into cron.job (schedule, command) values ('* * * * *', 'select 1')`,
    ).rejects.toMatchObject({ code: "42501" });
    await expect(db.sql`update cron.job set active = false where true`).rejects.toMatchObject({ code: "42501" });
    await db.sql`delete from cron.job_run_details where true`;
  });

  it("does not let a session schedule in the name of a role it is not a member of", async () => {
    await expect(
      db.sql`select cron.schedule_in_database('steal', '5 seconds', 'select 1', current_database(), 'supabase_admin')`,
    ).rejects.toMatchObject({ code: "42501" });
  });

  it.each(["anon", "authenticated", "service_role"] as const)("is closed to %s", async (role) => {
    await expect(db.as(role)`select cron.schedule('x', '5 seconds', 'select 1')`).rejects.toMatchObject({
      code: "42501",
    });
  });
});

describe("net", () => {
  it("has pg_net's unlogged tables", async () => {
    expect(await columns("net.http_request_queue")).toEqual(
      "id bigint, method net.http_method, url text, headers jsonb, body bytea, timeout_milliseconds integer",
    );
    expect(await columns("net._http_response")).toEqual(
      "id bigint, status_code integer, content_type text, headers jsonb, content text, timed_out boolean, error_msg text, created timestamp with time zone",
    );
    expect(
      await db.sql`select relname from pg_class where relnamespace = 'net'::regnamespace and relkind = 'r' and relpersistence = 'u' order by 1`,
    ).toEqual([{ relname: "_http_response" }, { relname: "http_request_queue" }]);
  });

  it("has pg_net's functions with a timeout of five seconds", async () => {
    const all = await signatures("net");
    expect(all).toContain(
      `http_post(url text, body jsonb DEFAULT '{}'::jsonb, params jsonb DEFAULT '{}'::jsonb, headers jsonb DEFAULT '{"Content-Type": "application/json"}'::jsonb, timeout_milliseconds integer DEFAULT 5000) bigint`,
    );
    expect(all).toContain(
      "http_get(url text, params jsonb DEFAULT '{}'::jsonb, headers jsonb DEFAULT '{}'::jsonb, timeout_milliseconds integer DEFAULT 5000) bigint",
    );
    expect(all).toContain(
      "http_delete(url text, params jsonb DEFAULT '{}'::jsonb, headers jsonb DEFAULT '{}'::jsonb, timeout_milliseconds integer DEFAULT 5000, body jsonb DEFAULT NULL::jsonb) bigint",
    );
  });

  it("queues nothing when the transaction rolls back", async () => {
    await db.sql
      .begin(async (transaction) => {
        await transaction`select net.http_post('http://127.0.0.1:9/')`;
        throw new Error("roll back");
      })
      .catch(() => {});
    expect(await db.sql`select from net.http_request_queue`).toHaveLength(0);
  });

  it("encodes the parameters into the address and refuses another content type", async () => {
    await db.sql`select net.http_post('http://h/p', params := '{"a b": "ä&="}')`;
    expect(await db.sql`select url from net.http_request_queue`).toEqual([{ url: "http://h/p?a%20b=%C3%A4%26%3D" }]);
    await db.sql`delete from net.http_request_queue where true`;
    await expect(
      db.sql`select net.http_post('http://h/', headers := '{"content-type": "text/plain"}')`,
    ).rejects.toThrow('Content-Type header must be "application/json"');
  });
});

describe("vault", () => {
  it("keeps a secret encrypted and shows it in the view", async () => {
    await db.sql`select vault.create_secret('first value', 'token', 'a test')`;
    const [kept] = await db.sql`select secret, description from vault.secrets where name = 'token'`;
    expect(kept?.description).toBe("a test");
    expect(Buffer.from(String(kept?.secret), "base64").toString("utf8")).not.toContain("first value");
    expect(await db.sql`select decrypted_secret from vault.decrypted_secrets where name = 'token'`).toEqual([
      { decrypted_secret: "first value" },
    ]);
  });

  it("changes only what update_secret is given", async () => {
    await db.sql`select vault.create_secret('old', 'changing', 'stays')`;
    await db.sql`select vault.update_secret((select id from vault.secrets where name = 'changing'), 'new')`;
    expect(
      await db.sql`select decrypted_secret, description from vault.decrypted_secrets where name = 'changing'`,
    ).toEqual([{ decrypted_secret: "new", description: "stays" }]);
  });

  it("refuses a second secret of the same name", async () => {
    await db.sql`select vault.create_secret('one', 'twice')`;
    await expect(db.sql`select vault.create_secret('two', 'twice')`).rejects.toMatchObject({ code: "23505" });
  });

  it("takes secrets through its functions only", async () => {
    await expect(db.sql`insert into vault.secrets (secret) values ('x')`).rejects.toMatchObject({ code: "42501" });
  });

  it.each(["anon", "authenticated"] as const)("is closed to %s", async (role) => {
    await expect(db.as(role)`select decrypted_secret from vault.decrypted_secrets`).rejects.toMatchObject({
      code: "42501",
    });
  });
});

async function columns(table: string): Promise<string> {
  const rows = await db.admin`
    select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) as list
    from pg_attribute where attrelid = ${table}::regclass and attnum > 0 and not attisdropped`;
  return String(rows[0]?.list);
}

async function signatures(schema: string): Promise<string[]> {
  const rows = await db.admin<{ signature: string }[]>`
    select proname || '(' || pg_get_function_arguments(oid) || ') ' || pg_get_function_result(oid) as signature
    from pg_proc where pronamespace = ${schema}::regnamespace order by 1`;
  return rows.map((row) => row.signature);
}
