import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { useCommand } from "../../ui/command.tsx";
import { Panel } from "../../ui/panel.tsx";
import { AdoptBooks } from "./adopt-books.tsx";

/** Safe mode by hand, and cash that moved outside the engine. */
export function CommandsPanel({ mode, safeMode }: { mode: Mode; safeMode: boolean }) {
  return (
    <Panel title="Commands" note="recorded with your name">
      <SafeMode mode={mode} on={safeMode} />
      <CashEvent mode={mode} />
      <AdoptBooks mode={mode} />
    </Panel>
  );
}

function SafeMode({ mode, on }: { mode: Mode; on: boolean }) {
  const queries = useQueryClient();
  const command = useCommand(async () => {
    await callRpc("set_safe_mode", { on_: !on, minutes: 60 });
    await queries.invalidateQueries();
  });
  return (
    <div className="command">
      <span>Safe mode halts entries for an hour and lets exits pass ({mode}).</span>
      <button type="button" disabled={command.busy} onClick={command.run}>
        {on ? "Leave safe mode" : "Enter safe mode"}
      </button>
      {command.error}
    </div>
  );
}

function CashEvent({ mode }: { mode: Mode }) {
  const queries = useQueryClient();
  const [kind, setKind] = useState("deposit");
  const [amount, setAmount] = useState("");
  const [reason, setReason] = useState("");
  const [saved, setSaved] = useState(false);
  const record = useCommand(async () => {
    await callRpc("record_cash_event", { mode, kind, amount, reason });
    setAmount("");
    setReason("");
    setSaved(true);
    await queries.invalidateQueries();
  });
  return (
    <form
      className="command"
      onSubmit={(event) => {
        event.preventDefault();
        setSaved(false);
        record.run();
      }}
    >
      <span>Record cash that you moved at the broker ({mode}):</span>
      <select aria-label="Kind" value={kind} onChange={(event) => setKind(event.target.value)}>
        <option value="deposit">deposit</option>
        <option value="withdrawal">withdrawal</option>
      </select>
      <input
        aria-label="Amount in US dollars"
        placeholder="Amount, USD"
        inputMode="decimal"
        required
        value={amount}
        onChange={(event) => setAmount(event.target.value)}
      />
      <input
        aria-label="Reason"
        placeholder="Why"
        required
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <button type="submit" disabled={record.busy}>
        Record
      </button>
      {saved && <span role="status">Recorded.</span>}
      {record.error}
    </form>
  );
}
