import { tickFunction } from "../_shared/deno/tick-function.ts";
import { traderTick } from "./handler.ts";

Deno.serve(tickFunction("trader-tick", traderTick));
