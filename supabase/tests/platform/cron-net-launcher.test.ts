import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import { type CronNetBench, openCronNetBench, until } from "./cron-net-bench.ts";

let bench: CronNetBench;
let db: TestDatabase;

beforeEach(async () => {
  bench = await openCronNetBench();
  db = bench.db;
  await db.sql`create table public.runs (n integer generated always as identity, at timestamptz, who text, who_began text)`;
  await db.setClock("2026-03-01T12:00:00Z");
});
afterEach(() => bench.close());

describe("the cron launcher", () => {
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
    await bench.stopWorkers();
    await db.admin`insert into cron.job (schedule, command, database, username)
      values ('5 seconds', 'insert into public.runs (who) values (current_user)', 'elsewhere', 'postgres')`;
    await bench.startWorkers();
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
    await db.sql`select cron.schedule('wake', '5 seconds', ${`select net.http_post('${bench.address}/woken')`})`;
    await jobsAreSeen();
    await db.advanceClock(5);
    await until(() => bench.received.length === 1);
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
    await bench.stopWorkers();
    await until(async () => (await connections()).length === 0);
  });
});

async function schedule(every: string): Promise<void> {
  await db.sql`select cron.schedule('insert', ${every},
    'insert into public.runs (at, who, who_began) values (private.clock(), current_user, session_user)')`;
}

/**
 * Waits until the launcher has seen every job of now, from when on it counts. Its statements tell: after the one that brings
 * the news it reads the clock, the jobs, and, when it has taken them over, the clock again.
 */
async function jobsAreSeen(): Promise<void> {
  const begun = new Set<string>();
  await until(async () => {
    const [launcher] = await db.admin<{ begun: string }[]>`
      select query_start::text as begun from pg_stat_activity
      where datname = current_database() and application_name = 'pg_cron launcher'`;
    if (launcher) begun.add(launcher.begun);
    return begun.size > 4; // the first one may have begun before
  });
}

async function tick(): Promise<void> {
  await jobsAreSeen();
  await db.advanceClock(5);
  await until(async () => (await runs()).length === 1);
}

const runs = () =>
  db.sql<{ at: Date; who: string; who_began: string }[]>`select at, who, who_began from public.runs order by n`;
