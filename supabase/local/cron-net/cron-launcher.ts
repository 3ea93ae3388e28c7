import type pg from "pg";
import { type CronJob, type JobTimer, nextDue, startTimer } from "./cron-job.ts";
import { type DatabaseSession, openSession, reason } from "./database-session.ts";
import { JobRunner } from "./job-runner.ts";
import { Pace } from "./pace.ts";
import { WakeUp } from "./wake-up.ts";

interface ScheduledJob {
  job: CronJob;
  timer: JobTimer;
  runner: JobRunner;
  running: Promise<void> | undefined;
  /** At most one further run waits while one is at work. */
  pending: boolean;
}

/** Starts the stand-in for pg_cron's launcher, which runs jobs at the pace of the platform's clock. */
export function startCronLauncher(databaseUrl: string, log: (line: string) => void): Promise<DatabaseSession> {
  return openSession({
    databaseUrl,
    name: "pg_cron launcher",
    log,
    work: (client, ended) => new Launcher(databaseUrl, client, log).work(ended),
  });
}

class Launcher {
  readonly #jobs = new Map<string, ScheduledJob>();
  readonly #wakeUp = new WakeUp();
  readonly #pace = new Pace();
  readonly #databaseUrl: string;
  readonly #client: pg.Client;
  readonly #log: (line: string) => void;
  #last: Promise<unknown> = Promise.resolve();

  constructor(databaseUrl: string, client: pg.Client, log: (line: string) => void) {
    this.#databaseUrl = databaseUrl;
    this.#client = client;
    this.#log = log;
  }

  async work(ended: AbortSignal): Promise<void> {
    let jobsChanged = true;
    this.#client.on("notification", () => {
      jobsChanged = true;
      this.#wakeUp.wake();
    });
    try {
      await this.#begin();
      while (!ended.aborted) {
        const now = await this.#readClock();
        if (jobsChanged) {
          jobsChanged = false;
          await this.#loadJobs(now);
        }
        this.#startDueJobs(now);
        await this.#wakeUp.wait(this.#pace.untilNext(now, this.#nextDue()), ended);
      }
    } finally {
      await this.#end();
    }
  }

  // One statement at a time: runs of several jobs record themselves on the launcher's connection.
  #query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<pg.QueryResult<Row>> {
    const result = this.#last.then(() =>
      values.length > 0 ? this.#client.query<Row>(text, values) : this.#client.query<Row>(text),
    );
    this.#last = result.catch(() => {});
    return result;
  }

  async #begin(): Promise<void> {
    await this.#query("listen embedded_cron_job");
    await this.#query(`
      select embedded.bring_jobs_home();
      update cron.job_run_details set status = 'failed', return_message = 'server restarted', end_time = embedded.clock()
      where status in ('starting', 'connecting', 'sending', 'running')`);
  }

  async #readClock(): Promise<number> {
    const { rows } = await this.#query<{ now: number }>(
      "select extract(epoch from embedded.clock())::double precision * 1000 as now",
    );
    return rows[0]?.now ?? Number.NaN;
  }

  async #loadJobs(now: number): Promise<void> {
    const { rows } = await this.#query<CronJob>(
      "select jobid, schedule, command, username, database from cron.job where active order by jobid",
    );
    const wanted = new Map(rows.map((job) => [job.jobid, job]));
    for (const [id, scheduled] of this.#jobs) {
      if (wanted.has(id)) continue;
      this.#jobs.delete(id);
      void (scheduled.running ?? Promise.resolve()).then(() => scheduled.runner.close());
    }
    for (const job of rows) {
      try {
        this.#keep(job, now);
      } catch (error) {
        // only a superuser's own insert gets past the check of cron.schedule; it must not stop the other jobs
        this.#log(`pg_cron job ${job.jobid}: ${reason(error)}`);
      }
    }
  }

  #keep(job: CronJob, now: number): void {
    const known = this.#jobs.get(job.jobid);
    if (!known) {
      const runner = new JobRunner(this.#databaseUrl);
      this.#jobs.set(job.jobid, { job, timer: startTimer(job, now), runner, running: undefined, pending: false });
      return;
    }
    known.job = job;
    if (known.timer.schedule !== job.schedule) known.timer = startTimer(job, now);
  }

  #nextDue(): number {
    return Math.min(...[...this.#jobs.values()].map((scheduled) => scheduled.timer.dueAt));
  }

  #startDueJobs(now: number): void {
    for (const scheduled of this.#jobs.values()) {
      // A clock set back (a replay begins) starts the count again instead of waiting years.
      if (now < scheduled.timer.since) scheduled.timer = startTimer(scheduled.job, now);
      if (now < scheduled.timer.dueAt) continue;
      scheduled.timer = startTimer(scheduled.job, now);
      if (scheduled.running) scheduled.pending = true;
      else this.#launch(scheduled);
    }
  }

  #launch(scheduled: ScheduledJob): void {
    scheduled.running = this.#runAndRecord(scheduled)
      .catch((error: unknown) => this.#log(`pg_cron job ${scheduled.job.jobid}: ${reason(error)}`))
      .finally(() => {
        scheduled.running = undefined;
        if (!scheduled.pending || this.#jobs.get(scheduled.job.jobid) !== scheduled) return;
        scheduled.pending = false;
        this.#launchLate(scheduled);
      });
  }

  // A run that waited starts at once; an interval is measured from this start.
  #launchLate(scheduled: ScheduledJob): void {
    void this.#readClock()
      .then((now) => {
        scheduled.timer = { ...scheduled.timer, since: now, dueAt: nextDue(scheduled.job.schedule, now) };
        if (!scheduled.running) this.#launch(scheduled);
      })
      .catch(() => {}); // the connection is gone, and with it this launcher
  }

  async #runAndRecord({ job, runner }: ScheduledJob): Promise<void> {
    const { rows } = await this.#query<{ runid: string }>(
      `insert into cron.job_run_details (jobid, database, username, command, status, start_time)
       values ($1, $2, $3, $4, 'starting', embedded.clock()) returning runid`,
      [job.jobid, job.database, job.username, job.command],
    );
    const runId = rows[0]?.runid;
    const pid = await runner.prepare(job).catch(async (error: unknown) => {
      await this.#finish(runId, "failed", `connection failed: ${reason(error)}`);
      return undefined;
    });
    if (pid === undefined) return;
    await this.#query("update cron.job_run_details set status = 'running', job_pid = $2 where runid = $1", [
      runId,
      pid,
    ]);
    const result = await runner.run(job);
    await this.#finish(runId, result.status, result.return_message);
  }

  async #finish(runId: string | undefined, status: string, message: string): Promise<void> {
    await this.#query(
      "update cron.job_run_details set status = $2, return_message = $3, end_time = embedded.clock() where runid = $1",
      [runId, status, message],
    );
  }

  async #end(): Promise<void> {
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    const pids = jobs.filter((scheduled) => scheduled.running).map((scheduled) => scheduled.runner.pid);
    // a run at work is ended at the server too, where a closed connection alone would go unnoticed
    await this.#query("select pg_terminate_backend(pid) from unnest($1::integer[]) as pid", [pids]).catch(() => {});
    await Promise.all(jobs.map((scheduled) => scheduled.runner.close()));
    await Promise.all(jobs.map((scheduled) => scheduled.running));
  }
}
