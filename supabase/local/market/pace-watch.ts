/** Long enough that a tick which holds the clock for a moment doesn't count. */
const WINDOW_MS = 20_000;
/** A clock that keeps less than this of the speed asked for is behind. */
const KEPT = 0.8;

/** What the clock shows at a real moment, and how fast it was asked to run; all in milliseconds but the speed. */
export interface Pace {
  readonly clockMs: number;
  readonly realMs: number;
  readonly speed: number;
}

/** Says how fast a replay's clock really runs when that is less than was asked for, because a tick at work holds it. */
export class PaceWatch {
  #samples: Pace[] = [];
  #said = 1;
  /** The speed reached over the last 20 seconds; null before that. */
  reached: number | null = null;

  /** Takes one more look, and returns a sentence when there is something new to say. */
  look(pace: Pace): string | null {
    if (this.#samples.at(-1)?.speed !== pace.speed) this.#samples = [];
    this.#samples.push(pace);
    const [first] = this.#samples;
    if (pace.speed <= 0 || first === undefined || pace.realMs - first.realMs < WINDOW_MS) return null;
    this.#samples.shift();
    this.reached = (pace.clockMs - first.clockMs) / (pace.realMs - first.realMs);
    return this.#judge(this.reached, pace.speed);
  }

  #judge(reached: number, speed: number): string | null {
    const share = Math.min(1, reached / speed);
    const isBehind = share < KEPT;
    if (isBehind ? Math.abs(share - this.#said) < this.#said / 4 : this.#said === 1) return null;
    this.#said = isBehind ? share : 1;
    return isBehind
      ? `the replay runs at ${asSpeed(reached)} x real time where ${asSpeed(speed)} was asked: this machine is too busy for more, and nothing is skipped`
      : `the replay runs at ${asSpeed(speed)} x real time again, as asked`;
  }
}

/** Writes a speed with as many digits as tell something. */
export const asSpeed = (speed: number): string => String(speed < 10 ? Math.round(speed * 10) / 10 : Math.round(speed));
