import type { ReactNode } from "react";

/** A cell of two lines: what is looked for, and under it what belongs to it. Always two, so that rows keep their height. */
export function Two({ main, more, title }: { main: ReactNode; more: ReactNode; title?: string | undefined }) {
  return (
    <span className="two" title={title}>
      <span>{main}</span>
      <small>{more}</small>
    </span>
  );
}
