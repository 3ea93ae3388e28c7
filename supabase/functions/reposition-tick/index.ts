import { tickFunction } from "../_shared/deno/tick-function.ts";
import { repositionTick } from "./handler.ts";

Deno.serve(tickFunction("reposition-tick", repositionTick));
