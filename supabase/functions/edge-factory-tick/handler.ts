import type { TickBody } from "../_shared/run.ts";

/**
 * The edge factory has no engine in this version: while EDGE_FACTORY_MODE is disabled and it holds nothing the database
 * records the run as skipped and this is never reached; otherwise the run says plainly that nothing trades, and what
 * somebody must sell by hand.
 */
export const edgeFactoryTick: TickBody = async ({ work }) => {
  const held = [work, ...work.elsewhere].flatMap(({ mode, positions }) =>
    positions.filter(({ engine }) => engine === "edge_factory").map(({ symbol }) => `${symbol} (${mode})`),
  );
  const advice = held.length > 0 ? `sell what it holds by hand: ${held.join(", ")}` : "set it to disabled";
  throw new Error(
    `EDGE_FACTORY_MODE is ${work.config.EDGE_FACTORY_MODE}, but this version has no edge factory; ${advice}`,
  );
};
