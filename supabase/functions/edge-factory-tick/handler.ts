import type { TickBody } from "../_shared/run.ts";

/**
 * The edge factory has no engine in this version: while EDGE_FACTORY_MODE is disabled the database records the run as
 * skipped and this is never reached; in any other mode the run says plainly that nothing trades.
 */
export const edgeFactoryTick: TickBody = async (run) => {
  throw new Error(
    `EDGE_FACTORY_MODE is ${run.work.config.EDGE_FACTORY_MODE}, but this version has no edge factory; set it to disabled`,
  );
};
