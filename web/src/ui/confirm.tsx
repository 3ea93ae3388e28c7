import { type ReactNode, useState } from "react";
import { useCommand } from "./command.tsx";
import { Modal } from "./modal.tsx";

/** A modal question. It stays open with the error when the command is refused. */
export function Confirm(props: {
  title: string;
  confirm: string;
  danger?: boolean;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const [done, setDone] = useState(false);
  const command = useCommand(async () => {
    await props.onConfirm();
    setDone(true);
    props.onClose();
  });
  return (
    <Modal label={props.title} onClose={props.onClose}>
      <h2>{props.title}</h2>
      {props.children}
      {command.error}
      <div className="dialog-buttons">
        <button type="button" onClick={props.onClose}>
          Back
        </button>
        <button
          type="button"
          className={props.danger ? "danger" : "primary"}
          disabled={command.busy || done}
          onClick={command.run}
        >
          {command.busy ? "Working…" : props.confirm}
        </button>
      </div>
    </Modal>
  );
}
