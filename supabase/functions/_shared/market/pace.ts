/** Waits until the next request may go out. */
export type Pace = () => Promise<void>;

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** Lets `burst` requests through at once and `perSecond` after that; `now` is monotonic, in milliseconds. */
export const paced = (
  burst: number,
  perSecond: number,
  now: () => number = () => performance.now(),
  wait: (ms: number) => Promise<void> = sleep,
): Pace => {
  const interval = 1000 / perSecond;
  let nextFree = Number.NEGATIVE_INFINITY;
  return async () => {
    const at = now();
    nextFree = Math.max(nextFree, at) + interval;
    const delay = nextFree - at - burst * interval;
    if (delay > 0) await wait(delay);
  };
};
