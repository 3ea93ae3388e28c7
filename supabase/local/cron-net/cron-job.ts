import { CronExpressionParser } from "cron-parser";

/** A row of cron.job, as far as the launcher needs it. */
export interface CronJob {
  jobid: string;
  schedule: string;
  command: string;
  username: string;
  database: string;
}

/** When a job ran last and when it is due, in milliseconds of the platform's clock. */
export interface JobTimer {
  schedule: string;
  /** The moment the next due time is reckoned from: the last start, or when the job was first seen. */
  since: number;
  dueAt: number;
}

/** Starts counting from now: as with pg_cron, the first run of an interval job comes one full interval later. */
export function startTimer(job: CronJob, now: number): JobTimer {
  return { schedule: job.schedule, since: now, dueAt: nextDue(job.schedule, now) };
}

/** Returns when a schedule is next due after the given moment; `@reboot` is never due again. */
export function nextDue(schedule: string, after: number): number {
  const seconds = /^\s*(\d+)\s+seconds?\s*$/i.exec(schedule)?.[1];
  if (seconds !== undefined) return after + Number(seconds) * 1000;
  const expression = schedule.trim().toLowerCase();
  if (expression === "@reboot") return Number.POSITIVE_INFINITY;
  return CronExpressionParser.parse(forParser(expression), { currentDate: new Date(after), tz: "UTC" })
    .next()
    .getTime();
}

// pg_cron writes the last day of the month as `$`, the parser as `L`.
function forParser(expression: string): string {
  if (expression === "@midnight") return "@daily";
  if (expression === "@annually") return "@yearly";
  return expression.replaceAll("$", "L");
}
