import { queryOptions } from "@tanstack/react-query";
import { callRpc } from "./rpc.ts";

/** One knob with its range, default and source. */
export interface Knob {
  readonly key: string;
  readonly value: string;
  readonly value_type: string;
  readonly min: string | null;
  readonly max: string | null;
  readonly choices: readonly string[] | null;
  readonly default_value: string;
  readonly description: string;
  readonly source: "default" | "operator" | "env";
  readonly updated_by: string;
}

/** Reads every knob. */
export const configQuery = queryOptions({ queryKey: ["config"], queryFn: () => callRpc<Knob[]>("dashboard_config") });

/** Returns a knob's number, or the given one while the knobs are not read yet. */
export function knobNumber(knobs: readonly Knob[] | undefined, key: string, otherwise: number): number {
  return Number(knobs?.find((knob) => knob.key === key)?.value ?? otherwise);
}
