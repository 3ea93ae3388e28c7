import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { callRpc } from "../../lib/rpc.ts";
import { Badge } from "../../ui/badge.tsx";
import { Confirm } from "../../ui/confirm.tsx";
import type { Header } from "./header-query.ts";

/** One click and a confirmation stop all trading; re-arming asks too. Viewers see the state only. */
export function KillSwitch({ header }: { header: Header }) {
  // What is asked stays what was clicked, even when somebody else flips the switch meanwhile.
  const [asking, setAsking] = useState<"kill" | "re-arm">();
  const queries = useQueryClient();
  if (header.role !== "operator") return header.kill_switch ? <Badge tone="bad">kill switch is on</Badge> : null;
  const on = header.kill_switch;
  const set = async () => {
    const kill = asking === "kill";
    const reason = kill ? "killed from the dashboard" : "re-armed from the dashboard";
    await callRpc("set_kill_switch", { on_: kill, reason });
    await queries.invalidateQueries({ queryKey: ["header"] });
  };
  return (
    <>
      <button
        type="button"
        className={`kill ${on ? "rearm" : "danger"}`}
        aria-label={on ? "Re-arm trading" : undefined}
        onClick={() => setAsking(on ? "re-arm" : "kill")}
      >
        {on ? "Re-arm" : "Kill switch"}
      </button>
      {asking && (
        <Confirm
          title={asking === "kill" ? "Stop all trading?" : "Re-arm trading?"}
          confirm={asking === "kill" ? "Kill now" : "Re-arm"}
          danger={asking === "kill"}
          onConfirm={set}
          onClose={() => setAsking(undefined)}
        >
          {asking === "kill" ? (
            <p>
              No new order leaves after this, and open entries are canceled at the broker. Exits that are on their way
              finish unless KILL_SWITCH_CANCELS_EXITS is true.
            </p>
          ) : (
            <p>
              The kill switch is on. Re-arming lets the engines open positions again, in both books. Your name and the
              time are recorded.
            </p>
          )}
        </Confirm>
      )}
    </>
  );
}
