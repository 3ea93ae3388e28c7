import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { expect } from "vitest";
import type { Place, Running } from "../support/running-platform.ts";

/** An order with a timer: open, unresolved or watched. */
export interface SeenOrder {
  id: string;
  version: string;
  status: string;
  next_action_at: string | null;
}

/** What the database showed at one moment; times are epoch milliseconds of the platform's clock. */
export interface Moment {
  clock: number;
  /** The newest time in the book's own records. */
  written: number;
  /** True before the platform lets time run. */
  isStanding: boolean;
  /** When this was asked, in milliseconds of this process. */
  askedAt: number;
  orders: SeenOrder[];
  /** Ticks at work. */
  runs: string[];
  /** How many ticks have begun, ever. */
  begun: number;
}

/** What was seen of one life of the platform: as the restart found it, and last before it was killed. */
export interface Sight {
  recovered: Moment | null;
  last: Moment | null;
}

/**
 * Between a tick's look at the real time and its stopping of the clock, another reader may read on: for as long as a busy
 * machine lets the tick's statement wait. A clock that lost its place would be off by whole minutes.
 */
const PREEMPTED_MS = 500;

/** The newest clock and record that any life has shown, and the moment by which that life had ended. */
let previous: { clock: number; written: number; latest: number } | null = null;

/** Watches a starting platform until it is killed; its clock must go on where it stopped, and its records must all be there. */
export function watchPlatform(place: Place, running: Running, speed: number) {
  const sql = postgres(place.databaseUrl, { max: 1, connect_timeout: 2, onnotice: () => {}, backoff: () => 0.05 });
  const sight: Sight = { recovered: null, last: null };
  const startedAt = performance.now();
  let ended = false;
  let failure: unknown;
  let tickHasBegun = () => {};
  /** Resolves when the first tick of this life has begun. */
  const tickBegan = new Promise<void>((resolve) => {
    tickHasBegun = resolve;
  });
  let begunBefore: number | undefined;
  const watching = (async () => {
    await running.says(/Migrations .*\n/).catch(() => {});
    while (!ended) {
      const moment = await look(sql).catch(() => null); // killed, or on its way up
      if (moment) {
        note(sight, moment, speed);
        begunBefore ??= moment.begun;
        if (moment.begun > begunBefore) tickHasBegun();
      }
      await sleep(100);
    }
  })().catch((error: unknown) => {
    failure = error;
    tickHasBegun();
  });
  /** Stops watching a platform that has been killed or is about to be stopped; throws what was wrong with it. */
  const end = async (): Promise<Sight> => {
    ended = true;
    const endedAt = performance.now();
    await sql.end({ timeout: 0 });
    await watching;
    if (failure) throw failure;
    if (sight.last) previous = { ...sight.last, latest: sight.last.clock + speed * (endedAt - sight.last.askedAt) };
    else if (previous) previous.latest += speed * (endedAt - startedAt);
    return sight;
  };
  return { tickBegan, end };
}

function note(sight: Sight, moment: Moment, speed: number): void {
  const known = (sight.last?.clock ?? 0) - PREEMPTED_MS * speed;
  expect(moment.clock, "the clock never runs backwards").toBeGreaterThanOrEqual(known);
  if (sight.last === null && previous)
    expect(moment.written, "nothing recorded is lost").toBeGreaterThanOrEqual(previous.written);
  if (sight.last === null && moment.isStanding) {
    sight.recovered = moment;
    expect(moment.clock, "the clock is not before what was recorded").toBeGreaterThanOrEqual(moment.written);
    if (previous) expect(moment.clock, "the time that nothing ran is not counted").toBeLessThan(previous.latest + 1000);
  }
  sight.last = moment;
}

type Row = Pick<Moment, "orders" | "runs" | "begun"> & { clock: Date; written: Date; standing: boolean };

async function look(sql: postgres.Sql): Promise<Moment> {
  const askedAt = performance.now();
  const [row] = await sql<Row[]>`
    select private.clock() as clock, (select speed = 0 from private.replay_clock) as standing,
      greatest(
        (select max(ts) from order_events), (select max(started_at) from tick_runs), (select max(finished_at) from tick_runs),
        (select max(booked_at) from crypto_fills), (select max(occurred_at) from cash_ledger),
        (select updated_at from paper_exchange.book where state is not null), to_timestamp(0)
      ) as written,
      array(select name from tick_runs where outcome = 'running' order by name) as runs,
      (select count(*)::int from tick_runs) as begun,
      coalesce((
        select jsonb_agg(jsonb_build_object(
          'id', id, 'version', version::text, 'status', status, 'next_action_at', next_action_at
        )) from crypto_orders where next_action_at is not null
      ), '[]') as orders`;
  if (!row) throw new Error("the database gave no answer");
  const { clock, written, standing, ...rest } = row;
  return { clock: clock.getTime(), written: written.getTime(), isStanding: standing, askedAt, ...rest };
}
