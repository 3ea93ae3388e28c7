import type { TickBody, TickDeps } from "../../functions/_shared/run.ts";
import type { TickName } from "../../functions/_shared/store.ts";
import { runTick as runAnyTick, type TickRequest, type TickResult } from "../../functions/_shared/tick.ts";
import { edgeFactoryTick } from "../../functions/edge-factory-tick/handler.ts";
import { repositionTick } from "../../functions/reposition-tick/handler.ts";
import { traderTick } from "../../functions/trader-tick/handler.ts";

const BODIES: Readonly<Record<TickName, TickBody>> = {
  "trader-tick": traderTick,
  "edge-factory-tick": edgeFactoryTick,
  "reposition-tick": repositionTick,
};

/** Runs a tick in this process exactly as its function would: the same handlers, store protocol and rounds. */
export const runTick = (
  name: TickName,
  deps: TickDeps,
  request: TickRequest = { slot: null, trigger: "wake" },
): Promise<TickResult> => runAnyTick(name, BODIES[name], deps, request);
