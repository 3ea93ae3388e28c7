import type postgres from "postgres";

/** Lets the clock go on at the given speed from where it stands; 0 stops it. */
export async function runReplayClock(sql: postgres.Sql, speed: number): Promise<void> {
  await sql`
    update private.replay_clock
    set anchor_clock = private.clock(), anchor_real = clock_timestamp(), speed = ${speed}
    where one`;
}

/** What the clock shows now, in epoch milliseconds. */
export async function readClock(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ now: Date }[]>`select private.clock() as now`;
  if (!row) throw new Error("private.clock() gave no answer");
  return row.now.getTime();
}

/** What the clock shows now, in epoch milliseconds, and how fast it was asked to run. */
export async function readPace(sql: postgres.Sql): Promise<{ clockMs: number; speed: number }> {
  const [row] = await sql<{ now: Date; speed: string | null }[]>`
    select private.clock() as now, (select c.speed from private.replay_clock as c) as speed`;
  if (!row) throw new Error("private.clock() gave no answer");
  return { clockMs: row.now.getTime(), speed: Number(row.speed ?? 0) };
}

/**
 * Lets the clock of a folder that has one be read again, standing still where it was when the platform ended. Returns that
 * moment, or null for a folder without a replay clock.
 */
export async function resumeReplayClock(sql: postgres.Sql): Promise<number | null> {
  const stoppedMs = await readStoppedClock(sql);
  if (stoppedMs !== null)
    await sql`
      update private.replay_clock
      set anchor_clock = ${new Date(stoppedMs)}, anchor_real = clock_timestamp(), speed = 0
      where one`;
  return stoppedMs;
}

/**
 * What the clock showed when the cluster last committed anything before this start, in epoch milliseconds; null when no
 * clock was set. Everything in the books was written at or before that moment, even when the platform was killed.
 */
async function readStoppedClock(sql: postgres.Sql): Promise<number | null> {
  const [table] = await sql`select to_regclass('private.replay_clock') as found`;
  if (!table?.found) return null;
  const [row] = await sql<{ stopped: Date }[]>`
    select private.clock_at(coalesce(w.last_write, c.anchor_real)) + interval '1 millisecond' as stopped
    from private.replay_clock as c
    cross join (
      select max(pg_xact_commit_timestamp(n::text::xid)) as last_write
      from generate_series(
        greatest(3, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 2000),
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1
      ) as n
      where pg_xact_commit_timestamp(n::text::xid) < pg_postmaster_start_time()
    ) as w`;
  return row?.stopped.getTime() ?? null;
}
