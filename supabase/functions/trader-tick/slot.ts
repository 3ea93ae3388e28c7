import { formatInstant } from "../../../shared/market/instant.ts";
import type { TickRun } from "../_shared/run.ts";

/** Returns the trader's slot of now: two runs in one slot give the same intents the same keys. */
export const slotOf = (run: TickRun): string => {
  const cadence = run.work.config.TRADER_TICK_SECONDS * 1000;
  return formatInstant(Math.floor(run.now() / cadence) * cadence);
};
