import type { ReactNode } from "react";
import { type Amount, direction } from "../lib/format.ts";

/** A gain or loss: the sign says it, the colour repeats it. */
export function Signed(props: { value: Amount | null | undefined; children: ReactNode }) {
  return <span className={direction(props.value)}>{props.children}</span>;
}
