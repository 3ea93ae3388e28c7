import { tickFunction } from "../_shared/deno/tick-function.ts";
import { edgeFactoryTick } from "./handler.ts";

Deno.serve(tickFunction("edge-factory-tick", edgeFactoryTick));
