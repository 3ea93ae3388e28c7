const REAL_TIME_WAIT_MS = 1_000; // pg_cron's own longest sleep
const REPLAY_WAIT_MS = 50;
const SHORTEST_WAIT_MS = 5;

/** Judges how fast the platform's clock runs, so that the launcher sleeps neither too long nor for nothing. */
export class Pace {
  #lastClock = Number.NaN;
  #lastReal = Number.NaN;

  /** Returns the real milliseconds to sleep when the clock shows `now` and the next job is due at `dueAt`. */
  untilNext(now: number, dueAt: number, real: number = performance.now()): number {
    const speed = (now - this.#lastClock) / (real - this.#lastReal);
    this.#lastClock = now;
    this.#lastReal = real;
    const isRealTime = Math.abs(speed - 1) < 0.1;
    const most = isRealTime ? REAL_TIME_WAIT_MS : REPLAY_WAIT_MS;
    const wait = (dueAt - now) / Math.max(Number.isFinite(speed) ? speed : 1, 1);
    return Math.min(Math.max(wait, SHORTEST_WAIT_MS), most);
  }
}
