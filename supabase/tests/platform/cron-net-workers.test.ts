import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startCronAndNet } from "../../local/cron-net/cron-and-net.ts";
import { freePort } from "../../local/process/free-port.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let db: TestDatabase;
let workers: { stop(): Promise<void> };
let server: Server;
let address: string;
let respond: (request: IncomingMessage, response: ServerResponse, body: string) => void;
const received: { url: string; method: string; body: string; headers: IncomingMessage["headers"] }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      received.push({ url: request.url ?? "", method: request.method ?? "", body, headers: request.headers });
      respond(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(async () => {
  received.length = 0;
  respond = (_request, response) => response.end("fine");
  db = await testDatabase();
  await db.admin`delete from cron.job`;
  workers = await startCronAndNet({ databaseUrl: db.url("supabase_admin"), log: () => {} });
});
afterEach(async () => {
  await workers.stop();
  await db.drop();
});

describe("the net worker", () => {
  it("sends a committed request once and records the answer in pg_net's columns", async () => {
    respond = (_request, response) =>
      response.writeHead(202, { "content-type": "application/json" }).end('{"ok":true}');
    const [row] =
      await db.sql`select net.http_post(${`${address}/tick`}, '{"a": 1}', '{"q": "1"}', '{"x-cron-token": "t"}') as id`;
    const [answer] = await responses(1);
    expect(answer).toMatchObject({
      id: row?.id,
      status_code: 202,
      content: '{"ok":true}',
      timed_out: false,
      error_msg: null,
    });
    expect(answer?.content_type).toBe("application/json");
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({ url: "/tick?q=1", method: "POST", body: '{"a": 1}' });
    expect(received[0]?.headers).toMatchObject({ "x-cron-token": "t", "content-type": "application/json" });
  });

  it("sends nothing before the commit", async () => {
    await db.sql.begin(async (transaction) => {
      await transaction`select net.http_post(${`${address}/early`})`;
      await sleep(400);
      expect(received).toHaveLength(0);
    });
    await responses(1);
    expect(received).toHaveLength(1);
  });

  it("sends nothing after a rollback", async () => {
    await db.sql
      .begin(async (transaction) => {
        await transaction`select net.http_post(${`${address}/never`})`;
        throw new Error("roll back");
      })
      .catch(() => {});
    await db.sql`select net.http_get(${`${address}/later`})`;
    await responses(1);
    expect(received.map((request) => request.url)).toEqual(["/later"]);
  });

  it("does not retry: an error is a recorded answer", async () => {
    await db.sql`select net.http_post(${`http://127.0.0.1:${await freePort()}/closed`})`;
    respond = (_request, response) => response.writeHead(500).end("broken");
    await db.sql`select net.http_post(${`${address}/broken`})`;
    const answers = await responses(2);
    expect(answers.map((answer) => [answer.status_code, answer.error_msg])).toEqual([
      [null, "Couldn't connect to server"],
      [500, null],
    ]);
    await sleep(300);
    expect(received).toHaveLength(1);
    expect(await db.sql`select from net.http_request_queue`).toHaveLength(0);
  });

  it("gives up at the timeout and holds the whole batch until then", async () => {
    respond = (request, response) => {
      if (request.url === "/quick") response.end("quick");
    };
    await db.sql.begin(async (transaction) => {
      await transaction`select net.http_post(${`${address}/slow`}, timeout_milliseconds := 1000)`;
      await transaction`select net.http_post(${`${address}/quick`})`;
    });
    await until(() => received.length === 2);
    expect(await db.sql`select from net._http_response`).toHaveLength(0);
    const [slow, quick] = await responses(2);
    expect(slow).toMatchObject({ timed_out: true, status_code: null });
    expect(slow?.error_msg).toContain("Timeout of 1000 ms reached");
    expect(quick).toMatchObject({ timed_out: false, content: "quick" });
  });

  it("takes at most 200 requests at once and begins the next batch only when the first is recorded", async () => {
    const held: ServerResponse[] = [];
    respond = (_request, response) => void held.push(response);
    await db.sql`select net.http_get(${`${address}/n`}) from generate_series(1, 230)`;
    await until(() => held.length === 200);
    await sleep(300);
    expect(held).toHaveLength(200);
    respond = (_request, response) => response.end();
    for (const response of held) response.end();
    await responses(230);
  });

  it("deletes answers older than six hours while it works", async () => {
    await db.admin`insert into net._http_response (id, created) values (1001, now() - interval '7 hours'), (1002, now() - interval '5 hours')`;
    await db.sql`select net.http_get(${address})`;
    await until(async () => (await db.sql`select from net._http_response where id = 1001`).length === 0);
    expect(await db.sql`select from net._http_response where id = 1002`).toHaveLength(1);
  });

  it("sends a batch again when it was cut off in the middle, and says that it is up", async () => {
    await db.sql`select net.wait_until_running()`;
    respond = () => {};
    await db.sql`select net.http_get(${`${address}/cut`})`;
    await until(() => received.length === 1);
    respond = (_request, response) => response.end();
    await db.admin`select net.worker_restart()`;
    await responses(1);
    expect(received.map((request) => request.url)).toEqual(["/cut", "/cut"]);
  });
});

describe("the cron launcher", () => {
  beforeEach(async () => {
    await db.sql`create table public.runs (n integer generated always as identity, at timestamptz, who text, who_began text)`;
    await db.setClock("2026-03-01T12:00:00Z");
  });

  it("runs a job of every five seconds at the pace of the platform's clock, and not while it stands", async () => {
    await schedule("5 seconds");
    await jobsAreSeen();
    expect(await runs()).toHaveLength(0);
    for (let n = 1; n <= 3; n += 1) {
      await db.advanceClock(5);
      await until(async () => (await runs()).length === n);
    }
    await sleep(300);
    expect((await runs()).map((run) => run.at.toISOString())).toEqual([
      "2026-03-01T12:00:05.000Z",
      "2026-03-01T12:00:10.000Z",
      "2026-03-01T12:00:15.000Z",
    ]);
  });

  it("keeps the cadence when the clock runs sixty times as fast", async () => {
    await schedule("5 seconds");
    await jobsAreSeen();
    const began = performance.now();
    await db.setClock("2026-03-01T12:00:00Z", 60);
    await until(async () => (await runs()).length >= 12);
    const times = (await runs()).map((run) => run.at.getTime());
    const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(span).toBeGreaterThanOrEqual((times.length - 2) * 5_000); // never closer than the interval, a late start aside
    expect(performance.now() - began).toBeLessThan(span); // and faster than real time
  });

  it("does not make up for missed runs", async () => {
    await schedule("5 seconds");
    await jobsAreSeen();
    await db.advanceClock(3600);
    await until(async () => (await runs()).length > 0);
    await sleep(300);
    expect(await runs()).toHaveLength(1);
  });

  it("runs a job with five fields when its minute begins", async () => {
    await schedule("5 12 * * *");
    await jobsAreSeen();
    await db.advanceClock(4 * 60);
    await sleep(300);
    expect(await runs()).toHaveLength(0);
    await db.advanceClock(60);
    await until(async () => (await runs()).length === 1);
  });

  it("runs the jobs of a cloned database in the clone", async () => {
    expect(await db.sql`select from cron.job where database <> current_database()`).toHaveLength(0);
    await db.admin`update embedded.home set database = 'elsewhere'`;
    await workers.stop();
    await db.admin`insert into cron.job (schedule, command, database, username)
      values ('5 seconds', 'insert into public.runs (who) values (current_user)', 'elsewhere', 'postgres')`;
    workers = await startCronAndNet({ databaseUrl: db.url("supabase_admin"), log: () => {} });
    await tick();
    expect(await db.sql`select database from cron.job`).toEqual([{ database: db.name }]);
  });

  it("runs as the user who scheduled, in a session of its own", async () => {
    await schedule("5 seconds");
    await tick();
    expect((await runs())[0]).toMatchObject({ who: "postgres", who_began: "postgres" });
  });

  it("records what became of a run", async () => {
    await schedule("5 seconds");
    await db.sql`select cron.schedule('broken', '5 seconds', 'select 1 / 0')`;
    await db.sql`select cron.schedule('reads', '5 seconds', 'select generate_series(1, 3)')`;
    await tick();
    const details = () => db.sql`
      select j.jobname, d.status, d.return_message, d.username, d.end_time >= d.start_time as ended, d.job_pid > 0 as has_pid
      from cron.job_run_details as d join cron.job as j using (jobid) where d.end_time is not null order by jobname`;
    await until(async () => (await details()).length === 3);
    expect(await details()).toEqual([
      {
        jobname: "broken",
        status: "failed",
        return_message: "ERROR:  division by zero",
        username: "postgres",
        ended: true,
        has_pid: true,
      },
      {
        jobname: "insert",
        status: "succeeded",
        return_message: "INSERT 0 1",
        username: "postgres",
        ended: true,
        has_pid: true,
      },
      {
        jobname: "reads",
        status: "succeeded",
        return_message: "3 rows",
        username: "postgres",
        ended: true,
        has_pid: true,
      },
    ]);
  });

  it("has one run at work and at most one waiting", async () => {
    await db.sql`create table public.gate (open boolean)`;
    await db.sql`select cron.schedule('slow', '1 second', $$
      insert into public.runs (at) values (private.clock()); commit;
      do $x$ begin while not exists (select from public.gate) loop perform pg_sleep(0.02); end loop; end $x$ $$)`;
    await jobsAreSeen();
    await db.advanceClock(1);
    await until(async () => (await runs()).length === 1);
    for (let n = 0; n < 5; n += 1) {
      await db.advanceClock(1);
      await sleep(120);
    }
    expect(await runs()).toHaveLength(1);
    await db.sql`insert into public.gate values (true)`;
    await until(async () => (await runs()).length === 2);
    await sleep(300);
    expect(await runs()).toHaveLength(2);
  });

  it("stops a job that is unscheduled or paused", async () => {
    await schedule("5 seconds");
    await tick();
    await db.sql`select cron.alter_job((select jobid from cron.job where jobname = 'insert'), active := false)`;
    await db.advanceClock(60);
    await sleep(300);
    await db.sql`select cron.unschedule('insert')`;
    await db.advanceClock(60);
    await sleep(300);
    expect(await runs()).toHaveLength(1);
  });

  it("goes on after its connection was ended", async () => {
    await schedule("5 seconds");
    await tick();
    await db.admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'pg_%'`;
    await until(async () => {
      await db.advanceClock(5);
      return (await runs()).length > 1;
    });
  });

  it("wakes a function through net", async () => {
    await db.sql`select cron.schedule('wake', '5 seconds', ${`select net.http_post('${address}/woken')`})`;
    await jobsAreSeen();
    await db.advanceClock(5);
    await until(() => received.length === 1);
  });

  it("leaves no connection behind when it stops, not even a run at work", async () => {
    await db.sql`select cron.schedule('endless', '5 seconds', 'select pg_sleep(600)')`;
    await jobsAreSeen();
    await db.advanceClock(5);
    const connections = () => db.admin`
      select application_name, state from pg_stat_activity where datname = current_database() and application_name like 'pg_%'`;
    await until(async () =>
      (await connections()).some((row) => row.application_name === "pg_cron" && row.state === "active"),
    );
    await workers.stop();
    await until(async () => (await connections()).length === 0);
  });

  async function schedule(every: string): Promise<void> {
    await db.sql`select cron.schedule('insert', ${every},
      'insert into public.runs (at, who, who_began) values (private.clock(), current_user, session_user)')`;
  }

  // The launcher begins to count when it sees a job, which nothing in the database tells: it looks 20 times a second.
  const jobsAreSeen = () => sleep(800);

  async function tick(): Promise<void> {
    await jobsAreSeen();
    await db.advanceClock(5);
    await until(async () => (await runs()).length === 1);
  }

  const runs = () =>
    db.sql<{ at: Date; who: string; who_began: string }[]>`select at, who, who_began from public.runs order by n`;
});

async function responses(count: number) {
  await until(async () => (await db.sql`select from net._http_response`).length === count);
  return db.sql`select id, status_code, content_type, content, timed_out, error_msg from net._http_response order by id`;
}

/** Waits until the condition holds; the test's own timeout ends a wait in vain. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}
