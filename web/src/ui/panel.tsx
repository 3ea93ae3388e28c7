import { type ReactNode, useId } from "react";

/** A titled section of the screen. */
export function Panel(props: { title: string; note?: ReactNode; children: ReactNode; className?: string }) {
  const id = useId();
  return (
    <section className={`panel ${props.className ?? ""}`} aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{props.title}</h2>
        {props.note !== undefined && <span className="note">{props.note}</span>}
      </header>
      {props.children}
    </section>
  );
}
