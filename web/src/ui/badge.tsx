import type { ReactNode } from "react";

/** How a state should be felt; the words always say it too. */
export type Tone = "good" | "warn" | "bad" | "calm" | "quiet";

/** A short state in words, with a mark that does not depend on colour. */
export function Badge(props: { tone: Tone; children: ReactNode; title?: string | undefined }) {
  const mark = { good: "●", warn: "▲", bad: "■", calm: "◆", quiet: "○" }[props.tone];
  return (
    <span className={`badge ${props.tone}`} title={props.title}>
      <span aria-hidden="true" className="mark">
        {mark}
      </span>
      {props.children}
    </span>
  );
}
