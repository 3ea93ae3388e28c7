import { type ReactNode, useEffect, useRef } from "react";

/** A modal dialog on the browser's own element: focus is kept inside, Escape closes it. */
export function Modal(props: { label: string; wide?: boolean; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} className={props.wide ? "wide" : undefined} aria-label={props.label} onClose={props.onClose}>
      {props.children}
    </dialog>
  );
}
