import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { Confirm } from "../../ui/confirm.tsx";

/** Makes our cash and holdings what the broker says they are, after the operator has typed so. */
export function AdoptBooks({ mode }: { mode: Mode }) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const phrase = `ADOPT ${mode.toUpperCase()}`;
  const adopt = async () => {
    await callRpc("adopt_broker_books", { mode, confirm: typed });
    await queries.invalidateQueries();
  };
  const ask = () => {
    setTyped("");
    setAsking(true);
  };
  return (
    <div className="command">
      <span>Adopt the broker's books when the difference is real and explained ({mode}).</span>
      <button type="button" onClick={ask}>
        Adopt the broker's books
      </button>
      {asking && (
        <Confirm
          title={`Adopt the broker's ${mode} books?`}
          confirm="Adopt"
          danger
          onConfirm={adopt}
          onClose={() => setAsking(false)}
        >
          <p>
            Our cash and holdings become what the broker's last report says; the difference is booked as an adjustment
            with your name. Look at the reconciliations in the log first.
          </p>
          <p>
            <label className="field">
              Type {phrase} to confirm
              <input value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" />
            </label>
          </p>
        </Confirm>
      )}
    </div>
  );
}
