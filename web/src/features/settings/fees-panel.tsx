import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Amount } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { useCommand } from "../../ui/command.tsx";
import { Panel } from "../../ui/panel.tsx";

/** What an account pays, in basis points, and where that is known from. */
export interface AccountFees {
  readonly broker: string;
  readonly maker_bps: Amount;
  readonly taker_bps: Amount;
  readonly fee_source: "assumed" | "knob" | "broker" | "operator";
}

const SOURCES: Record<AccountFees["fee_source"], string> = {
  assumed: "nobody has told the rates yet, so Robinhood's API rate is assumed",
  knob: "from the knob PAPER_FEE_BPS",
  broker: "as the broker reports them",
  operator: "as an operator has said",
};

/** The fees that guards, sizing and the cost filter count with; an operator says what the live broker charges. */
export function FeesPanel({ mode, fees, canCommand }: { mode: Mode; fees: AccountFees; canCommand: boolean }) {
  return (
    <Panel title="Fees" note={`${mode}: ${fees.broker}`}>
      <p className="command">
        Maker {fees.maker_bps}, taker {fees.taker_bps} basis points, {SOURCES[fees.fee_source]}.
      </p>
      {canCommand && mode === "live" && <SetFees />}
    </Panel>
  );
}

function SetFees() {
  const queries = useQueryClient();
  const [maker, setMaker] = useState("");
  const [taker, setTaker] = useState("");
  const [reason, setReason] = useState("");
  const set = useCommand(async () => {
    await callRpc("set_account_fees", { mode: "live", maker_bps: maker, taker_bps: taker, reason });
    setMaker("");
    setTaker("");
    setReason("");
    await queries.invalidateQueries();
  });
  return (
    <form
      className="command"
      onSubmit={(event) => {
        event.preventDefault();
        set.run();
      }}
    >
      <span>Say what the live broker charges:</span>
      <Rate name="Maker" value={maker} onChange={setMaker} />
      <Rate name="Taker" value={taker} onChange={setTaker} />
      <input
        aria-label="Where the rates were read"
        placeholder="Where you read it"
        required
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <button type="submit" disabled={set.busy}>
        Set the fees
      </button>
      {set.error}
    </form>
  );
}

function Rate({ name, value, onChange }: { name: string; value: string; onChange: (value: string) => void }) {
  return (
    <input
      aria-label={`${name} fee in basis points`}
      placeholder={`${name}, bps`}
      inputMode="decimal"
      required
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
