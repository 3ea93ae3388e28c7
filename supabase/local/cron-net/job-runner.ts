import pg from "pg";
import type { CronJob } from "./cron-job.ts";
import { reason } from "./database-session.ts";

/** How a run ended, in the words of cron.job_run_details. */
export interface RunResult {
  status: "succeeded" | "failed";
  return_message: string;
}

/** Runs one job's commands as its user in a connection of its own, one after the other. */
export class JobRunner {
  /** The backend of the latest run. */
  pid: number | undefined;
  #client: pg.Client | undefined;
  readonly #databaseUrl: string;

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  /** Connects as the job's user and returns the process id of the backend. */
  async prepare(job: CronJob): Promise<number> {
    const client = this.#client ?? (await this.#connect(job.database));
    await client.query(`set session authorization ${pg.escapeIdentifier(job.username)}`);
    this.pid = (client as pg.Client & { processID: number }).processID;
    return this.pid;
  }

  /** Runs the command of a prepared job; an error is a result, not an exception. */
  async run(job: CronJob): Promise<RunResult> {
    try {
      const results: unknown = await this.#client?.query(job.command);
      const last = Array.isArray(results) ? results.at(-1) : results;
      return { status: "succeeded", return_message: commandTag(last as pg.QueryResult) };
    } catch (error) {
      return { status: "failed", return_message: `ERROR:  ${reason(error)}` };
    } finally {
      await this.#reset();
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  async #connect(database: string): Promise<pg.Client> {
    const url = new URL(this.#databaseUrl);
    url.pathname = `/${encodeURIComponent(database)}`;
    const client = new pg.Client({ connectionString: url.href, application_name: "pg_cron" });
    client.on("error", () => {});
    client.once("end", () => {
      if (this.#client === client) this.#client = undefined;
    });
    await client.connect();
    this.#client = client;
    return client;
  }

  // A transaction left open, a broken connection: the next run begins in a new one.
  async #reset(): Promise<void> {
    try {
      await this.#client?.query("discard all");
    } catch {
      await this.close();
    }
  }
}

function commandTag({ command, rowCount, fields }: pg.QueryResult): string {
  if (fields.length > 0) return `${rowCount ?? 0} row${rowCount === 1 ? "" : "s"}`;
  if (command === "INSERT") return `INSERT 0 ${rowCount ?? 0}`;
  return rowCount === null ? command : `${command} ${rowCount}`;
}
