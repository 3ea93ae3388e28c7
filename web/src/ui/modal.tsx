import { type ReactNode, useLayoutEffect, useRef } from "react";

/** A modal dialog on the browser's own element: focus is kept inside, Escape closes it, and focus goes back to the opener. */
export function Modal(props: { label: string; wide?: boolean; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = dialog.current;
    if (!element?.open) element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog ref={dialog} className={props.wide ? "wide" : undefined} aria-label={props.label} onClose={props.onClose}>
      {props.children}
    </dialog>
  );
}
